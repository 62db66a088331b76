// Finding a place in a log: which segment, from what the index knows of each; then which item, from
// the stops of its seal and the tables behind them. What a seal says is derived, never believed: a
// walk from a wrong stop finds no item there and begins at the front.
#include "journal_scan.hpp"
#include "log_walk.hpp"

#include <algorithm>

namespace millrace {

namespace {

bool of_lane(const layout::TableEntry& row, JournalLaneId lane) noexcept {
  return row.lane == lane && row.kind <= static_cast<std::uint16_t>(layout::EntryKind::part);
}

// The stops of a full segment, whose last item is the seal; it ends where the segment does.
std::vector<layout::IndexRecord> stops_of(ItemReader& reader, const SegmentInfo& segment) {
  const std::uint32_t block = reader.manifest().block_bytes;
  std::vector<layout::IndexRecord> stops;
  ItemView view;
  const std::uint64_t least = segment.end > kItemBytesMax ? segment.end - kItemBytesMax : 0;
  for (std::uint64_t at = segment.end; at > least;) {
    at -= block;
    const ItemState state = reader.read(segment.slot, at, ReadDepth::payload, view);
    if (state != ItemState::whole || view.header.segment != segment.segment) continue;
    if (view.header.kind != static_cast<std::uint8_t>(layout::ItemKind::seal)) break;
    for (const ItemEntry& entry : view.entries) {
      if (entry.row.kind != static_cast<std::uint16_t>(layout::EntryKind::index)) continue;
      for (std::uint32_t i = 0; i < entry.row.count; ++i)
        stops.push_back(entry.record<layout::IndexRecord>(i));
    }
    break;
  }
  return stops;
}

// The last stop that is not behind what is looked for.
template <class NotBehind>
WalkPlace best_stop(ItemReader& reader, const SegmentInfo& segment, NotBehind not_behind) {
  WalkPlace place{.offset = 0, .item = segment.first_item, .crc = {}, .epoch = 0};
  for (const layout::IndexRecord& stop : stops_of(reader, segment)) {
    if (stop.offset < place.offset || stop.offset >= segment.end || !not_behind(stop)) continue;
    if (stop.offset % reader.manifest().block_bytes != 0) continue;
    place.offset = stop.offset;
    place.item = stop.item;
  }
  ItemView view;
  const ItemState state = reader.read(segment.slot, place.offset, ReadDepth::header, view);
  const bool there =
      authentic(state) && view.header.segment == segment.segment && view.header.item == place.item;
  if (!there) place = {.offset = 0, .item = segment.first_item, .crc = {}, .epoch = 0};
  return place;
}

}  // namespace

// At the first item whose table reaches beyond the sequence, so that a message in parts is met at
// its first one; where the sequence is in none (a gap), at the lane's last item before, and false.
bool JournalScan::place_in(const SegmentInfo& segment, JournalLaneId lane, Sequence sequence) {
  const WalkPlace from = best_stop(reader_, segment, [&](const layout::IndexRecord& stop) {
    return stop.lane == lane && stop.first <= sequence;
  });
  LogWalk walk(reader_, {.slot = segment.slot, .segment = segment.segment, .stop = segment.end},
               from);
  place_ = {.segment = segment.segment, .offset = from.offset, .item = from.item};
  ItemView view;
  for (;;) {
    const WalkPlace here = walk.place();
    if (walk.next(view, ReadDepth::header) != WalkEnd::item) return false;
    for (const ItemEntry& entry : view.entries) {
      const layout::TableEntry& row = entry.row;
      if (!of_lane(row, lane)) continue;
      if (row.first > sequence) return false;
      place_.offset = here.offset;
      place_.item = here.item;
      if (row.first + std::max<std::uint32_t>(row.count, 1) > sequence) return true;
    }
  }
}

Result<void> JournalScan::seek(JournalLaneId lane, Sequence sequence, Sequence proven_below) {
  seek_begin();
  asked_lane_ = lane;
  if (proven_below > sequence) {
    auto proven = index_->prove(lane, proven_below);
    if (!proven) return proven;
  }
  lanes_[lane].next = sequence;
  lanes_[lane].known = true;
  for (const JournalLane& known : index_->catalog().lanes()) {
    if (known.id != lane || sequence >= known.first) continue;
    const Failure failure =
        fail(Errc::trimmed, "messages %llu to %llu of \"%s\" are no longer in the journal",
             static_cast<unsigned long long>(sequence),
             static_cast<unsigned long long>(known.first - 1), known.producer.c_str());
    return Failure(failure.error().with_lost(known.first - sequence));
  }
  for (const SegmentInfo& segment : index_->segments()) {
    const auto end = segment.lane_ends.find(lane);
    if (end == segment.lane_ends.end() || end->second < sequence) continue;
    // A message in parts may begin in the segment at whose end it is due: where only heads were
    // read (recover_lanes.cpp) its first parts are not counted.
    const bool begins_here = place_in(segment, lane, sequence);
    if (begins_here || end->second > sequence) return {};
  }
  if (index_->segments().empty()) return {};
  const SegmentInfo& last = index_->segments().back();
  place_ = {.segment = last.segment, .offset = last.end, .item = last.last_item + 1};
  return {};
}

// The first item of the segment that is not before the moment, if the moment falls into it. Wall
// time may have been set within a segment: it counts as passed only where both neighbours say so.
Result<bool> JournalScan::place_at_time(const SegmentInfo& segment, std::uint64_t wall_ns) {
  LogWalk walk(reader_, {.slot = segment.slot, .segment = segment.segment, .stop = segment.end},
               {.offset = 0, .item = segment.first_item, .crc = {}, .epoch = 0});
  ItemView view;
  std::uint64_t before = 0;
  for (bool first = true;; first = false) {
    const WalkPlace here = walk.place();
    if (walk.next(view, ReadDepth::header) != WalkEnd::item) return false;
    const std::uint64_t at = view.header.wall_ns;
    if (at == wall_ns || (!first && before < wall_ns && wall_ns < at)) {
      place_ = {.segment = segment.segment, .offset = here.offset, .item = here.item};
      return true;
    }
    before = at;
  }
}

// T10: the earliest moment that the clock showed this time. A time that it never showed, because
// nothing was recorded or the clock jumped over it, is the next later one.
Result<void> JournalScan::seek_time(std::uint64_t wall_ns) {
  seek_begin();
  const SegmentInfo* next_later = nullptr;
  for (const SegmentInfo& segment : index_->segments()) {
    const bool stepped =
        segment.wall_ns - segment.begin_wall_ns != segment.boot_ns - segment.begin_boot_ns;
    const bool within = segment.begin_wall_ns <= wall_ns && wall_ns <= segment.wall_ns;
    if (within || stepped) {
      auto placed = place_at_time(segment, wall_ns);
      if (!placed) return Failure(placed.error());
      if (*placed) return {};
    }
    const bool later = segment.begin_wall_ns >= wall_ns;
    if (later && (next_later == nullptr || segment.begin_wall_ns < next_later->begin_wall_ns)) {
      next_later = &segment;
    }
  }
  if (next_later != nullptr) {
    stand_at(*next_later);
  } else if (!index_->segments().empty()) {
    const SegmentInfo& last = index_->segments().back();
    place_ = {.segment = last.segment, .offset = last.end, .item = last.last_item + 1};
  }
  return {};
}

}  // namespace millrace
