// The slow path of a subscriber: which lanes there are, taking a place in each, noticing their end,
// sleeping, and saying what went wrong.
#pragma once

#include "lane_files.hpp"
#include "millrace/core/futex.hpp"
#include "millrace/core/wait.hpp"
#include "millrace/transport/detail/subscriber_state.hpp"
#include "reader_files.hpp"

#include <array>
#include <chrono>
#include <memory>
#include <vector>

namespace millrace::detail {

class Alarm;

// One lane this subscriber has found, for as long as the lane exists.
struct SeenLane {
  LaneFiles files;
  std::uint64_t evictions_seen = 0;  // of the lane's evicted_count
  Sequence first = 0;                // messages before it are passed over
  bool followed = false;             // has a cursor
  bool broken = false;               // poisoned: not followed as long as it is this file
  std::uint64_t inode = 0;           // tells the file from a later one of the same number
};

class LaneSet {
 public:
  LaneSet(std::shared_ptr<ChannelState> channel, Participant& participant, ReaderFiles reader,
          const SubscriberOptions& options);
  ~LaneSet();

  // Takes a place in every lane, so that nothing published from now on is missed.
  Result<void> join_all(SubscriberState& state);

  // Looks whether lanes came, ended or changed hands. Cheap unless the generation moved.
  Result<void> look(SubscriberState& state, bool again) noexcept;

  // Has the channel's lane generation moved since the last look?
  [[nodiscard]] bool stale() const noexcept {
    // [sync:lanes] Acquire: the lane that a new generation speaks of can be opened.
    return channel_->doorbell().lane_generation.load(std::memory_order_acquire) != generation_;
  }

  // Sleeps until a lane may have a message, at most `bound_ns`.
  void park(const SubscriberState& state, std::uint64_t bound_ns) noexcept;

  // Lanes that could not be read when they were found, or were overtaken before.
  Failure tell_news() noexcept;

  [[nodiscard]] bool has_news() const noexcept { return missed_ != 0 || !news_.empty(); }

  Failure lapped(SubscriberState& state, LaneCursor& cursor) noexcept;
  Failure broken(SubscriberState& state, LaneCursor& cursor) noexcept;
  void wake_publisher(const LaneCursor& cursor) const noexcept;

  // Every publisher has left or died, and all they wrote was read.
  [[nodiscard]] bool ended(const SubscriberState& state) noexcept;
  [[nodiscard]] std::size_t living_publishers() noexcept;
  Failure closed() noexcept;

  // The descriptor behind which a thread sleeps; made at the first call.
  Result<int> event_fd(SubscriberState& state) noexcept;
  void arm(const SubscriberState& state) noexcept;

  void leave(const SubscriberState& state) noexcept;

  [[nodiscard]] ReaderStats stats(const SubscriberState& state) const;

  [[nodiscard]] Waiter waiter() const noexcept {
    return {wait_, channel_->domain->ticks_per_us, channel_->domain->processors};
  }

  [[nodiscard]] bool until_closed() const noexcept { return until_closed_; }

 private:
  class OwnWords;

  static constexpr std::uint32_t kStuckMax = 1000;  // overruns in a row that lead nowhere

  // A lane that cannot be opened: said once for each file.
  struct Refused {
    std::uint32_t lane = 0;
    std::uint64_t inode = 0;
  };

  SeenLane* find(std::uint32_t lane) noexcept;
  SeenLane* discover(SubscriberState& state, std::uint32_t lane) noexcept;
  void drop_retired() noexcept;
  void report(SubscriberState& state, const Error& error);
  Result<void> follow(SubscriberState& state, SeenLane& seen, From from) noexcept;
  void unfollow_ended(SubscriberState& state) noexcept;

  // Asks every lane to wake us, and lists the words to sleep on. Nothing: something is there.
  std::size_t prepare_to_sleep(const SubscriberState& state, std::span<FutexWait> waits) noexcept;
  [[nodiscard]] std::uint64_t bound_ns(const SubscriberState& state) const noexcept;
  [[nodiscard]] bool at_rest(const SeenLane& seen) const noexcept;
  bool was_evicted(SeenLane& seen) const noexcept;
  [[nodiscard]] bool owner_lives(const SeenLane& seen) noexcept;

  std::shared_ptr<ChannelState> channel_;
  Participant& participant_;
  ReaderFiles reader_;
  From from_;
  Wait wait_;
  bool until_closed_;
  bool active_ = false;  // in place: lanes that appear now are read from their first message
  std::uint64_t generation_ = ~std::uint64_t{0};
  std::uint64_t missed_ = 0;
  std::vector<Error> news_;
  std::vector<Refused> refused_;
  std::size_t gone_ = 0;  // lanes that were read to their end and then removed
  ForkGuard guard_;
  std::vector<std::unique_ptr<SeenLane>> lanes_;
  std::unique_ptr<Alarm> alarm_;
};

Result<std::unique_ptr<SubscriberState>> open_subscriber(
    const std::shared_ptr<ChannelState>& channel, const SubscriberOptions& options);

}  // namespace millrace::detail
