#include "lane_tracker.hpp"

#include <algorithm>
#include <variant>

namespace millrace {

namespace {

std::string not_continuous(const JournalLane& lane, const char* what, Sequence sequence) {
  return std::string(what) + " of producer \"" + lane.producer + "\" in channel \"" +
         lane.channel_name + "\" begins with sequence " + std::to_string(sequence) +
         ", but the log goes on at " + std::to_string(lane.end);
}

std::string unknown_lane(JournalLaneId id) {
  return "lane " + std::to_string(id) + " is in no catalog before it";
}

}  // namespace

void LaneTracker::lost_something() {
  for (const JournalLane& lane : catalog_.lanes())
    may_jump_.insert(lane.id);
}

// A new lane's `first` and `end` are where it begins; of a known one a record changes neither.
std::string LaneTracker::follow(const layout::CatalogRecord& record) {
  const JournalLane* const known = catalog_.find(record.lane);
  const bool is_new = known == nullptr;
  const Sequence first = is_new ? record.next : known->first;
  const Sequence end = is_new ? record.next : known->end;
  if (!catalog_.apply(record)) {
    return "a catalog record of lane " + std::to_string(record.lane) + " makes no sense";
  }
  JournalLane* const lane = catalog_.find(record.lane);
  lane->first = first;
  lane->end = end;
  return {};
}

void LaneTracker::believe(const ItemFacts& head) {
  for (const LaneFact& fact : head.lanes) {
    if (const auto* const record = std::get_if<layout::CatalogRecord>(&fact)) {
      if (!follow(*record).empty()) continue;
      JournalLane* const lane = catalog_.find(record->lane);
      lane->end = std::max(lane->end, record->next);
    } else if (const auto* const place = std::get_if<layout::AcknowledgedRecord>(&fact)) {
      static_cast<void>(catalog_.apply(*place));
    }
  }
}

// Does the lane stand at this sequence, or may it jump there?
bool LaneTracker::reach(JournalLane& lane, Sequence sequence) {
  if (lane.end == sequence) return true;
  if (sequence < lane.end || !may_jump_.contains(lane.id)) return false;
  may_jump_.erase(lane.id);
  lane.end = sequence;
  return true;
}

std::string LaneTracker::follow(const layout::TableEntry& row, LaneEnds& ends) {
  JournalLane* const lane = catalog_.find(row.lane);
  if (lane == nullptr) return unknown_lane(row.lane);
  const bool run = row.kind == static_cast<std::uint16_t>(layout::EntryKind::run);
  if (!reach(*lane, row.first)) {
    return not_continuous(*lane, run ? "a run of messages" : "a part of a message", row.first);
  }
  lane->end = row.first + row.count;
  // A part needs its segment even while the message has no end, as in JournalCore::account_entry.
  ends[lane->id] = row.first + std::max<std::uint32_t>(row.count, 1);
  return {};
}

std::string LaneTracker::follow(const layout::GapRecord& record, LaneEnds& ends) {
  JournalLane* const lane = catalog_.find(record.lane);
  if (lane == nullptr) return unknown_lane(record.lane);
  if (record.to < record.from || !reach(*lane, record.from)) {
    return not_continuous(*lane, "a gap", record.from);
  }
  lane->end = record.to;
  ends[lane->id] = lane->end;
  return {};
}

std::string LaneTracker::follow(const ItemFacts& item, LaneEnds& ends) {
  for (const LaneFact& fact : item.lanes) {
    std::string wrong;
    if (const auto* const row = std::get_if<layout::TableEntry>(&fact)) {
      wrong = follow(*row, ends);
    } else if (const auto* const record = std::get_if<layout::CatalogRecord>(&fact)) {
      wrong = follow(*record);
    } else if (const auto* const gap = std::get_if<layout::GapRecord>(&fact)) {
      wrong = follow(*gap, ends);
    } else if (!catalog_.apply(std::get<layout::AcknowledgedRecord>(fact))) {
      wrong = "an acknowledgement makes no sense";
    }
    if (!wrong.empty()) return wrong;
  }
  return {};
}

}  // namespace millrace
