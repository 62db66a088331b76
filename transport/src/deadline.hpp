// A timeout as a moment of CLOCK_MONOTONIC.
#pragma once

#include "millrace/core/clock.hpp"
#include "millrace/transport/options.hpp"

#include <chrono>
#include <cstdint>
#include <limits>

namespace millrace::detail {

// Nanoseconds; what is too far away to be reached (kForever) is never, what is past is now.
[[nodiscard]] inline std::uint64_t deadline_after(std::chrono::nanoseconds timeout) noexcept {
  const std::uint64_t now = monotonic_ns();
  if (timeout.count() <= 0) return now;
  const auto wanted = static_cast<std::uint64_t>(timeout.count());
  constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();
  return wanted < kNever - now && timeout != kForever ? now + wanted : kNever;
}

}  // namespace millrace::detail
