#include "millrace/core/clock.hpp"

#include "clock_calibration.hpp"

#include <algorithm>
#include <ctime>

namespace millrace {
namespace {

std::uint64_t read_kernel_clock(clockid_t which) noexcept {
  timespec now{};
  ::clock_gettime(which, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
         static_cast<std::uint64_t>(now.tv_nsec);
}

std::uint64_t magnitude(std::int64_t value) noexcept {
  return value < 0 ? 0 - static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value);
}

}  // namespace

std::uint64_t monotonic_ns() noexcept {
  return read_kernel_clock(CLOCK_MONOTONIC);
}

std::uint64_t boot_ns() noexcept {
  return read_kernel_clock(CLOCK_BOOTTIME);
}

std::uint64_t wall_ns() noexcept {
  return read_kernel_clock(CLOCK_REALTIME);
}

Clock::Clock(const layout::ClockFile& checked, bool shared) noexcept
    : source_(static_cast<ClockSource>(checked.source)),
      shift_(checked.shift),
      mult_(checked.mult),
      base_ticks_(checked.base_ticks),
      base_ns_(checked.base_monotonic_ns),
      uncertainty_ns_(checked.uncertainty_ns),
      uncertainty_ppb_(checked.uncertainty_ppb),
      granularity_ps_(checked.granularity_ps),
      stamp_cost_ps_(checked.stamp_cost_ps),
      shared_(shared) {}

Clock Clock::local() {
  static const layout::ClockFile calibration = detail::calibrate();
  return {calibration, false};
}

std::uint64_t Clock::duration_ticks(std::uint64_t ns) const noexcept {
  const Wide ticks = ((Wide{ns} << shift_) + mult_ - 1) / mult_;
  const Wide most = ~std::uint64_t{0};
  return static_cast<std::uint64_t>(std::min(ticks, most));
}

ClockReport Clock::report() const {
  const detail::Reading now = detail::read_bracketed(source_);
  const std::uint64_t ours = to_ns(now.ticks);
  ClockReport report;
  report.source = source_;
  report.shared = shared_;
  report.sound = source_ != ClockSource::tsc || detail::tick_counter_is_sound();
  report.ns_per_tick = static_cast<double>(mult_) / static_cast<double>(std::uint64_t{1} << shift_);
  report.uncertainty_ppm = static_cast<double>(uncertainty_ppb_) / 1000;
  report.uncertainty_ns = uncertainty_ns_;
  report.granularity_ns = static_cast<double>(granularity_ps_) / 1000;
  report.stamp_cost_ns = static_cast<double>(stamp_cost_ps_) / 1000;
  report.age_ns = now.ns > base_ns_ ? now.ns - base_ns_ : base_ns_ - now.ns;
  report.drift_ns = static_cast<std::int64_t>(ours - now.ns);
  report.drift_uncertainty_ns = duration_ns(now.half_width) + 2;
  const Wide grown = Wide{report.age_ns} * uncertainty_ppb_ / 1'000'000'000;
  const Wide bound = grown + uncertainty_ns_ + report.drift_uncertainty_ns;
  report.within_bounds = magnitude(report.drift_ns) <= bound;
  return report;
}

WallReading StepCounter::see(std::uint64_t wall_ns, std::uint64_t boot_ns,
                             std::uint64_t width_ns) noexcept {
  constexpr std::uint64_t kNoiseNs = 1000;
  const auto offset_ns = static_cast<std::int64_t>(wall_ns - boot_ns);
  const auto moved_ns = static_cast<std::int64_t>(static_cast<std::uint64_t>(offset_ns) -
                                                  static_cast<std::uint64_t>(offset_ns_));
  const bool stepped = started_ && magnitude(moved_ns) > width_ns + width_ns_ + kNoiseNs;
  if (stepped) {
    ++steps_;
    stepped_ns_ += moved_ns;
  }
  // A narrower reading of the same offset is a better one; a wider one would only blur it.
  if (!started_ || stepped || width_ns < width_ns_) {
    offset_ns_ = offset_ns;
    width_ns_ = width_ns;
  }
  started_ = true;
  return {wall_ns, boot_ns, steps_, stepped_ns_};
}

WallReading WallClock::read() noexcept {
  constexpr std::uint64_t kNarrowNs = 1000;
  std::uint64_t best_wall_ns = 0;
  std::uint64_t best_boot_ns = 0;
  std::uint64_t best_width_ns = ~std::uint64_t{0};
  for (int i = 0; i < 8 && best_width_ns > kNarrowNs; ++i) {
    const std::uint64_t before = millrace::boot_ns();
    const std::uint64_t wall = millrace::wall_ns();
    const std::uint64_t width_ns = millrace::boot_ns() - before;
    if (width_ns >= best_width_ns) continue;
    best_wall_ns = wall;
    best_boot_ns = before + width_ns / 2;
    best_width_ns = width_ns;
  }
  return counter_.see(best_wall_ns, best_boot_ns, best_width_ns);
}

}  // namespace millrace
