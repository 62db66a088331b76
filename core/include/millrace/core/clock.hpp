// Clock reads ticks in a few nanoseconds, without a system call, and turns them into nanoseconds of
// CLOCK_MONOTONIC. All processes of a domain use one calibration, so their stamps compare exactly,
// and it says how wrong it may be: report().
//
// Ticks are those of the TSC where the processor calls it invariant and the kernel itself keeps
// time by it, else those of CLOCK_MONOTONIC. Record raw ticks on a message path, convert later.
//
// Thread rules: a Clock is a value that never changes; copy it and read it from any thread.
// Source: anchors/measurement.md section 2.3 (bracketed readings), profiler.md findings 11 and 12.
#pragma once

#include "millrace/core/clock_layout.hpp"
#include "millrace/core/cpu.hpp"
#include "millrace/core/result.hpp"

#include <array>
#include <cstdint>

namespace millrace {

using layout::ClockSource;

// Nanoseconds of the kernel's clocks, through the vDSO.
[[nodiscard]] std::uint64_t monotonic_ns() noexcept;
[[nodiscard]] std::uint64_t boot_ns() noexcept;  // monotonic, and goes on while suspended
[[nodiscard]] std::uint64_t wall_ns() noexcept;  // since 1970; may step

struct ClockReport {
  ClockSource source = ClockSource::monotonic;
  bool shared = false;  // the domain's calibration, not one of this process alone
  bool sound = true;    // the source is still what the kernel itself keeps time by
  double ns_per_tick = 1;
  double uncertainty_ppm = 0;        // half-width of the rate when it was calibrated
  std::uint64_t uncertainty_ns = 0;  // half-width at the moment of calibration
  double granularity_ns = 1;         // smallest step seen: finer differences mean nothing
  double stamp_cost_ns = 0;
  std::uint64_t age_ns = 0;  // time since the calibration

  // Now: our clock minus CLOCK_MONOTONIC, the half-width of that reading, and whether it is within
  // uncertainty_ns + uncertainty_ppm * age. NTP slewing CLOCK_MONOTONIC, or a TSC that jumped (a
  // snapshot that was restored), shows here: a window of measurements across it is void.
  std::int64_t drift_ns = 0;
  std::uint64_t drift_uncertainty_ns = 0;
  bool within_bounds = true;
};

class Clock {
 public:
  // The clock of the domain whose directory is open as `domain_fd`: the calibration in it, or a new
  // one (about 12 ms) if we are the first of this boot and time namespace. Where the directory may
  // be read but not written, the calibration is our own, and the report says so.
  // format: the file there is damaged or of another version; remove it once nobody uses the domain.
  [[nodiscard]] static Result<Clock> open(int domain_fd);

  // A clock of this process alone, calibrated at the first call (about 12 ms).
  [[nodiscard]] static Clock local();

  [[nodiscard]] std::uint64_t ticks() const noexcept {
    return source_ == ClockSource::tsc ? cpu::ticks() : monotonic_ns();
  }

  // Read after every earlier load has its value; see cpu::ticks_ordered().
  [[nodiscard]] std::uint64_t ticks_ordered() const noexcept {
    return source_ == ClockSource::tsc ? cpu::ticks_ordered() : monotonic_ns();
  }

  // CLOCK_MONOTONIC at that tick. Ticks from before the calibration are fine.
  [[nodiscard]] std::uint64_t to_ns(std::uint64_t ticks) const noexcept {
    const std::uint64_t since = ticks - base_ticks_;
    if (static_cast<std::int64_t>(since) >= 0) return base_ns_ + duration_ns(since);
    return base_ns_ - duration_ns(0 - since);
  }

  [[nodiscard]] std::uint64_t now_ns() const noexcept { return to_ns(ticks()); }

  // A difference of ticks in nanoseconds.
  [[nodiscard]] std::uint64_t duration_ns(std::uint64_t ticks) const noexcept {
    return static_cast<std::uint64_t>(static_cast<Wide>(ticks) * mult_ >> shift_);
  }

  // At least that many nanoseconds in ticks, for loops that only count ticks.
  [[nodiscard]] std::uint64_t duration_ticks(std::uint64_t ns) const noexcept;

  [[nodiscard]] ClockSource source() const noexcept { return source_; }

  // Reads the kernel's clocks and /sys; not for a message path.
  [[nodiscard]] ClockReport report() const;

  // "clock-BOOT-NS", zero-terminated: the file of this boot and time namespace. Files of other
  // boots are of no use to anybody.
  [[nodiscard]] static std::array<char, 64> file_name();

 private:
  __extension__ using Wide = unsigned __int128;

  Clock(const layout::ClockFile& checked, bool shared) noexcept;

  ClockSource source_;
  std::uint32_t shift_;
  std::uint64_t mult_;
  std::uint64_t base_ticks_;
  std::uint64_t base_ns_;
  std::uint64_t uncertainty_ns_;
  std::uint64_t uncertainty_ppb_;
  std::uint64_t granularity_ps_;
  std::uint64_t stamp_cost_ps_;
  bool shared_;
};

// The wall clock together with the clock that never steps, and how often the wall clock was seen to
// step against it: schedules are kept in wall time, and a step re-delays or fires them.
struct WallReading {
  std::uint64_t wall_ns = 0;    // since 1970
  std::uint64_t boot_ns = 0;    // CLOCK_BOOTTIME at the same moment, within 1 us
  std::uint64_t steps = 0;      // steps seen by this WallClock so far
  std::int64_t stepped_ns = 0;  // sum of the steps, forwards positive
};

// Counts the steps in a series of readings. Thread rules: one thread at a time.
class StepCounter {
 public:
  // The wall clock read `wall_ns` somewhere within width_ns around boot_ns. A change of their
  // difference that the widths, and one microsecond, do not explain is a step. The first reading
  // counts none.
  WallReading see(std::uint64_t wall_ns, std::uint64_t boot_ns, std::uint64_t width_ns) noexcept;

 private:
  bool started_ = false;
  std::int64_t offset_ns_ = 0;
  std::uint64_t width_ns_ = 0;
  std::uint64_t steps_ = 0;
  std::int64_t stepped_ns_ = 0;
};

// NTP slews both clocks alike, so wall minus boot time is constant until somebody sets the clock.
// Thread rules: one thread uses a WallClock. A read costs about 0.1 us and no system call.
class WallClock {
 public:
  WallClock() noexcept { static_cast<void>(read()); }

  WallReading read() noexcept;

 private:
  StepCounter counter_;
};

}  // namespace millrace
