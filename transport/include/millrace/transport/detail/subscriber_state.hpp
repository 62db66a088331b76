// What a Subscriber and its messages share. The message path is here, in the open, so that it is
// inlined: look at a header, hand out the bytes, step on. Finding lanes, waiting, errors and places
// are behind LaneSet (transport/src).
#pragma once

#include "millrace/core/cpu.hpp"
#include "millrace/core/crash_point.hpp"
#include "millrace/core/fork_guard.hpp"
#include "millrace/core/lane_reader.hpp"
#include "millrace/core/racing_copy.hpp"
#include "millrace/core/reader_layout.hpp"
#include "millrace/core/result.hpp"
#include "millrace/transport/message.hpp"
#include "millrace/transport/options.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace millrace::detail {

// The files behind the lanes, and the slow path.
class LaneSet;

struct LaneSetDelete {
  void operator()(LaneSet* set) const noexcept;
};

class MessageMaker {
 public:
  static void make(Message& message, const Record& record, const std::byte* data,
                   std::uint32_t lane) noexcept {
    message.data_ = data;
    message.position_ = record.position;
    message.sequence_ = record.sequence;
    message.length_ = record.length;
    message.lane_ = lane;
    message.key_ = record.key;
  }
};

// One lane as this subscriber reads it.
struct LaneCursor {
  LaneReader<ProductionMemory> reader;
  layout::ReaderSlot* slot = nullptr;  // own words: position and counters
  const std::atomic<std::uint32_t>* poisoned = nullptr;
  Position published = 0;  // last position stored in the slot
  Sequence first = 0;      // asked for: messages before it are passed over
  std::uint64_t received = 0;
  std::uint64_t skipped = 0;
  std::uint64_t unknown = 0;  // counted before this cursor was made
  std::uint32_t lane = 0;
  std::uint32_t run = 0;    // messages since the lane was last found empty
  std::uint32_t idle = 0;   // times in a row it was found empty
  std::uint32_t rest = 0;   // turns to leave out, because it is idle and others are not
  std::uint32_t stuck = 0;  // overruns in a row that did not move it
};

// Brings the counters that observers see up to date.
void store_counters(const LaneCursor& cursor) noexcept;

// What a look for a message came to. An Error is large; it is made only when there is one.
enum class Look : std::uint8_t {
  message,
  nothing,
  again,   // nothing yet, but another round is due
  failed,  // SubscriberState::failure says why
};

class SubscriberState {
 public:
  static constexpr std::uint32_t kTurn =
      64;  // messages a lane may give before the next has its turn

  SubscriberState() = default;
  SubscriberState(const SubscriberState&) = delete;
  SubscriberState& operator=(const SubscriberState&) = delete;
  ~SubscriberState();

  // Takes the next message of any lane. Releases the one before.
  Look next(Message& message) noexcept {
    if (guard.foreign() || bad_news) [[unlikely]]
      return failed(refuse());
    for (int round = 1;; ++round) {
      const Look found = one_round(message);
      if (found != Look::nothing) [[likely]]
        return found;
      const Look more = nothing();
      if (more != Look::again) return more;
      if (round == kRoundsMax) return Look::nothing;
    }
  }

  // Calls handler for at most `most` messages and releases them, one lane's run at a time.
  template <class Handler>
  Result<std::size_t> each(Handler& handler, std::size_t most) noexcept {
    if (guard.foreign() || bad_news) [[unlikely]]
      return refuse();
    for (int round = 1;; ++round) {
      std::size_t done = 0;
      if (each_in_round(handler, most, done) == Look::failed) [[unlikely]]
        return Failure(*failure);
      if (done != 0 || most == 0) return done;
      const Look more = nothing();
      if (more == Look::failed) [[unlikely]]
        return Failure(*failure);
      if (more == Look::nothing || round == kRoundsMax) return std::size_t{0};
    }
  }

  // Waits until something may be there. `deadline_ns` of CLOCK_MONOTONIC is set at the first call
  // and kept for the next, so that several waits share one timeout; 0 before.
  Result<void> wait(std::chrono::nanoseconds timeout, std::uint64_t& deadline_ns) noexcept;
  Result<void> release_all() noexcept;

  // The next record, not copied and not checked; finish() says whether its bytes were intact.
  // `lane`: where it lies.
  Look next_in_place(Record& record, const std::byte*& data, std::uint32_t& lane) noexcept;
  Result<void> finish(const Record& record, std::uint32_t lane) noexcept;

