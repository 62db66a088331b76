#include "recover_lanes.hpp"

#include "log_walk.hpp"

#include <algorithm>
#include <set>

namespace millrace {

namespace {

using LaneEnds = LaneTracker::LaneEnds;

// Where every lane of a head's catalog stands.
LaneEnds places_in(const ItemFacts& head) {
  LaneEnds places;
  for (const LaneFact& fact : head.lanes) {
    if (const auto* const record = std::get_if<layout::CatalogRecord>(&fact))
      places[record->lane] = record->next;
  }
  return places;
}

// A lane that began within a segment: no head says where, but the first table that names it does.
void find_beginnings(ItemReader& reader, const SegmentInfo& segment, std::set<JournalLaneId> lanes,
                     LaneTracker& tracker) {
  LogWalk walk(reader, {.slot = segment.slot, .segment = segment.segment, .stop = segment.end},
               {.offset = 0, .item = segment.first_item, .crc = {}, .epoch = 0});
  ItemView view;
  while (!lanes.empty() && walk.next(view, ReadDepth::header) == WalkEnd::item) {
    for (const ItemEntry& entry : view.entries) {
      if (entry.row.kind > static_cast<std::uint16_t>(layout::EntryKind::part)) continue;
      if (lanes.erase(entry.row.lane) == 0) continue;
      JournalLane* const lane = tracker.catalog().find(entry.row.lane);
      lane->first = std::min<Sequence>(lane->first, entry.row.first);
    }
  }
}

void follow_one(ItemReader& reader, const SeenSlot& seen, const SeenSlot& next, LaneTracker& lanes,
                SegmentInfo& segment) {
  segment.last_item = next.head.predecessor_item;
  segment.end = next.head.predecessor_end;
  segment.wall_ns = next.header.wall_ns;
  segment.boot_ns = next.header.boot_ns;
  segment.boot = next.header.boot;
  const LaneEnds before = places_in(seen.facts);
  lanes.believe(next.facts);
  std::set<JournalLaneId> born;
  for (const auto& [id, end] : places_in(next.facts)) {
    const auto stood = before.find(id);
    if (stood == before.end()) born.insert(id);
    if (stood == before.end() || stood->second < end) segment.lane_ends[id] = end;
  }
  find_beginnings(reader, segment, std::move(born), lanes);
}

}  // namespace

void follow_heads(ItemReader& reader, const Chain& chain, std::size_t count, LaneTracker& lanes,
                  RecoveredLog& log) {
  if (count == 0) return;
  lanes.believe(chain.segments.front()->facts);
  for (std::size_t index = 0; index < count; ++index)
    follow_one(reader, *chain.segments[index], *chain.segments[index + 1], lanes,
               log.segments[index]);
}

}  // namespace millrace
