#include "clock_calibration.hpp"

#include "millrace/core/clock.hpp"
#include "millrace/core/cpu.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <ctime>

namespace millrace::detail {
namespace {

using layout::ClockFile;
using layout::ClockSource;

__extension__ using Wide = unsigned __int128;

// 2^-48 ns a tick is far below every uncertainty, and 10 us a tick still fits 64 bits.
constexpr std::uint32_t kShift = 48;
constexpr int kBrackets = 200;
constexpr std::uint64_t kIntervalNs = 10'000'000;
constexpr int kAttemptsMax = 3;
constexpr std::uint64_t kGoodPpb = 50'000;

std::uint64_t read_ticks(ClockSource source) noexcept {
  return source == ClockSource::tsc ? cpu::ticks_ordered() : monotonic_ns();
}

void sleep_until(std::uint64_t ns) noexcept {
  timespec until{};
  until.tv_sec = static_cast<time_t>(ns / 1'000'000'000);
  until.tv_nsec = static_cast<long>(ns % 1'000'000'000);
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr) == EINTR) {
  }
}

double ns_per_tick(const ClockFile& file) noexcept {
  return static_cast<double>(file.mult) / static_cast<double>(std::uint64_t{1} << file.shift);
}

// Two readings 10 ms apart give the rate; their half-widths, over the interval, its uncertainty.
// A reading that was disturbed all along earns a longer interval, not a lie.
void measure_rate(ClockFile& file, const Reading& first) noexcept {
  for (int attempt = 1; attempt <= kAttemptsMax; ++attempt) {
    sleep_until(first.ns + static_cast<std::uint64_t>(attempt) * kIntervalNs);
    const Reading second = read_bracketed(ClockSource::tsc);
    const std::uint64_t passed_ns = second.ns - first.ns;
    const std::uint64_t passed_ticks = std::max<std::uint64_t>(second.ticks - first.ticks, 1);
    const std::uint64_t unsure_ticks = first.half_width + second.half_width + 1;
    file.mult = static_cast<std::uint64_t>((Wide{passed_ns} << kShift) / passed_ticks);
    file.base_ticks = second.ticks;
    file.base_monotonic_ns = second.ns;
    file.interval_ns = passed_ns;
    file.uncertainty_ppb =
        static_cast<std::uint64_t>(Wide{unsure_ticks} * 1'000'000'000 / passed_ticks) + 1;
    file.uncertainty_ns =
        static_cast<std::uint64_t>(Wide{second.half_width} * file.mult >> kShift) + 2;
    if (file.uncertainty_ppb <= kGoodPpb) return;
  }
}

// The kernel knows its rate to about 1e-7, far better than 10 ms can measure it. It is believed
// only where the measurement does not contradict it; the stated uncertainty stays the measured one.
void prefer_the_kernels_rate(ClockFile& file, double told) noexcept {
  const double measured = ns_per_tick(file);
  const double slack = measured * static_cast<double>(file.uncertainty_ppb) * 1e-9;
  if (told < measured - slack || told > measured + slack) return;
  file.mult = static_cast<std::uint64_t>(told * static_cast<double>(std::uint64_t{1} << kShift));
  file.rate_from = static_cast<std::uint32_t>(RateFrom::kernel);
}

void calibrate_ticks(ClockFile& file) noexcept {
  file.rate_from = static_cast<std::uint32_t>(RateFrom::measured);
  const Reading first = read_bracketed(ClockSource::tsc);
  // To ask the kernel may take 10 ms as well, and is done in the time we wait for anyway.
  const double told = kernel_ns_per_tick();
  measure_rate(file, first);
  prefer_the_kernels_rate(file, told);
}

// The smallest step between those differences of neighbouring ticks that occur often. The smallest
// difference itself would not do: some counters add a single tick to a repeated value just to keep
// it growing, while they move in steps of 10 ns.
std::uint64_t granularity_ticks(ClockSource source) noexcept {
  constexpr std::size_t kDifferencesMax = 2048;
  constexpr int kReadings = 4000;
  std::array<std::uint16_t, kDifferencesMax> times{};
  std::uint64_t last = read_ticks(source);
  for (int i = 0; i < kReadings; ++i) {
    const std::uint64_t now = read_ticks(source);
    if (now - last < kDifferencesMax) ++times[now - last];
    last = now;
  }
  std::uint64_t finest = 0;
  std::size_t previous = 0;
  for (std::size_t difference = 2; difference < kDifferencesMax; ++difference) {
    if (times[difference] < kReadings / 100) continue;
    const std::uint64_t step = difference - previous;
    finest = finest == 0 ? step : std::min(finest, step);
    previous = difference;
  }
  return std::max<std::uint64_t>(finest, 1);
}

std::uint64_t stamp_cost_ps(ClockSource source) noexcept {
  constexpr std::uint64_t kReads = 500;
  std::uint64_t least_ns = ~std::uint64_t{0};
  for (int batch = 0; batch < 5; ++batch) {
    const std::uint64_t begin = monotonic_ns();
    std::uint64_t sum = 0;
    for (std::uint64_t i = 0; i < kReads; ++i) {
      sum += source == ClockSource::tsc ? cpu::ticks() : monotonic_ns();
    }
    asm volatile("" : : "r"(sum));
    least_ns = std::min(least_ns, monotonic_ns() - begin);
  }
  return least_ns * 1000 / kReads;
}

}  // namespace

Reading read_bracketed(ClockSource source) noexcept {
  Reading best{0, 0, ~std::uint64_t{0}};
  for (int i = 0; i < kBrackets; ++i) {
    const std::uint64_t before = read_ticks(source);
    const std::uint64_t ns = monotonic_ns();
    const std::uint64_t after = read_ticks(source);
    const std::uint64_t half_width = (after - before + 1) / 2;
    if (half_width < best.half_width) best = {before + (after - before) / 2, ns, half_width};
  }
  return best;
}

ClockFile calibrate() noexcept {
  ClockFile file{};
  file.shift = kShift;
  const ClockSource source = tick_counter_is_sound() ? ClockSource::tsc : ClockSource::monotonic;
  file.source = static_cast<std::uint32_t>(source);
  if (source == ClockSource::tsc) {
    calibrate_ticks(file);
  } else {
    file.rate_from = static_cast<std::uint32_t>(RateFrom::exact);
    file.mult = std::uint64_t{1} << kShift;
    file.base_monotonic_ns = monotonic_ns();
    file.base_ticks = file.base_monotonic_ns;
  }
  file.base_wall_ns = wall_ns();
  file.base_boot_ns = boot_ns();
  file.granularity_ps = static_cast<std::uint64_t>(static_cast<double>(granularity_ticks(source)) *
                                                   ns_per_tick(file) * 1000);
  file.stamp_cost_ps = stamp_cost_ps(source);
  return file;
}

}  // namespace millrace::detail
