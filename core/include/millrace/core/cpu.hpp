// The few instructions that C++ has no name for: the spin-loop hint and the tick counter.
//
// Thread rules: none, every function may be called by anybody at any time. Ticks have no unit of
// their own; Clock (clock.hpp) turns them into nanoseconds and knows whether they may be trusted.
#pragma once

#include <cstdint>

#if !defined(__x86_64__) && !defined(__aarch64__)
#include <ctime>
#endif

namespace millrace::cpu {

// Tells the core that it is inside a spin loop, so that it leaves room for its sibling thread and
// does not fill its pipeline with loads that the awaited store would throw away.
inline void pause() noexcept {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  // `yield` does nothing on most cores; `isb` drains the pipeline for about as long as x86 pauses.
  asm volatile("isb" ::: "memory");
#else
  asm volatile("" ::: "memory");
#endif
}

// The tick counter, free to move by a few instructions in both directions: for stamps taken
// *before* a publishing store, where waiting would cost more than it tells.
[[nodiscard]] inline std::uint64_t ticks() noexcept {
#if defined(__x86_64__)
  return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
  std::uint64_t value = 0;
  asm volatile("mrs %0, cntvct_el0" : "=r"(value));
  return value;
#else
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
         static_cast<std::uint64_t>(now.tv_nsec);
#endif
}

// The tick counter, read only after every earlier load has its value: for stamps taken *after* an
// acquiring load, because the data dependency of a load does not order the counter.
[[nodiscard]] inline std::uint64_t ticks_ordered() noexcept {
#if defined(__x86_64__)
  __builtin_ia32_lfence();
  return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
  asm volatile("isb" ::: "memory");
  return ticks();
#else
  return ticks();
#endif
}

}  // namespace millrace::cpu