  std::vector<LaneCursor> cursors;
  std::size_t current = 0;
  std::uint32_t left_in_turn = kTurn;
  std::size_t quiet = 0;  // lanes in a row that were found empty
  bool rested = false;    // a lane was left out, so another look is due before "nothing is there"
  ForkGuard guard;
  KeyFilter filter;
  bool in_place = true;    // Policy::block: messages point into the ring
  bool fencing = false;    // no membarrier: fence at every release
  bool has_alarm = false;  // somebody waits on our event descriptor
  bool bad_news = false;   // the next poll has a loss to report before it goes on
  std::uint64_t incarnation = 0;
  const layout::Word* lane_generation = nullptr;
  std::uint64_t lane_generation_seen = 0;
  std::vector<std::byte> copy;   // the private copy under evict and lossy
  std::optional<Error> failure;  // of the last look that failed
  std::unique_ptr<LaneSet, LaneSetDelete> set;

  static Failure foreign() noexcept;

 private:
  Look failed(const Failure& why) noexcept {
    failure.emplace(why.error());
    return Look::failed;
  }

  // The next message of any lane, each of which gets its turn.
  Look one_round(Message& message) noexcept {
    for (std::size_t turns = cursors.size() + 1; turns != 0 && !cursors.empty(); --turns) {
      LaneCursor& cursor = cursors[current];
      if (left_in_turn != 0 && !resting(cursor)) {
        Record record;
        const Poll found = take(cursor, record);
        if (found == Poll::message) [[likely]] {
          if (due(cursor) && !give_back(cursor)) [[unlikely]]
            return failed(lapped(cursor));
          const std::byte* const data = hand_out(cursor, record);
          if (data == nullptr) [[unlikely]]
            return failed(lapped(cursor));
          MessageMaker::make(message, record, data, cursor.lane);
          return Look::message;
        }
        if (found != Poll::empty) [[unlikely]]
          return failed(trouble(cursor, found));
        if (!went_empty(cursor)) [[unlikely]]
          return failed(trouble(cursor, Poll::empty));
      }
      pass_on();
    }
    return Look::nothing;
  }

  // One turn of every lane; `done` counts the messages.
  template <class Handler>
  Look each_in_round(Handler& handler, std::size_t most, std::size_t& done) noexcept {
    for (std::size_t turns = cursors.size() + 1; turns != 0 && !cursors.empty(); --turns) {
      LaneCursor& cursor = cursors[current];
      if (left_in_turn != 0 && !resting(cursor)) {
        const Poll found = run(cursor, handler, most, done);
        if (found == Poll::empty) {
          if (!went_empty(cursor)) [[unlikely]]
            return failed(trouble(cursor, Poll::empty));
        } else if (found != Poll::message) [[unlikely]] {
          return failed(trouble(cursor, found));
        } else if (due(cursor) ? !give_back(cursor) : !settle(cursor)) [[unlikely]] {
          return failed(lapped(cursor));
        }
        if (done == most) return Look::message;
      }
      pass_on();
    }
    return Look::nothing;
  }

  // The next record that passes the filter.
  Poll take(LaneCursor& cursor, Record& record) noexcept {
    const Position began = cursor.reader.position();
    for (;;) {
      const Poll found = cursor.reader.poll(record);
      if (found != Poll::message || (filter.passes(record.key) && record.sequence >= cursor.first))
          [[likely]] {
        return found;
      }
      if (!may_step_over(cursor, record)) return Poll::broken;
      if (record.position - began >= cursor.reader.lane().capacity()) return Poll::empty;
      // What is only stepped over must be true as well: its length says where the next one begins.
      if (!in_place && !cursor.reader.validate(record.position)) return Poll::overrun;
      cursor.reader.advance(record);
      if (!in_place) cursor.reader.release();
      ++cursor.skipped;
    }
  }

  // A producer publishes below its limit only. Without this look a ring that its publisher has
  // filled with records that do not pass would be walked round and round.
  static bool may_step_over(const LaneCursor& cursor, const Record& record) noexcept {
    // Relaxed: the header's acquire load in poll() orders it.
    return record.position < cursor.reader.lane().limit().load(std::memory_order_relaxed);
  }

  // The bytes of `record` for the caller, or null if they were overwritten while being copied.
  const std::byte* hand_out(LaneCursor& cursor, const Record& record) noexcept {
    const std::byte* data = cursor.reader.lane().payload(record.position);
    if (!in_place) {
      copy_from_ring(copy.data(), data, record.length);
      if (!cursor.reader.validate(record.position)) return nullptr;
      data = copy.data();
    }
    cursor.reader.advance(record);
    if (!in_place) cursor.reader.release();
    ++cursor.received;
    ++cursor.run;
    --left_in_turn;
    quiet = 0;
    return data;
  }

