// How long somebody has waited, for verdicts like "it hangs". Of a pause in which the waiting one
// did not run itself (a paused machine, a frozen group of processes) only a moment counts: the one
// that it waits for did not run either.
//
// One thread.
#pragma once

#include "millrace/core/clock.hpp"

#include <algorithm>
#include <cstdint>

namespace millrace::tools {

class StormPatience {
 public:
  explicit StormPatience(std::uint64_t bound_ns) noexcept
      : bound_ns_(bound_ns), last_ns_(monotonic_ns()) {}

  // To be asked again and again while waiting.
  [[nodiscard]] bool over() noexcept {
    const std::uint64_t now_ns = monotonic_ns();
    waited_ns_ += std::min(now_ns - last_ns_, kMomentNs);
    last_ns_ = now_ns;
    return waited_ns_ > bound_ns_;
  }

 private:
  // More than a loaded machine keeps anybody from running.
  static constexpr std::uint64_t kMomentNs = 1'000'000'000;

  std::uint64_t bound_ns_;
  std::uint64_t last_ns_;
  std::uint64_t waited_ns_ = 0;
};

}  // namespace millrace::tools
