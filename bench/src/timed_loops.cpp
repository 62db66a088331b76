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

Timing lead_bare(std::atomic<std::uint64_t>& there, std::atomic<std::uint64_t>& back,
                 std::uint64_t trips, std::uint64_t& count) noexcept {
  Stamps stamps;
  for (std::size_t part = 0; part < kSubSlices; ++part) {
    const std::uint64_t here = trips * (part + 1) / kSubSlices - trips * part / kSubSlices;
    const auto began = SliceClock::now();
    for (std::uint64_t i = 0; i < here; ++i) {
      // [sync:bench-bare] The orders a message would need, without the message.
      there.store(++count, std::memory_order_release);
      while (back.load(std::memory_order_acquire) != count) {  // [sync:bench-bare]
      }
    }
    if (here != 0) stamps.add(ns_since(began), here);
  }
  return stamps.timing(0);
}

void follow_bare(std::atomic<std::uint64_t>& there, std::atomic<std::uint64_t>& back,
                 std::uint64_t trips, std::uint64_t& count) noexcept {
  for (std::uint64_t i = 0; i < trips; ++i) {
    ++count;
    while (there.load(std::memory_order_acquire) != count) {  // [sync:bench-bare]
    }
    back.store(count, std::memory_order_release);  // [sync:bench-bare]
  }
}

}  // namespace millrace::bench