  // One lane's turn in each().
  template <class Handler>
  Poll run(LaneCursor& cursor, Handler& handler, std::size_t most, std::size_t& done) noexcept {
    while (done != most && left_in_turn != 0) {
      Record record;
      const Poll found = take(cursor, record);
      if (found != Poll::message) return found;
      const std::byte* const data = hand_out(cursor, record);
      if (data == nullptr) return Poll::overrun;
      Message message;
      MessageMaker::make(message, record, data, cursor.lane);
      handler(static_cast<const Message&>(message));
      ++done;
    }
    return Poll::message;
  }

  // An eighth of the ring is used up: time to let the publisher have it.
  [[nodiscard]] static bool due(const LaneCursor& cursor) noexcept {
    return cursor.reader.position() - cursor.published >= cursor.reader.lane().capacity() / 8;
  }

  // Ends what was read since the last release; false: it may have been overwritten meanwhile.
  bool settle(LaneCursor& cursor) const noexcept {
    if (cursor.reader.start() == cursor.reader.position()) return true;
    // Copies were validated one by one, and nobody holds bytes of the ring.
    if (in_place && !cursor.reader.validate()) return false;
    cursor.reader.release();
    return true;
  }

  // Settles, and tells the publisher where we stand.
  bool give_back(LaneCursor& cursor) noexcept {
    if (!settle(cursor)) [[unlikely]]
      return false;
    const Position position = cursor.reader.position();
    MILLRACE_CRASH_POINT("release.validated");
    // [sync:space] Release. Without it the publisher could overwrite bytes that are still being
    // read.
    cursor.slot->position.store(position, std::memory_order_release);
    cursor.published = position;
    MILLRACE_CRASH_POINT("release.stored");
    store_counters(cursor);
    if (fencing) {
      ProductionMemory::full_fence();  // [sync:back-pressure] we pay, the sleeper need not
    } else {
      ProductionMemory::light_barrier();  // [sync:back-pressure] the sleeper runs the heavy barrier
    }
    const auto& blocked = cursor.reader.lane().control().blocked_reader;
    if (blocked.load(std::memory_order_relaxed) == incarnation) [[unlikely]]
      wake_publisher(cursor);
    return true;
  }

  // Nothing more in this lane: give it all back, so that its publisher never waits for a drained
  // ring. False: trouble.
  bool went_empty(LaneCursor& cursor) noexcept {
    ++quiet;
    if (cursor.published != cursor.reader.position() && !give_back(cursor)) return false;
    if (cursor.poisoned->load(std::memory_order_relaxed) != 0) [[unlikely]]
      return false;
    cursor.idle = cursor.run != 0 ? 0 : cursor.idle + 1;
    cursor.rest = cursor.idle < kRestMax ? cursor.idle : kRestMax;
    step_back(cursor);
    return true;
  }

  // After a run, a reader that polls at once polls the very line that is being written, and the two
  // processors pull it to and fro. A moment's distance doubles a flood; lone messages never see it.
  static void step_back(LaneCursor& cursor) noexcept {
    if (cursor.run >= kRun) {
      for (int i = 0; i < kStepBack; ++i)
        cpu::pause();
    }
    cursor.run = 0;
  }

  // Idle lanes are looked at less often, but only while others have something.
  [[nodiscard]] bool resting(LaneCursor& cursor) noexcept {
    if (cursor.rest == 0 || quiet >= cursors.size()) return false;
    --cursor.rest;
    rested = true;
    return true;
  }

  void pass_on() noexcept {
    current = current + 1 < cursors.size() ? current + 1 : 0;
    left_in_turn = kTurn;
  }

  // No lane had anything. `again`: a lane was resting, or is new.
  Look nothing() noexcept {
    if (rested) {
      rested = false;
      quiet = cursors.size();
      return Look::again;
    }
    // [sync:lanes] Acquire, as in LaneSet::stale.
    if (lane_generation->load(std::memory_order_acquire) == lane_generation_seen && !has_alarm)
        [[likely]] {
      return Look::nothing;
    }
    return look_around();
  }

  static constexpr std::uint32_t kRestMax = 31;
  static constexpr std::uint32_t kRun = 8;
  static constexpr int kStepBack = 8;
  // Looks at all lanes in one call: as they stand, those that were resting, those that are new. No
  // more, because any member of the channel can say without end that there are new ones.
  static constexpr int kRoundsMax = 3;

  Look look_around() noexcept;
  Failure refuse() noexcept;
  Failure trouble(LaneCursor& cursor, Poll found) noexcept;
  Failure lapped(LaneCursor& cursor) noexcept;
  void wake_publisher(const LaneCursor& cursor) const noexcept;
};

}  // namespace millrace::detail
