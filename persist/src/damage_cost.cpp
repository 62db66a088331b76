#include "damage_cost.hpp"

#include <algorithm>
#include <variant>

namespace millrace {

std::vector<Damage::Range> ranges_before(const Catalog& lanes, const ItemFacts& next_good) {
  std::vector<Damage::Range> ranges;
  for (const LaneFact& fact : next_good.lanes) {
    const auto* const row = std::get_if<layout::TableEntry>(&fact);
    if (row == nullptr) continue;
    for (const JournalLane& lane : lanes.lanes()) {
      if (lane.id != row->lane || row->first <= lane.end) continue;
      const bool told = std::ranges::any_of(
          ranges, [&](const Damage::Range& range) { return range.lane.id == lane.id; });
      if (!told) ranges.push_back({.lane = lane, .from = lane.end, .to = row->first});
    }
  }
  return ranges;
}

void add_own_ranges(const Catalog& lanes, const ItemView& broken,
                    std::vector<Damage::Range>& ranges) {
  const auto has_messages = [](const layout::TableEntry& row) {
    const auto kind = static_cast<layout::EntryKind>(row.kind);
    return kind == layout::EntryKind::run || kind == layout::EntryKind::part;
  };
  const std::size_t told = ranges.size();
  for (const ItemEntry& entry : broken.entries) {
    if (!has_messages(entry.row)) continue;
    const auto same = [&](const Damage::Range& range) { return range.lane.id == entry.row.lane; };
    const auto begin = ranges.begin();
    if (std::any_of(begin, begin + static_cast<std::ptrdiff_t>(told), same)) continue;
    // A part that is not the last one counts no message, and costs one.
    const Sequence to = entry.row.first + std::max<std::uint32_t>(entry.row.count, 1);
    const auto found = std::ranges::find_if(ranges, same);
    if (found != ranges.end()) {
      found->to = std::max(found->to, to);
      continue;
    }
    JournalLane lane;
    lane.id = entry.row.lane;
    for (const JournalLane& known : lanes.lanes())
      if (known.id == lane.id) lane = known;
    ranges.push_back({.lane = std::move(lane), .from = entry.row.first, .to = to});
  }
}

}  // namespace millrace
