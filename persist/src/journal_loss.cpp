// What a scan says when the next item is not there: trimmed, damaged, or given up; and how many
// messages it costs whoever read up to here.
#include "journal_scan.hpp"
#include "log_walk.hpp"
#include "recover_end.hpp"

namespace millrace {

using layout::EntryKind;

Failure JournalScan::trimmed(std::uint64_t segment) const {
  std::uint64_t lost = 0;
  for (const JournalLane& lane : index_->catalog().lanes()) {
    const auto followed = lanes_.find(lane.id);
    if (followed == lanes_.end() || !followed->second.known) continue;
    if (asked_lane_ != 0 && lane.id != asked_lane_) continue;
    if (lane.first > followed->second.next) lost += lane.first - followed->second.next;
  }
  const Failure failure = fail(Errc::trimmed,
                               "journal segment %llu was needed no longer and is gone: retention "
                               "was faster than this reader",
                               static_cast<unsigned long long>(segment));
  return Failure(failure.error().with_lost(lost));
}

// Told once, with the loss as far as what follows in this segment tells it.
Failure JournalScan::given_up(ItemNumber from, ItemNumber to, const SegmentInfo& segment) {
  const ItemState state = reader_.read(segment.slot, place_.offset, ReadDepth::payload, item_);
  const std::uint64_t lost = state == ItemState::whole ? lost_before(item_) : 0;
  goes_on_ = true;
  const Failure failure =
      fail(Errc::damaged, "journal items %llu to %llu were damaged and given up",
           static_cast<unsigned long long>(from), static_cast<unsigned long long>(to));
  return Failure(failure.error().with_lost(lost));
}

// An item is not what the index says: has retention taken it, or is it damaged?
Result<bool> JournalScan::explain(const SegmentInfo& segment, const char* what) {
  auto looked = index_->look_at_first_live();
  if (!looked) return Failure(looked.error());
  if (index_->find(segment.segment) == nullptr) {
    auto gone = segment_here();
    return Failure(gone.error());
  }
  return fail(Errc::damaged,
              "journal item %llu is damaged (segment %llu, slot %u, offset %llu): %s; `millrace "
              "journal verify` tells what it costs",
              static_cast<unsigned long long>(place_.item),
              static_cast<unsigned long long>(segment.segment), segment.slot,
              static_cast<unsigned long long>(place_.offset), what);
}

// Messages that are missing between what was read and the item behind an accepted loss.
std::uint64_t JournalScan::lost_before(const ItemView& item) const {
  std::map<JournalLaneId, Sequence> begins;
  for (const ItemEntry& entry : item.entries) {
    if (entry.is(EntryKind::run) || entry.is(EntryKind::part)) {
      begins.try_emplace(entry.row.lane, entry.row.first);
    }
    if (!entry.is(EntryKind::catalog)) continue;
    for (std::uint32_t i = 0; i < entry.row.count; ++i) {
      const auto record = entry.record<layout::CatalogRecord>(i);
      begins.try_emplace(record.lane, record.next);
    }
  }
  std::uint64_t lost = 0;
  for (const auto& [id, begin] : begins) {
    const auto lane = lanes_.find(id);
    if (lane == lanes_.end() || !lane->second.known) continue;
    if (begin > lane->second.next) lost += begin - lane->second.next;
  }
  return lost;
}

Result<bool> JournalScan::step_over_loss(const SegmentInfo& segment) {
  const ItemNumber from = place_.item;
  const ItemNumber next = beyond_losses(index_->manifest(), from);
  LogWalk walk(reader_, {.slot = segment.slot, .segment = segment.segment, .stop = segment.end},
               {.offset = place_.offset, .item = from, .crc = {}, .epoch = 0});
  if (!walk.resume_at(next, item_)) {
    // It reaches to the segment's end: the next segment tells.
    place_.offset = segment.end;
    return load_item();
  }
  place_.offset = walk.place().offset;
  place_.item = next;
  return given_up(from, next - 1, segment);
}

}  // namespace millrace
