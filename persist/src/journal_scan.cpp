#include "journal_scan.hpp"

#include "item_entries.hpp"
#include "log_walk.hpp"
#include "recover_end.hpp"

#include <algorithm>

namespace millrace {

using layout::EntryKind;

JournalScan::JournalScan(std::shared_ptr<LogIndex> index)
    : index_(std::move(index)), reader_(index_->disk(), index_->manifest()) {}

void JournalScan::stand_at(const SegmentInfo& segment) noexcept {
  place_ = {.segment = segment.segment, .offset = 0, .item = segment.first_item};
}

void JournalScan::seek_begin() noexcept {
  place_ = {};
  in_item_ = false;
  lanes_.clear();
  asked_lane_ = 0;
}

// The segment that place_ is in, moved on to the next one where that one ends. Null: the durable
// end.
Result<const SegmentInfo*> JournalScan::segment_here() {
  if (place_.segment == 0) {
    if (index_->segments().empty()) return nullptr;
    stand_at(index_->segments().front());
  }
  const SegmentInfo* here = index_->find(place_.segment);
  if (here == nullptr) {
    const std::uint64_t gone = place_.segment;
    const Failure failure = trimmed(gone);
    place_ = {};
    for (auto& [id, lane] : lanes_)
      lane.known = false;
    return failure;
  }
  while (place_.offset >= here->end) {
    const SegmentInfo* const next = index_->after(here->segment);
    if (next == nullptr) return nullptr;
    const ItemNumber expected = here->last_item + 1;
    here = next;
    stand_at(*here);
    if (here->first_item != expected) return given_up(expected, here->first_item - 1, *here);
  }
  return here;
}

Result<bool> JournalScan::load_item() {
  const auto here = segment_here();
  if (!here) return Failure(here.error());
  if (*here == nullptr || place_.item > index_->end()) {
    if (index_->damage() != nullptr) return Failure(*index_->damage());
    return false;
  }
  const SegmentInfo segment = **here;
  if (loss_of(index_->manifest(), place_.item)) return step_over_loss(segment);
  LogWalk walk(reader_, {.slot = segment.slot, .segment = segment.segment, .stop = segment.end},
               {.offset = place_.offset, .item = place_.item, .crc = {}, .epoch = 0});
  WalkEnd end = walk.next(item_);
  if (end != WalkEnd::item) {
    // It may have been read while it was still being written: once more, from the disk.
    reader_.window().forget();
    end = walk.next(item_);
  }
  if (end != WalkEnd::item) return explain(segment, to_string(end, walk.state()));
  if (unknown_entry(item_) != nullptr) {
    return fail(Errc::format, "journal item %llu needs a later version to be read",
                static_cast<unsigned long long>(place_.item));
  }
  place_.offset = walk.place().offset;
  place_.item = walk.place().item;
  in_item_ = true;
  entry_ = 0;
  begin_entry();
  return true;
}

// The entries of a lane follow each other number by number, claims that were given up included:
// what is missing between two of them lies in an accepted loss.
void JournalScan::reach(Lane& lane, Sequence sequence) noexcept {
  if (!lane.known || sequence <= lane.next) return;
  lane.lost_from = lane.next;
  lane.lost_to = sequence;
}

void JournalScan::begin_entry() {
  cursor_ = {};
  if (entry_ >= item_.entries.size()) return;
  const ItemEntry& entry = item_.entries[entry_];
  if (entry.is(EntryKind::run)) {
    cursor_ = RunCursor(entry);
    run_lane_ = &lanes_[entry.row.lane];
    reach(*run_lane_, entry.row.first);
  }
  if (entry.is(EntryKind::part)) reach(lanes_[entry.row.lane], entry.row.first);
  if (!entry.is(EntryKind::gap)) return;
  for (std::uint32_t i = 0; i < entry.row.count; ++i) {
    const auto gap = entry.record<layout::GapRecord>(i);
    Lane& lane = lanes_[gap.lane];
    reach(lane, gap.from);
    // A gap that continues the last one is one gap to whoever reads on.
    if (lane.gap_to != gap.from || lane.gap_from == lane.gap_to) lane.gap_from = gap.from;
    lane.gap_to = gap.to;
    lane.next = gap.to;
  }
}

JournaledMessage JournalScan::message_of(const ItemEntry& entry, Lane& lane,
                                         const RunCursor::Record& record) const {
  lane.next = record.sequence + 1;
  lane.known = true;
  return {.lane = entry.row.lane,
          .sequence = record.sequence,
          .key = record.header.key,
          .bytes = record.bytes,
          .wall_ns = item_.header.wall_ns,
          .gap_from = lane.gap_from,
          .gap_to = lane.gap_to,
          .lost_from = lane.lost_from,
          .lost_to = lane.lost_to};
}

// A part that does not continue the last one begins anew, or belongs to a message whose beginning
// is trimmed or was given up.
std::optional<JournaledMessage> JournalScan::add_part(const ItemEntry& entry) {
  Lane& lane = lanes_[entry.row.lane];
  if (entry.row.at == 0) {
    lane.parts.clear();
    lane.parts_of = entry.row.first;
  }
  if (lane.parts_of != entry.row.first || lane.parts.size() != entry.row.at) {
    lane.parts.clear();
    return std::nullopt;
  }
  lane.parts.insert(lane.parts.end(), entry.payload.begin(), entry.payload.end());
  if (lane.parts.size() != entry.row.whole) return std::nullopt;
  ItemEntry whole = entry;
  whole.payload = lane.parts;
  whole.row.count = 1;
  auto record = RunCursor(whole).next();
  if (!record) return std::nullopt;
  return message_of(whole, lane, *record);
}

Result<std::optional<JournaledMessage>> JournalScan::next_in_item() {
  while (entry_ < item_.entries.size()) {
    const ItemEntry& entry = item_.entries[entry_];
    std::optional<JournaledMessage> message;
    if (entry.is(EntryKind::run)) {
      if (auto record = cursor_.next()) return message_of(entry, *run_lane_, *record);
      if (!cursor_.whole()) {
        // Told once; the other lanes' records in this item are read.
        run_lane_->next = entry.row.first + entry.row.count;
        const std::uint32_t lane = entry.row.lane;
        ++entry_;
        begin_entry();
        return fail(Errc::damaged,
                    "journal item %llu is whole, but its records of lane %u are none; their "
                    "publisher or a later version wrote them",
                    static_cast<unsigned long long>(item_.header.item), lane);
      }
      run_lane_->next = entry.row.first + entry.row.count;
      run_lane_->known = true;
    } else if (entry.is(EntryKind::part)) {
      message = add_part(entry);
    }
    ++entry_;
    begin_entry();
    if (message) return message;
  }
  in_item_ = false;
  return std::nullopt;
}

Result<std::optional<JournaledMessage>> JournalScan::next() {
  goes_on_ = false;
  for (;;) {
    if (!in_item_) {
      auto loaded = load_item();
      if (!loaded) return Failure(loaded.error());
      if (!*loaded) return std::nullopt;
    }
    auto message = next_in_item();
    if (!message || *message) return message;
  }
}

}  // namespace millrace
