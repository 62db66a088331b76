// Which segments are the log: the predecessor links, followed backwards from the newest whole head
// (R5). What no link leads to is the cut tail of an earlier crash, however its number looks.
#pragma once

#include "recovered_log.hpp"
#include "slot_survey.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace millrace {

struct Chain {
  std::vector<const SeenSlot*> segments;  // ascending

  // A segment that is needed and that nobody has; the links end at `successor`.
  struct Missing {
    std::uint64_t segment = 0;
    const SeenSlot* successor = nullptr;
    const SeenSlot* headless = nullptr;  // the slot that seems to hold it
  };

  std::optional<Missing> missing;

  // Where the successor of segment `index` says that it ends; the end of the slot for the last one.
  [[nodiscard]] std::uint64_t stop_of(std::size_t index, std::uint64_t slot_bytes) const noexcept {
    return index + 1 < segments.size() && linked(index) ? segments[index + 1]->head.predecessor_end
                                                        : slot_bytes;
  }

  // Does the next segment follow this one directly? Else an accepted loss lies between them.
  [[nodiscard]] bool linked(std::size_t index) const noexcept {
    return segments[index + 1]->head.predecessor_segment == segments[index]->header.segment;
  }
};

// A segment as its head alone tells: nothing of it is accepted yet.
[[nodiscard]] SegmentInfo segment_of(const SeenSlot& seen);

[[nodiscard]] Chain link_segments(const SlotSurvey& survey, const layout::Manifest& manifest);

}  // namespace millrace
