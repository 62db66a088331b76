// What a journal needs of a durable channel, and nothing else: its lanes with whole records in
// order, a place to say how far they are durable, and the places that named subscribers want to
// have remembered. Only the process that holds the lock of the channel's log may attach.
//
//   attach → add_lane for every producer that the log knows → open_to_publishers
//   → new_lanes / copy / durable, round and round
//
// A lane's ring is never overwritten above its durable point (unless the channel was created with
// when_journal_fails = proceed), so what copy() returns needs no validation by the caller.
//
// Thread rules: one thread at a time.
#pragma once

#include "millrace/core/channel_journal_layout.hpp"
#include "millrace/core/checkpoints.hpp"
#include "millrace/core/futex.hpp"
#include "millrace/core/result.hpp"
#include "millrace/core/unique_number.hpp"
#include "millrace/transport/domain.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace millrace {

namespace detail {
class JournalFeedState;
}

struct FeedLane {
  std::uint32_t lane = 0;   // its number in the channel
  std::string producer;     // its publisher's name
  std::uint64_t epoch = 0;  // of its file, never repeated: the log tells a producer's lives by it
  Checkpoint durable;       // where the last persister stood in it; {0, its first} for a new one
};

// Whole records of one lane, exactly as they lie in the ring: headers, payload, padding.
struct FeedRun {
  Sequence first = 0;       // number of the first message
  std::uint32_t count = 0;  // messages
  std::uint64_t bytes = 0;  // copied into `room`
  // Messages before `first` that were overwritten (only where publishers may proceed, or after a
  // detach). Said again by every copy until count_gap() takes it, also with count 0.
  std::uint64_t lost = 0;
  // The next record alone is longer than `room`: nothing was copied. copy_part() takes it.
  std::uint64_t record_bytes = 0;
  // Count 0 says nothing about what is there: its publisher overtook us, and the next records come
  // once what was copied is durable.
  bool again = false;
};

// What shared memory knows of a durable channel before a persister attaches: a log that ends before
// any of this is damaged.
struct FeedWitness {
  Uuid log{};      // null: no persister has attached since the channel was made
  Uuid channel{};  // its identity in that log

  struct Lane {
    std::string producer;
    std::uint64_t epoch = 0;
    Sequence durable = 0;  // every message below it was reported durable in this boot
  };

  std::vector<Lane> lanes;
};

class JournalFeed {
 public:
  // Reads only; needs no role. Errors: not_found, bad_argument (not durable), no_permission.
  [[nodiscard]] static Result<FeedWitness> witness(const Domain& domain, std::string_view channel);

  // `log`: the log's uuid, `epoch` its epoch. `channel_in_log`: the identity that the log knows the
  // channel of this name by; null uuid: it does not know it, and the channel's own becomes it.
  // Errors: not_found, bad_argument (not durable, or durable in another directory), no_permission,
  // busy (a living persister is attached).
  [[nodiscard]] static Result<JournalFeed> attach(const Domain& domain, std::string_view channel,
                                                  const std::string& journal_directory,
                                                  const Uuid& log, std::uint64_t epoch,
                                                  const Uuid& channel_in_log);

  JournalFeed(JournalFeed&&) noexcept;
  JournalFeed& operator=(JournalFeed&&) noexcept;
  ~JournalFeed();  // nobody holds the journal any more, which reads as "down"; its state stays

  [[nodiscard]] const std::string& channel() const noexcept;
  [[nodiscard]] const Uuid& channel_in_log() const noexcept;

  // Makes sure that the lane of a producer that the log knows exists. One that is made now, after a
  // reboot, begins with message `next` at position 0; one that is there already, from before the
  // persister died, stays as it is.
  // Errors: no_space, too_many, poisoned (a lane of that name ends before `next`: messages of the
  // log were never in this ring).
  Result<void> add_lane(std::string_view producer, Sequence next);

  // From now on publishers may make lanes of names that the log does not know.
  void open_to_publishers() noexcept;

  // Lanes that have come since the last call. Cheap unless the channel's lane generation moved.
  // The caller says resume() for each before it copies. A lane of a number that was there before
  // takes the place of one that was never published in.
  Result<std::vector<FeedLane>> new_lanes();

  // Where the journal continues in a lane: what the log holds of it ends before `next`. Walks from
  // the durable point to it. Errors: poisoned (the ring does not hold `next` any more).
  Result<void> resume(std::uint32_t lane, Sequence next);

  // Whole records from where the last copy of this lane ended. count 0: nothing is there.
  // Errors: poisoned (the publisher broke its lane; the other lanes go on).
  Result<FeedRun> copy(std::uint32_t lane, std::span<std::byte> room) noexcept;

  // Bytes [offset, offset + room) of the next record, which is longer than `room` and has `whole`
  // bytes, as copy() said; the last part steps over it. Returns how many bytes were copied. Errors:
  // poisoned; overrun: its publisher, which may proceed, overtook us within it (the next copy says
  // what is lost). REQUIRES: the first part has room for a header.
  Result<std::size_t> copy_part(std::uint32_t lane, std::uint64_t offset, std::uint64_t whole,
                                std::span<std::byte> room) noexcept;

  // Position and number of the next record to be copied.
  [[nodiscard]] Checkpoint copied(std::uint32_t lane) const noexcept;

  // Everything before `point` (as copied() said) is durable: frees ring space, wakes who waits.
  void durable(std::uint32_t lane, Checkpoint point) noexcept;

  // Messages were overwritten before they could be journaled.
  void count_gap(std::uint32_t lane, std::uint64_t messages) noexcept;

  // This lane contradicts the log; publishers and durable subscribers are told.
  void refuse(std::uint32_t lane) noexcept;

  void say(layout::JournalState state, int error) noexcept;
  void beat(std::uint64_t bytes_written) noexcept;

  // Bytes that are published and not yet copied, all lanes together: a look at each header only
  // tells "something" from "nothing".
  [[nodiscard]] bool pending() noexcept;

  // What named subscribers have acknowledged and the last call has not yet reported.
  struct Acknowledged {
    std::string subscriber;
    std::uint32_t lane = 0;
    Sequence sequence = 0;  // messages before it are acknowledged
  };

  Result<std::vector<Acknowledged>> acknowledged();

  // Stamps (trace.hpp), as far as the channel's options ask for them. `count` messages from `first`
  // on are in the item being built; that item is on its way; all up to these items are written, and
  // durable (said before durable() tells anybody else).
  void stamp_appended(std::uint32_t lane, Sequence first, std::uint64_t count) noexcept;
  void stamp_submitted(std::uint64_t item);
  void stamp_reached(std::uint64_t written, std::uint64_t durable) noexcept;

  // Why nothing is stamped although it was asked for; else empty.
  [[nodiscard]] const std::string& stamps_refused() const noexcept;

  // Appends the words to sleep on until one of these lanes has something, after announcing the
  // sleep to their publishers; false: something is there already. Several feeds share one wait.
  bool prepare_to_sleep(std::vector<FutexWait>& waits) noexcept;

 private:
  explicit JournalFeed(std::unique_ptr<detail::JournalFeedState> state) noexcept;

  std::unique_ptr<detail::JournalFeedState> state_;
};

}  // namespace millrace
