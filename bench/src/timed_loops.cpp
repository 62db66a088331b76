#include "timed_loops.hpp"

#include <algorithm>

namespace millrace::bench {

Timing Stamps::timing(std::uint64_t wrong) noexcept {
  Timing timing;
  timing.wrong = wrong;
  if (filled_ == 0) return timing;
  const auto end = per_message_.begin() + static_cast<std::ptrdiff_t>(filled_);
  std::sort(per_message_.begin(), end);
  const std::size_t half = filled_ / 2;
  timing.median_ns =
      filled_ % 2 != 0 ? per_message_[half] : (per_message_[half - 1] + per_message_[half]) / 2;
  timing.mean_ns = all_ns_ / static_cast<double>(all_);
  return timing;
}

}  // namespace millrace::bench
