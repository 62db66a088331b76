// The last steps of a recovery: what every slot is good for, and the report.
#include "recover_steps.hpp"

#include <algorithm>
#include <cstring>

namespace millrace {

namespace {

bool holds_live(const RecoveredLog& log, Disk::File slot) noexcept {
  return std::ranges::any_of(log.segments,
                             [&](const SegmentInfo& segment) { return segment.slot == slot; });
}

}  // namespace

// D2. Cut tails come last among the spares: they are used only when nothing else is left.
void RecoverySteps::sort_slots() {
  std::vector<Disk::File> cut_tails;
  for (const SeenSlot& seen : survey_.slots) {
    if (seen.unreadable || seen.state == SlotState::unreadable) {
      log_->quarantined.push_back(seen.slot);
      continue;
    }
    if (holds_live(*log_, seen.slot) || std::ranges::count(log_->quarantined, seen.slot) != 0) {
      continue;
    }
    const bool ready = seen.state == SlotState::spare || seen.state == SlotState::segment;
    if (!ready || seen.doubtful) {
      log_->unprepared.push_back(seen.slot);
    } else if (seen.state == SlotState::segment &&
               seen.header.segment >= log_->manifest.first_live) {
      cut_tails.push_back(seen.slot);
    } else {
      log_->spares.push_back(seen.slot);
    }
  }
  log_->spares.insert(log_->spares.end(), cut_tails.begin(), cut_tails.end());
}

// May a report that nothing witnesses hide in what was cut, or where nothing seems to be?
bool RecoverySteps::window() const noexcept {
  if (log_->report.clean || !witnesses_->empty() || !end_walk_) return false;
  if (found_behind_ || torn_switch() != nullptr) return true;
  // The next item may have been a segment's head, in any slot that holds none.
  const bool head_lost = std::ranges::any_of(survey_.slots, [](const SeenSlot& seen) {
    const bool told = seen.state == SlotState::segment || seen.state == SlotState::spare ||
                      seen.head_state == ItemState::pattern;
    return !told;
  });
  if (head_lost) return true;
  const LogEnd& end = end_walk_->end();
  const bool untouched = end.end == WalkEnd::stop || end.end == WalkEnd::stale ||
                         (end.end == WalkEnd::broken && end.state == ItemState::pattern);
  return !untouched;
}

void RecoverySteps::report() {
  log_->catalog = lanes_.catalog();
  log_->highest_segment = evidence_.highest_segment();
  log_->highest_item = std::max(evidence_.highest_item(), log_->end);
  RecoveryReport& report = log_->report;
  report.created = log_->segments.empty();
  report.clean = log_->manifest.clean_end != 0 && log_->manifest.clean_end == log_->end;
  report.segments = log_->segments.size();
  report.end = log_->end;
  report.unreadable_slots = log_->quarantined.size();
  report.window = window();
}

}  // namespace millrace
