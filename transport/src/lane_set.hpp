// The slow path of a subscriber: which lanes there are, taking a place in each, noticing their end,
// sleeping, reading from a journal what a ring no longer holds, and saying what went wrong.
#pragma once

#include "cold_lanes.hpp"
#include "lane_files.hpp"
#include "millrace/core/futex.hpp"
#include "millrace/core/wait.hpp"
#include "millrace/transport/detail/subscriber_state.hpp"
#include "past.hpp"
#include "reader_files.hpp"
#include "remembered_places.hpp"

#include <array>
#include <chrono>
#include <memory>
#include <optional>
#include <vector>

namespace millrace::detail {

class Alarm;

// One lane this subscriber has found, for as long as the lane exists.
struct SeenLane {
  LaneFiles files;
  std::uint64_t evictions_seen = 0;             // of the lane's evicted_count
  Sequence first = 0;                           // messages before it are passed over
  bool followed = false;                        // has a cursor, or is read from the journal
  bool broken = false;                          // poisoned: not followed as long as it is this file
  std::uint64_t read_life = ~std::uint64_t{0};  // of its owner, when it was last read to its end
  std::uint64_t inode = 0;  // tells the file from a later one of the same number
  layout::RememberedSlot* remembered = nullptr;  // where our name's place in it is kept
};

class LaneSet {
 public:
  LaneSet(std::shared_ptr<ChannelState> channel, Participant& participant, ReaderFiles reader,
          const SubscriberOptions& options, std::optional<RememberedPlaces> remembered);
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

  // May next() find something, or an error to report?
  [[nodiscard]] bool something_there(SubscriberState& state) noexcept;

  // Sleeps until a lane may have a message, at most `bound_ns`.
  void park(SubscriberState& state, std::uint64_t bound_ns) noexcept;

  // Lanes that could not be read when they were found, or were overtaken before.
  Failure tell_news(SubscriberState& state) noexcept;

  [[nodiscard]] bool has_news() const noexcept { return missed_ != 0 || !news_.empty(); }

  Failure lapped(SubscriberState& state, LaneCursor& cursor) noexcept;
  // The same in an ordered channel; `cursor`: the lane in which it happened, if it is known.
  Failure lapped_in_order(SubscriberState& state, LaneCursor* cursor) noexcept;
  Failure lost_in_order(const SubscriberState& state) noexcept;

  // Some publisher has cut the file of the order short.
  [[nodiscard]] bool order_cut_off() const noexcept {
    return channel_->order_watch.poisoned()->load(std::memory_order_relaxed) != 0;
  }

  [[nodiscard]] Failure order_is_cut_off() const noexcept;
  // Steps over what the lane holds that nobody published, or that we need not read.
  void pass_unordered(const SubscriberState& state, LaneCursor& cursor) const noexcept;
  Failure broken(SubscriberState& state, LaneCursor& cursor) noexcept;

  // Looks how far the journal is in the cursor's lane. REQUIRES: delivery is durable.
  void look_at_journal(LaneCursor& cursor) const noexcept;

  // Records are held back, and the journal will not make them durable: what is to be said of it.
  // A lane that the journal refuses is not read any further.
  std::optional<Failure> journal_failure(SubscriberState& state) noexcept;

  // A reader that is not waited for was overtaken: from here on it reads the lane from the journal.
  // False: it cannot.
  bool go_cold(SubscriberState& state, LaneCursor& cursor) noexcept;

  [[nodiscard]] ColdLanes& cold() noexcept { return cold_; }

  // The next message of the cold lane whose turn it is. Again: the lane is read from its ring now.
  Look next_cold(SubscriberState& state, Record& record, const std::byte*& data,
                 std::uint32_t& lane) noexcept;

  // Cold lanes for which the log had nothing ask it once more.
  void ask_again() noexcept;

  // That message is taken. False: no cold lane waits for it.
  bool took_cold(const Record& record, std::uint32_t lane) noexcept;

  // What next() must look at before every message.
  [[nodiscard]] bool needs_care(const SubscriberState& state) const noexcept {
    return has_news() || !cold_.empty() || remembered_.has_value() || channel_->ordered() ||
           state.stamp_in_hand();
  }

  // Everything up to the message that was handed out last is used.
  void acknowledge(const SubscriberState& state) noexcept;
  void acknowledge_all(const SubscriberState& state) noexcept;

  // The message that was handed out last came from this lane.
  void handed_out(std::uint32_t lane) noexcept { in_hand_ = lane; }

  // Every publisher has left or died, and all they wrote was read.
  [[nodiscard]] bool ended(const SubscriberState& state) noexcept;
  [[nodiscard]] bool had_publishers() const noexcept;
  [[nodiscard]] std::size_t living_publishers() noexcept;
  Failure closed() noexcept;

  // The descriptor behind which a thread sleeps; made at the first call.
  Result<int> event_fd(SubscriberState& state) noexcept;
  void arm(SubscriberState& state) noexcept;

  void leave(const SubscriberState& state) noexcept;

  [[nodiscard]] ReaderStats stats(const SubscriberState& state) const;

  [[nodiscard]] Waiter waiter() const noexcept {
    return {wait_, channel_->domain->ticks_per_us, channel_->domain->processors};
  }

  [[nodiscard]] bool until_closed() const noexcept { return until_closed_; }

