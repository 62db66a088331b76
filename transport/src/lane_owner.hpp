// The slow path of a publisher: its lane's files, the readers it waits for, and what to do when the
// ring is full.
#pragma once

#include "journal_floor.hpp"
#include "lane_files.hpp"
#include "millrace/core/limit.hpp"
#include "millrace/core/wait.hpp"
#include "millrace/transport/detail/publisher_state.hpp"
#include "millrace/transport/options.hpp"
#include "reader_table.hpp"

#include <chrono>

namespace millrace::detail {

class LaneOwner {
 public:
  LaneOwner(std::shared_ptr<ChannelState> channel, Participant& participant, LifetimeLock lock,
            LaneFiles lane, Sequence from, Wait wait);
  ~LaneOwner() = default;

  // Makes room behind the writer's open batch, waiting at most `timeout`.
  Result<void> make_room(PublisherState& state, std::uint64_t length,
                         std::chrono::nanoseconds timeout) noexcept;

  // Waits until message `sequence` is durable (Publisher::wait_durable says what may come of it).
  Result<void> wait_durable(const LaneWriter<ProductionMemory>& writer, Sequence sequence,
                            std::uint64_t deadline_ns) noexcept;

  // Is there hope that a message published now will be durable? Else the answer of wait_durable().
  // `probe`: asks the kernel whether the persister lives, where it matters.
  Result<void> may_wait(bool probe) noexcept;

  // Messages before it are durable.
  [[nodiscard]] Sequence durable(const LaneWriter<ProductionMemory>& writer) noexcept;

  // Wakes whoever sleeps for the record at `at`.
  void wake(Position at) noexcept;

  // Wakes whoever sleeps for this word of the order.
  void wake(const layout::Word& word) noexcept;

  // The file of the channel's order, as this publisher writes it.
  void keep_order(std::optional<Segment> order) {
    order_ = std::move(order);
    if (order_) order_watch_ = Watched(order_->data(), order_->size(), Access::write);
  }

  // Somebody cut the file of the order short, so what we swap into it nobody sees.
  [[nodiscard]] bool order_cut_off() const noexcept {
    return order_watch_.poisoned()->load(std::memory_order_relaxed) != 0;
  }

  // The order contradicts itself: nobody can publish in it any more.
  void note_spoiled() noexcept { spoiled_ = true; }

  void count_abort() noexcept;

  // Says good-bye: readers see the end of the lane. `state` publishes nothing more.
  void close(PublisherState& state) noexcept;

  // Brings `unheard` up to date.
  void account(const LaneWriter<ProductionMemory>& writer) noexcept;

  [[nodiscard]] const LaneFiles& lane() const noexcept { return lane_; }

  [[nodiscard]] const std::shared_ptr<ChannelState>& channel() const noexcept { return channel_; }

 private:
  enum class Next : std::uint8_t { again, wait, hopeless };

  Result<void> granted(const LaneWriter<ProductionMemory>& writer) noexcept;

  // One full ring: drops the dead, gives up on whom the policy gives up. `wait`: nothing helps but
  // time; `hopeless`: nor does time.
  Next clear_the_way(bool probe_now) noexcept;
  Next ask_journal(bool probe_now) noexcept;
  void evict(ReaderTable::Entry& entry) noexcept;
  bool drop_if_dead(ReaderTable::Entry& entry) noexcept;
  void park(const ReaderTable::Entry& entry, std::uint64_t bound_ns) noexcept;
  void nap_or_park(Waiter& waiter, std::uint64_t left_ns) noexcept;
  void note_blocked() noexcept;
  void note_unblocked() noexcept;
  void adopt_fencing(PublisherState& state) noexcept;
  void settle_near_subscriber() noexcept;
  Failure full(const LaneWriter<ProductionMemory>& writer, Errc code) noexcept;
  Failure full_of_undurable(const LaneWriter<ProductionMemory>& writer, Errc code) noexcept;
  Failure never_durable(const JournalCondition& journal) noexcept;
  Failure not_yet_durable(Sequence sequence, Sequence durable) noexcept;

  std::shared_ptr<ChannelState> channel_;
  Participant& participant_;
  LifetimeLock lock_;
  LaneFiles lane_;
  ReaderTable readers_;
  JournalFloor floor_;
  LimitKeeper<ProductionMemory, SpaceHolders> keeper_;
  Wait wait_;
  std::optional<Segment> order_;
  Watched order_watch_;
  bool spoiled_ = false;
  bool listening_ = false;
  Sequence accounted_ = 0;
  bool homeless_;                     // "near the subscriber", and none has come yet
  std::uint64_t waits_since_ns_ = 0;  // 0: the ring was not full when it was last asked
  std::uint64_t next_probe_ns_ = 0;
};

// Gets the lane for a new publisher: the one of its name continued, or a new one.
Result<std::unique_ptr<PublisherState>> open_publisher(const std::shared_ptr<ChannelState>& channel,
                                                       const PublisherOptions& options);

}  // namespace millrace::detail
