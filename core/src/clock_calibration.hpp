// How ticks are measured against the kernel's clock; private to the clock.
#pragma once

#include "millrace/core/clock_layout.hpp"

#include <cstdint>

namespace millrace::detail {

enum class RateFrom : std::uint32_t { measured = 1, kernel = 2, exact = 3 };

// One moment on two clocks: CLOCK_MONOTONIC read `ns` while the ticks stood at ticks +- half_width.
struct Reading {
  std::uint64_t ticks;
  std::uint64_t ns;
  std::uint64_t half_width;
};

// The tightest of some hundred brackets (ticks, ns, ticks): an interrupt can only widen a bracket,
// so the narrowest is the one nobody disturbed. About 15 us.
Reading read_bracketed(layout::ClockSource source) noexcept;

// The processor says that its tick counter is invariant, and the kernel itself keeps time by it.
// Either alone is not enough: the kernel gives up a TSC that its watchdog saw wander.
bool tick_counter_is_sound() noexcept;

// Nanoseconds of CLOCK_MONOTONIC a tick by the kernel's own numbers, 0 where it does not tell.
double kernel_ns_per_tick() noexcept;

// Everything of the file but its header. Takes about 12 ms, most of it asleep.
layout::ClockFile calibrate() noexcept;

}  // namespace millrace::detail