 private:
  static constexpr int kResynchronisations = 64;    // at one overrun
  static constexpr std::uint32_t kStuckMax = 1000;  // overruns in a row that lead nowhere
  static constexpr std::uint32_t kNoLane = ~std::uint32_t{0};

  // A lane that cannot be opened: said once for each file.
  struct Refused {
    std::uint32_t lane = 0;
    std::uint64_t inode = 0;
  };

  SeenLane* find(std::uint32_t lane) noexcept;
  SeenLane* discover(SubscriberState& state, std::uint32_t lane) noexcept;
  void drop_retired() noexcept;
  void report(SubscriberState& state, const Error& error);

  // Where to begin in a lane.
  struct Start {
    std::optional<Sequence> sequence;  // nothing: with what is published from now on
    bool remembered = false;
  };

  Result<void> follow(SubscriberState& state, SeenLane& seen) noexcept;
  Result<void> follow_ring(SubscriberState& state, SeenLane& seen, From from,
                           std::optional<Sequence> wanted) noexcept;
  Result<void> follow_durable(SubscriberState& state, SeenLane& seen) noexcept;
  Result<void> follow_ordered(SubscriberState& state, SeenLane& seen) noexcept;
  Result<void> begin_in_order(SubscriberState& state) noexcept;
  bool stand_at(SubscriberState& state, Ordinal at) noexcept;
  Ordinal catch_up_lanes(SubscriberState& state, Ordinal least) noexcept;
  [[nodiscard]] Ordinal oldest_ordinal(const SubscriberState& state,
                                       Ordinal frontier) const noexcept;
  [[nodiscard]] Ordinal ordinal_of(Sequence wanted, Ordinal low, Ordinal high) const noexcept;
  Result<Start> where_to_begin(const SeenLane& seen) noexcept;
  Result<Start> where_we_stopped(const SeenLane& seen) noexcept;
  Result<Sequence> oldest_of(const SeenLane& seen) noexcept;
  bool go_hot(SubscriberState& state, SeenLane& seen, const Start& start) noexcept;
  LaneCursor& add_cursor(SubscriberState& state, SeenLane& seen, Checkpoint place) noexcept;
  void begin_cold(SubscriberState& state, SeenLane& seen, Sequence next,
                  std::unique_ptr<LaneHistory> past) noexcept;
  void remember(SeenLane& seen, Sequence sequence) noexcept;
  void rewound(const SeenLane& seen, Sequence remembered, Sequence end) noexcept;
  void lost(SubscriberState& state, const SeenLane& seen, std::uint64_t messages) noexcept;

  Look cold_is_dry(SubscriberState& state, ColdLane& cold) noexcept;
  Failure cold_trouble(SubscriberState& state, ColdLane& cold, const Error& error) noexcept;
  Look in_neither(SubscriberState& state, ColdLane& cold) noexcept;
  void drop_cold(ColdLane& cold) noexcept;
  Failure refuse_lane(SubscriberState& state, LaneCursor& cursor) noexcept;
  [[nodiscard]] bool may_go_hot(const SeenLane& seen, Sequence wanted, bool dry) const noexcept;
  [[nodiscard]] bool cold_has_something(const ColdLane& cold) const noexcept;
  [[nodiscard]] Sequence journaled(const SeenLane& seen) const noexcept;

  void unfollow_ended(SubscriberState& state) noexcept;

  // Asks every lane to wake us, and lists the words to sleep on. Nothing: something is there.
  std::size_t prepare_to_sleep(SubscriberState& state, std::span<FutexWait> waits) noexcept;
  std::size_t await_publishers(const SubscriberState& state, std::span<FutexWait> waits,
                               std::size_t count) noexcept;
  std::size_t await_order(const SubscriberState& state, std::span<FutexWait> waits,
                          std::size_t count) noexcept;
  void raise_barrier() const noexcept;
  std::size_t await_journal(const SubscriberState& state, std::span<FutexWait> waits,
                            std::size_t count) const noexcept;
  [[nodiscard]] std::uint64_t bound_ns(const SubscriberState& state,
                                       std::size_t words) const noexcept;
  [[nodiscard]] bool refused(const LaneCursor& cursor) const noexcept;
  [[nodiscard]] static bool left(const SeenLane& seen) noexcept;
  [[nodiscard]] static bool at_rest(const SeenLane& seen) noexcept;
  bool was_evicted(SeenLane& seen) const noexcept;
  [[nodiscard]] bool owner_lives(const SeenLane& seen) noexcept;

  std::shared_ptr<ChannelState> channel_;
  Participant& participant_;
  ReaderFiles reader_;
  From from_;
  Wait wait_;
  bool until_closed_;
  bool durable_;         // nothing is delivered before it is durable
  bool active_ = false;  // in place: lanes that appear now are read from their first message
  std::optional<std::uint64_t> generation_;  // none: the directory must be looked at
  std::uint64_t missed_ = 0;
  std::vector<Error> news_;
  std::vector<Refused> refused_;
  std::size_t gone_ = 0;  // lanes that were read to their end and then removed
  ForkGuard guard_;
  std::vector<std::unique_ptr<SeenLane>> lanes_;
  Past past_;
  ColdLanes cold_;
  std::optional<RememberedPlaces> remembered_;
  std::uint32_t in_hand_ = kNoLane;
  std::unique_ptr<Alarm> alarm_;
};

Result<std::unique_ptr<SubscriberState>> open_subscriber(
    const std::shared_ptr<ChannelState>& channel, const SubscriberOptions& options);

}  // namespace millrace::detail
