// What a Subscriber and its messages share. The message path is here, in the open, so that it is
// inlined: look at a header, hand out the bytes, step on. Finding lanes, waiting, errors, places
// and lanes that are read from a journal are behind LaneSet (transport/src).
#pragma once

#include "millrace/core/crash_point.hpp"
#include "millrace/core/fork_guard.hpp"
#include "millrace/core/racing_copy.hpp"
#include "millrace/core/result.hpp"
#include "millrace/transport/detail/lane_cursor.hpp"
#include "millrace/transport/detail/order_cursor.hpp"
#include "millrace/transport/message.hpp"
#include "millrace/transport/options.hpp"

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

class SubscriberState {
 public:
  static constexpr std::uint32_t kTurn = 64;  // messages of a lane before the next has its turn

  SubscriberState() = default;
  SubscriberState(const SubscriberState&) = delete;
  SubscriberState& operator=(const SubscriberState&) = delete;
  ~SubscriberState();

  // Takes the next message of any lane. Releases the one before.
  Look next(Message& message) noexcept {
    if (guard.foreign() || attention) [[unlikely]]
      return next_by_copy(message);
    for (int round = 1;; ++round) {
      Look found = one_round(message);
      if (found == Look::message) [[likely]]
        return found;
      if (found == Look::stamped) return stamped_by_copy(message);
      if (found == Look::nothing) found = nothing();
      if (found != Look::again) return found;
      if (attention) return next_by_copy(message);
      if (round == kRoundsMax) return Look::nothing;
    }
  }

  // Calls handler for at most `most` messages and releases them, one lane's run at a time.
  template <class Handler>
  Result<std::size_t> each(Handler& handler, std::size_t most) noexcept {
    if (guard.foreign() || attention) [[unlikely]]
      return each_with_care(handler, most);
    return each_in_rings(handler, most);
  }

  // The same when something else comes first: a loss to report, a lane that is read from the
  // journal, a place to be remembered.
  Look next_with_care(Message& message) noexcept;

  // Waits until something may be there. `deadline_ns` of CLOCK_MONOTONIC is set at the first call
  // and kept for the next, so that several waits share one timeout; 0 before.
  Result<void> wait(std::chrono::nanoseconds timeout, std::uint64_t& deadline_ns) noexcept;
  Result<void> release_all() noexcept;

  // The next record, not copied and not checked; finish() says whether its bytes were intact.
  // `lane`: where it lies. One from the journal is intact, and taken by finish().
  Look next_in_place(Record& record, const std::byte*& data, std::uint32_t& lane) noexcept;
  Result<void> finish(const Record& record, std::uint32_t lane) noexcept;

  // Stamps (subscriber_stamps.cpp). The message in the caller's hands is done with.
  void stamp_processed() noexcept;
  [[nodiscard]] bool stamp_in_hand() const noexcept;

  std::vector<LaneCursor> cursors;
  std::unique_ptr<OrderCursor> order;  // of an ordered channel
  std::size_t current = 0;
  std::uint32_t left_in_turn = kTurn;
  std::uint32_t left_when_interrupted = 0;  // by a stamped message, plus 1
  std::size_t quiet = 0;                    // lanes in a row that were found empty
  bool rested = false;  // a lane was left out, so another look is due before "nothing is there"
  ForkGuard guard;
  KeyFilter filter;
  bool in_place = true;    // Policy::block: messages point into the ring
  bool fencing = false;    // no membarrier: fence at every release
  bool restless = false;   // "nothing" needs a closer look: has_alarm, or a record is held back
  bool has_alarm = false;  // somebody waits on our event descriptor
  bool attention = false;  // next_with_care() must have a look before every message
  std::uint64_t incarnation = 0;
  const layout::Word* lane_generation = nullptr;
  std::uint64_t lane_generation_seen = 0;
  std::vector<std::byte> copy;   // the private copy under evict and lossy
  std::optional<Error> failure;  // of the last look that failed
  std::unique_ptr<LaneSet, LaneSetDelete> set;
  std::unique_ptr<SubscriberStamps, StampsDelete> stamps;  // null: off

