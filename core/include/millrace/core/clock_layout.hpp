// clock-BOOT-NS: how ticks become nanoseconds for every process of a domain, within one boot and
// one time namespace. Written once, before the file has a name, and immutable from then on; readers
// copy it and check the copy, so nothing that happens to the file later can reach them.
#pragma once

#include "millrace/core/fingerprint.hpp"
#include "millrace/core/segment_layout.hpp"

#include <cstddef>
#include <cstdint>

namespace millrace::layout {

// Bits of ClockFile::source.
enum class ClockSource : std::uint32_t { monotonic = 1, tsc = 2 };

// monotonic_ns = base_monotonic_ns + ((ticks - base_ticks) * mult >> shift), in 128 bits.

//   offset  size  field              writer   meaning
//        0   128  header             creator  SegmentHeader, kind clock
//      128     4  source             creator  ClockSource: what a tick is
//      132     4  shift              creator  0..63
//      136     8  mult               creator  nanoseconds a tick, times 2^shift; never 0
//      144     8  base_ticks         creator  the tick at which the three clocks below were read
//      152     8  base_monotonic_ns  creator  CLOCK_MONOTONIC of the creator's time namespace
//      160     8  base_wall_ns       creator  CLOCK_REALTIME
//      168     8  base_boot_ns       creator  CLOCK_BOOTTIME
//      176     8  uncertainty_ns     creator  half-width of the reading at the base
//      184     8  uncertainty_ppb    creator  half-width of the rate, in 1e-9
//      192     8  interval_ns        creator  time between the two readings of the rate
//      200     8  granularity_ps     creator  smallest step the ticks were seen to make
//      208     8  stamp_cost_ps      creator  cost of reading the ticks once
//      216     8  time_ns            creator  inode of the time namespace, 0 if there are none
//      224     4  rate_from          creator  1 measured, 2 the kernel's own frequency, 3 exact
//      228    28  reserved           -        zero
struct ClockFile {
  SegmentHeader header;
  std::uint32_t source;
  std::uint32_t shift;
  std::uint64_t mult;
  std::uint64_t base_ticks;
  std::uint64_t base_monotonic_ns;
  std::uint64_t base_wall_ns;
  std::uint64_t base_boot_ns;
  std::uint64_t uncertainty_ns;
  std::uint64_t uncertainty_ppb;
  std::uint64_t interval_ns;
  std::uint64_t granularity_ps;
  std::uint64_t stamp_cost_ps;
  std::uint64_t time_ns;
  std::uint32_t rate_from;
  std::uint8_t reserved[28];
};

static_assert(sizeof(ClockFile) == 256);
static_assert(offsetof(ClockFile, header) == 0);
static_assert(offsetof(ClockFile, source) == 128);
static_assert(offsetof(ClockFile, shift) == 132);
static_assert(offsetof(ClockFile, mult) == 136);
static_assert(offsetof(ClockFile, base_ticks) == 144);
static_assert(offsetof(ClockFile, base_monotonic_ns) == 152);
static_assert(offsetof(ClockFile, base_wall_ns) == 160);
static_assert(offsetof(ClockFile, base_boot_ns) == 168);
static_assert(offsetof(ClockFile, uncertainty_ns) == 176);
static_assert(offsetof(ClockFile, uncertainty_ppb) == 184);
static_assert(offsetof(ClockFile, interval_ns) == 192);
static_assert(offsetof(ClockFile, granularity_ps) == 200);
static_assert(offsetof(ClockFile, stamp_cost_ps) == 208);
static_assert(offsetof(ClockFile, time_ns) == 216);
static_assert(offsetof(ClockFile, rate_from) == 224);
static_assert(offsetof(ClockFile, reserved) == 228);

inline constexpr std::uint64_t kClockFingerprint = fingerprint(
    {6, sizeof(ClockFile), offsetof(ClockFile, header), offsetof(ClockFile, source),
     offsetof(ClockFile, shift), offsetof(ClockFile, mult), offsetof(ClockFile, base_ticks),
     offsetof(ClockFile, base_monotonic_ns), offsetof(ClockFile, base_wall_ns),
     offsetof(ClockFile, base_boot_ns), offsetof(ClockFile, uncertainty_ns),
     offsetof(ClockFile, uncertainty_ppb), offsetof(ClockFile, interval_ns),
     offsetof(ClockFile, granularity_ps), offsetof(ClockFile, stamp_cost_ps),
     offsetof(ClockFile, time_ns), offsetof(ClockFile, rate_from)});

}  // namespace millrace::layout
