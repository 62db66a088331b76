// Durable channels as their recorder sees them: lanes joined to the lanes of the log, the durable
// points that follow from it, and the places that named subscribers want to have remembered.
//
// Thread rules: the recorder's thread.
#pragma once

#include "millrace/transport/journal_feed.hpp"
#include "recorder_source.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace millrace {

// One lane. A record that is longer than an item goes in parts, one an item.
class DurableLane final : public RecorderSource {
 public:
  // `id` of the lane in the log, which holds everything before feed.copied().
  DurableLane(JournalFeed& feed, RecorderNotes& notes, std::uint32_t lane, JournalLaneId id,
              std::uint64_t ring_bytes) noexcept
      : feed_(feed), notes_(notes), ring_bytes_(ring_bytes), lane_(lane), id_(id) {}

  Take take(Journal& journal, std::size_t most) override;

  [[nodiscard]] Checkpoint taken() const noexcept override { return feed_.copied(lane_); }

  void durable(Checkpoint point) noexcept override { feed_.durable(lane_, point); }

  void begin_drain() noexcept override;

  [[nodiscard]] bool drained() const noexcept override { return drained_ || gone_; }

  [[nodiscard]] std::uint32_t lane() const noexcept { return lane_; }

  [[nodiscard]] JournalLaneId id() const noexcept { return id_; }

  // The lane is no longer there, or not journaled.
  void give_way() noexcept { gone_ = true; }

  [[nodiscard]] bool gone() const noexcept { return gone_; }

  // Why messages are missing that this lane finds overwritten from here on.
  void blame(GapCause cause) noexcept { cause_ = cause; }

 private:
  // A record on its way into the log, part by part; `bytes` 0: none.
  struct Long {
    Sequence sequence = 0;
    std::uint64_t bytes = 0;
    std::uint64_t done = 0;
  };

  // A run that could not be added at once, because a gap must be said before it.
  struct Waiting {
    std::vector<std::byte> bytes;
    FeedRun run;
    bool gap_said = false;
  };

  Take take_run(Journal& journal, std::size_t most);
  Take take_long(Journal& journal);
  Take take_waiting(Journal& journal);
  bool say_gap(Journal& journal, const FeedRun& run);
  Take broken(const Error& why);

  JournalFeed& feed_;
  RecorderNotes& notes_;
  Long long_;
  Waiting waiting_;
  std::uint64_t ring_bytes_;
  Position drain_to_ = 0;
  std::uint32_t lane_;
  JournalLaneId id_;
  GapCause cause_ = GapCause::down;
  bool gone_ = false;
  bool drained_ = false;
};

class DurableChannel {
 public:
  // Attaches and makes the lanes of every producer that the log knows; publishers are not yet let
  // in. `directory` of the journal, as the channel names it.
  static Result<std::unique_ptr<DurableChannel>> attach(const Domain& domain,
                                                        const std::string& channel,
                                                        const std::string& directory,
                                                        const Journal& journal,
                                                        RecorderNotes& notes);

  void open_to_publishers() noexcept { feed_.open_to_publishers(); }

  // Joins lanes that have come, and appends each to `sources`.
  Result<void> join_lanes(Journal& journal, std::vector<RecorderSource*>& sources);

  // Looks at what every remembered subscriber has acknowledged since.
  void collect_acknowledgements();

  // What was collected goes into the item being built, as far as it has room for it; the rest waits
  // for the next. Returns how many.
  std::uint64_t take_acknowledgements(Journal& journal);

  void say(layout::JournalState state, int error) noexcept;

  // For the stamps of its messages.
  void submitted(ItemNumber item) { feed_.stamp_submitted(item); }

  void reached(ItemNumber written, ItemNumber durable) noexcept {
    feed_.stamp_reached(written, durable);
  }

  void beat(std::uint64_t bytes_written) noexcept { feed_.beat(bytes_written); }

  bool prepare_to_sleep(std::vector<FutexWait>& waits) noexcept {
    return feed_.prepare_to_sleep(waits);
  }

 private:
  DurableChannel(JournalFeed feed, RecorderNotes& notes, std::uint64_t ring_bytes)
      : feed_(std::move(feed)), notes_(notes), ring_bytes_(ring_bytes) {}

  Result<void> restore_lanes(const Journal& journal);
  Result<std::unique_ptr<DurableLane>> join(Journal& journal, const FeedLane& lane);
  [[nodiscard]] DurableLane* find(std::uint32_t lane) const noexcept;
  // Is this a lane that can never be joined, rather than a log that cannot take it now?
  [[nodiscard]] static bool for_good(const Error& why) noexcept;

  JournalFeed feed_;
  RecorderNotes& notes_;
  std::uint64_t ring_bytes_;
  std::vector<std::unique_ptr<DurableLane>> lanes_;
  std::vector<FeedLane> not_joined_;
  std::vector<JournalFeed::Acknowledged> acknowledged_;  // and not yet in an item
};

}  // namespace millrace
