// One reader's place in a log: items one after the other, and the messages in them. It pins
// nothing. An item is copied, checked and used from the copy; one that is not as it was written is
// a matter of retention if the manifest says that its segment is needed no longer, and damage if
// not (R11).
#pragma once

#include "item_view.hpp"
#include "log_index.hpp"
#include "millrace/persist/journal_reader.hpp"
#include "run_cursor.hpp"

#include <map>
#include <memory>
#include <optional>
#include <vector>

namespace millrace {

class JournalScan {
 public:
  explicit JournalScan(std::shared_ptr<LogIndex> index);

  // Reads in advance with threads of its own (slot_window.hpp).
  void stream() { reader_.window().stream(); }

  [[nodiscard]] LogIndex& index() const noexcept { return *index_; }

  [[nodiscard]] const std::shared_ptr<LogIndex>& shared_index() const noexcept { return index_; }

  Result<std::optional<JournaledMessage>> next();

  // The last error was an accepted loss, and is passed.
  [[nodiscard]] bool goes_on() const noexcept { return goes_on_; }

  Result<void> seek(JournalLaneId lane, Sequence sequence, Sequence proven_below);
  Result<void> seek_time(std::uint64_t wall_ns);
  void seek_begin() noexcept;

 private:
  // The next item of the log to look at.
  struct Place {
    std::uint64_t segment = 0;  // 0: the oldest one
    std::uint64_t offset = 0;
    ItemNumber item = 0;  // expected; 0: whatever stands there first
  };

  struct Lane {
    Sequence next = 0;  // one past the last message that was given out or gap that was passed
    bool known = false;
    Sequence gap_from = 0;
    Sequence gap_to = 0;
    Sequence lost_from = 0;
    Sequence lost_to = 0;
    std::vector<std::byte> parts;  // of a message that is longer than an item
    Sequence parts_of = 0;
  };

  void stand_at(const SegmentInfo& segment) noexcept;
  Result<bool> load_item();
  Result<const SegmentInfo*> segment_here();
  Result<bool> explain(const SegmentInfo& segment, const char* what);
  Result<bool> step_over_loss(const SegmentInfo& segment);
  Result<std::optional<JournaledMessage>> next_in_item();
  JournaledMessage message_of(const ItemEntry& entry, Lane& lane,
                              const RunCursor::Record& record) const;
  std::optional<JournaledMessage> add_part(const ItemEntry& entry);
  void begin_entry();
  static void reach(Lane& lane, Sequence sequence) noexcept;
  [[nodiscard]] std::uint64_t lost_before(const ItemView& item) const;
  [[nodiscard]] Failure given_up(ItemNumber from, ItemNumber to, const SegmentInfo& segment);
  [[nodiscard]] Failure trimmed(std::uint64_t segment) const;
  bool place_in(const SegmentInfo& segment, JournalLaneId lane, Sequence sequence);
  Result<bool> place_at_time(const SegmentInfo& segment, std::uint64_t wall_ns);

  std::shared_ptr<LogIndex> index_;
  ItemReader reader_;
  Place place_;
  ItemView item_;
  std::size_t entry_ = 0;  // of item_, the one that cursor_ walks
  bool in_item_ = false;
  bool goes_on_ = false;
  RunCursor cursor_;
  Lane* run_lane_ = nullptr;  // of the run that cursor_ walks
  std::map<JournalLaneId, Lane> lanes_;
  JournalLaneId asked_lane_ = 0;
};

}  // namespace millrace