  static Failure foreign() noexcept;

  Look failed(const Failure& why) noexcept {
    failure.emplace(why.error());
    return Look::failed;
  }

 private:
  // The caller's message must not be passed on by reference: as long as it is not, it lives in
  // registers where nothing rare happens.
  Look next_by_copy(Message& message) noexcept {
    Message careful;
    const Look found = next_with_care(careful);
    if (found == Look::message) message = careful;
    return found;
  }

  Look stamped_by_copy(Message& message) noexcept {
    Message stamped;
    const Look found = next_stamped(stamped);
    if (found == Look::message) message = stamped;
    return found;
  }

  template <class Handler>
  Result<std::size_t> each_in_rings(Handler& handler, std::size_t most) noexcept {
    for (int round = 1;; ++round) {
      std::size_t done = 0;
      Look found = each_in_round(handler, most, done);
      if (found == Look::failed) [[unlikely]]
        return Failure(*failure);
      if (done != 0 || most == 0) return done;
      if (found != Look::again) found = nothing();
      if (found == Look::failed) [[unlikely]]
        return Failure(*failure);
      if (found == Look::again && from_journal()) return each_one_by_one(handler, most);
      if (found == Look::nothing || round == kRoundsMax) return std::size_t{0};
    }
  }

  // Lanes that are read from the journal, or in one order, give their messages one by one.
  template <class Handler>
  Result<std::size_t> each_one_by_one(Handler& handler, std::size_t most) noexcept {
    std::size_t done = 0;
    for (Message message; done != most; ++done) {
      const Look found = next_with_care(message);
      if (found == Look::failed) return Failure(*failure);
      if (found == Look::nothing) break;
      handler(static_cast<const Message&>(message));
    }
    if (auto released = release_all(); !released) return Failure(released.error());
    return done;
  }

  template <class Handler>
  Result<std::size_t> each_with_care(Handler& handler, std::size_t most) noexcept {
    if (auto ready = prepare_each(); !ready) return Failure(ready.error());
    if (order || from_journal()) return each_one_by_one(handler, most);
    auto done = each_in_rings(handler, most);
    acknowledge_all();
    return done;
  }

