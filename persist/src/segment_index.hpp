// The sparse index of the segment that is being written: where to begin looking for a sequence of
// a lane or for a time. It goes into the seal; it is derived, and never evidence.
#pragma once

#include "millrace/persist/journal.hpp"
#include "millrace/persist/journal_records.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace millrace {

class SegmentIndex {
 public:
  static constexpr std::size_t kStopsMost = 1024;
  static constexpr std::uint64_t kStepLeast = std::uint64_t{64} << 10;

  // The stops of a whole segment fit half an item.
  SegmentIndex(std::uint64_t segment_bytes, std::uint64_t item_bytes)
      : most_(std::min<std::size_t>(kStopsMost, item_bytes / 2 / sizeof(layout::IndexRecord))),
        step_(std::max(kStepLeast, segment_bytes / most_)) {
    stops_.reserve(most_);
  }

  [[nodiscard]] std::size_t most() const noexcept { return most_; }

  [[nodiscard]] std::span<const layout::IndexRecord> stops() const noexcept { return stops_; }

  void clear() noexcept {
    stops_.clear();
    next_.clear();
  }

  // An item has a run of this lane. A lane gets a stop every step, as long as there is room.
  void note(const layout::IndexRecord& stop) {
    if (stops_.size() == most_) return;
    if (next_.size() <= stop.lane) next_.resize(stop.lane + std::size_t{1}, 0);
    if (stop.offset < next_[stop.lane]) return;
    stops_.push_back(stop);
    next_[stop.lane] = stop.offset + step_;
  }

 private:
  std::size_t most_;
  std::uint64_t step_;
  std::vector<layout::IndexRecord> stops_;
  std::vector<std::uint64_t> next_;  // by lane: the offset that its next stop may have
};

}  // namespace millrace
