#include "retention.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace millrace {
namespace {

// Who is waited for: the channels of every subscriber that has acknowledged something. Not who was
// let go: what it needs next is gone, and waiting does not bring it back. Once it has come back and
// acknowledged beyond that, it is waited for again.
struct Watched {
  std::map<std::string, std::set<Uuid>> channels;
  std::map<JournalLaneId, const JournalLane*> lanes;
};

Watched watched_by(const Catalog& catalog) {
  Watched watched;
  for (const JournalLane& lane : catalog.lanes())
    watched.lanes[lane.id] = &lane;
  std::set<std::string> let_go;
  for (const auto& [key, before] : catalog.acknowledgements()) {
    const JournalLane& lane = *watched.lanes.at(key.second);
    watched.channels[key.first].insert(lane.channel);
    if (before < lane.first && lane.first < lane.end) let_go.insert(key.first);
  }
  std::erase_if(watched.channels, [&](const auto& one) { return let_go.contains(one.first); });
  return watched;
}

// A lane of which the subscriber has acknowledged nothing holds as well: it has not read it. So
// does one that this catalog does not know yet.
bool holds(const SegmentInfo& segment, const std::string& subscriber, const Watched& watched,
           const Catalog& catalog) {
  const std::set<Uuid>& channels = watched.channels.at(subscriber);
  return std::ranges::any_of(segment.lane_ends, [&](const auto& lane_end) {
    const auto lane = watched.lanes.find(lane_end.first);
    if (lane == watched.lanes.end()) return true;
    return channels.contains(lane->second->channel) &&
           catalog.acknowledged(subscriber, lane_end.first).value_or(0) < lane_end.second;
  });
}

std::vector<std::string> holders(const SegmentInfo& segment, const Watched& watched,
                                 const Catalog& catalog) {
  std::vector<std::string> found;
  for (const auto& [subscriber, channels] : watched.channels) {
    if (holds(segment, subscriber, watched, catalog)) found.push_back(subscriber);
  }
  return found;
}

}  // namespace

std::uint64_t age_of(std::span<const SegmentInfo> segments, std::size_t index, const Disk::Now& now,
                     std::uint32_t boot) noexcept {
  const SegmentInfo& segment = segments[index];
  if (segment.boot == boot) return now.boot_ns - std::min(now.boot_ns, segment.boot_ns);
  const SegmentInfo* last = &segment;
  for (const SegmentInfo& other : segments.subspan(index)) {
    if (other.boot == segment.boot) last = &other;
  }
  const std::uint64_t before = last->boot_ns - std::min(last->boot_ns, segment.boot_ns);
  const std::uint64_t made = last->wall_ns - std::min(last->wall_ns, before);
  return now.wall_ns - std::min(now.wall_ns, made);
}

std::uint64_t default_retention(std::uint64_t free_bytes, std::uint64_t segment_bytes) noexcept {
  const std::uint64_t most = std::min(std::uint64_t{10} << 30, free_bytes / 4);
  return std::max(most, RetentionRule::kSegmentsLeast * segment_bytes);
}

RetentionPlan RetentionRule::plan(std::span<const SegmentInfo> segments, const Catalog& catalog,
                                  const Disk::Now& now, std::uint32_t boot) const {
  RetentionPlan plan;
  Watched watched;
  if (asked_.acknowledged) watched = watched_by(catalog);
  const bool awaited = !watched.channels.empty();
  for (; plan.segments + 1 < segments.size(); ++plan.segments) {
    const SegmentInfo& segment = segments[plan.segments];
    if (segment.lane_ends.empty()) continue;  // nobody needs it
    const std::size_t left = segments.size() - plan.segments;
    const bool expired = too_many(left) || too_old(age_of(segments, plan.segments, now, boot));
    const std::vector<std::string> waiting = holders(segment, watched, catalog);
    const bool all_acknowledged = awaited && waiting.empty();
    if (!expired && !all_acknowledged) break;
    if (!waiting.empty() && patient(left)) break;
    for (const std::string& subscriber : waiting) {
      watched.channels.erase(subscriber);
      plan.let_go.push_back(subscriber);
    }
  }
  return plan;
}

}  // namespace millrace