  // The next message of any lane, each of which gets its turn.
  Look one_round(Message& message) noexcept {
    for (std::size_t turns = cursors.size() + 1; turns != 0 && !cursors.empty(); --turns) {
      LaneCursor& cursor = cursors[current];
      if (left_in_turn != 0 && !resting(cursor)) {
        Record record;
        const Poll found = take(cursor, record);
        if (found == Poll::message) [[likely]] {
          if (stamp_is_due(record.sequence, cursor.stamp_due)) [[unlikely]]
            return Look::stamped;
          if (cursor.due() && !give_back(cursor)) [[unlikely]]
            return lapped(cursor);
          const std::byte* const data = hand_out(cursor, record);
          if (data == nullptr) [[unlikely]]
            return lapped(cursor);
          MessageMaker::make(message, record, data, cursor.lane);
          return Look::message;
        }
        if (found != Poll::empty) [[unlikely]]
          return trouble(cursor, found);
        if (!went_empty(cursor)) [[unlikely]]
          return trouble(cursor, Poll::empty);
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
        if (left_when_interrupted != 0 && resume_turn() && done != most) [[unlikely]] {
          ++turns;
          continue;
        }
        if (found == Poll::empty) {
          if (!went_empty(cursor)) [[unlikely]]
            return trouble(cursor, Poll::empty);
        } else if (found != Poll::message) [[unlikely]] {
          return trouble(cursor, found);
        } else if (cursor.due() ? !give_back(cursor) : !settle(cursor)) [[unlikely]] {
          return lapped(cursor);
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
      if (found != Poll::message) [[unlikely]]
        return found;
      if (filter.passes(record.key) && record.sequence >= cursor.first) [[likely]] {
        if (record.position < cursor.deliverable) [[likely]]
          return found;
        return held_back(cursor) ? Poll::empty : Poll::message;
      }
      const Poll passed = pass_over(cursor, record, began);
      if (passed != Poll::message) return passed;
    }
  }

  // A record that does not pass the filter. Message: look at the next one.
  Poll pass_over(LaneCursor& cursor, const Record& record, Position began) noexcept {
    if (record.position >= cursor.deliverable && held_back(cursor)) return Poll::empty;
    if (!cursor.may_step_over(record)) return Poll::broken;
    if (record.position - began >= cursor.reader.lane().capacity()) return Poll::empty;
    // What is only stepped over must be true as well: its length says where the next one begins.
    if (!in_place && !cursor.reader.validate(record.position)) return Poll::overrun;
    cursor.reader.advance(record);
    if (!in_place) cursor.reader.release();
    ++cursor.skipped;
    return Poll::message;
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
      const bool stamped = stamp_is_due(record.sequence, cursor.stamp_due);
      const std::byte* const data =
          stamped ? interrupt_turn(cursor, record) : hand_out(cursor, record);
      if (data == nullptr) return Poll::overrun;
      Message message;
      MessageMaker::make(message, record, data, cursor.lane);
      handler(static_cast<const Message&>(message));
      ++done;
    }
    return Poll::message;
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
    cursor.stands_at(position);
    MILLRACE_CRASH_POINT("release.stored");
    if (cursor.unreleased != 0) [[unlikely]]
      stamp_released(cursor);
    note_release(cursor);
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
    cursor.found_empty();
    return true;
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
    if (lane_generation->load(std::memory_order_acquire) == lane_generation_seen && !restless)
        [[likely]] {
      return Look::nothing;
    }
    return look_around();
  }

  // Looks at all lanes in one call: as they stand, those that were resting, those that are new. No
  // more, because any member of the channel can say without end that there are new ones.
  static constexpr int kRoundsMax = 3;

  // Reading in the one order (order_reading.cpp).
  Look next_in_order(Message& message) noexcept;
  Look seek(Record& record, LaneCursor*& cursor) noexcept;
  Poll seek_in_lane(LaneCursor& cursor, Record& record) noexcept;
  Look open_word() noexcept;
  bool look_after_lanes() noexcept;
  void took(LaneCursor& cursor) noexcept;
  Look place_in_order(Record& record, const std::byte*& data, std::uint32_t& lane) noexcept;
  Result<void> finish_in_order(const Record& record, std::uint32_t lane) noexcept;
  Look next_stamped(Message& message) noexcept;
  const std::byte* hand_out_stamped(LaneCursor& cursor, const Record& record,
                                    std::uint64_t visible) noexcept;
  // The same in each(): the turn ends with this message, so that only a turn's end, and not every
  // message, need ask whether the handler has returned from a stamped one; then it goes on.
  const std::byte* interrupt_turn(LaneCursor& cursor, Record record) noexcept;
  bool resume_turn() noexcept;
  void stamp_released(LaneCursor& cursor) noexcept;

  Look look_around() noexcept;
  // Failed; or again, if the lane is read from the journal from here on.
  Look trouble(LaneCursor& cursor, Poll found) noexcept;
  Look lapped(LaneCursor& cursor) noexcept;
  // Is the record at the cursor not durable yet? Looks how far the journal has come.
  bool held_back(LaneCursor& cursor) noexcept;
  Look round_with_care(Message& message) noexcept;
  Look next_in_ring(Record& record, const std::byte*& data, std::uint32_t& lane) noexcept;
  Result<void> prepare_each() noexcept;
  [[nodiscard]] bool from_journal() const noexcept;
  void acknowledge_all() noexcept;
  void wake_publisher(const LaneCursor& cursor) const noexcept;
};

}  // namespace millrace::detail
