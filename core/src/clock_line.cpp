#include "millrace/core/clock_line.hpp"

#include <array>
#include <cinttypes>
#include <cstdio>

namespace millrace {

namespace {

std::string offset_text(const ClockLine& line) {
  if (!line.offset || line.offset->slices() == 0) return "offset not measured";
  const OffsetInterval& interval = line.offset->interval();
  std::array<char, 160> text{};
  std::snprintf(text.data(), text.size(),
                "offset %+.0f to %+.0f ns (half-width %.0f ns, %" PRIu64 " slices, %" PRIu64
                " changes)",
                interval.low_ns, interval.high_ns, interval.half_width_ns(), line.offset->slices(),
                line.offset->changes());
  return text.data();
}

}  // namespace

const char* to_string(Resolved resolved) noexcept {
  switch (resolved) {
    case Resolved::fully: return "fully";
    case Resolved::mean_only: return "mean only";
    case Resolved::not_resolved: return "not resolved";
    case Resolved::unknown: return "offset unknown";
  }
  return "unknown";
}

Resolved resolve_stage(double mean_ns, const ClockLine& line) noexcept {
  const bool short_one = mean_ns < kGranulesOfAStage * line.clock.granularity_ns;
  return short_one ? Resolved::mean_only : Resolved::fully;
}

Resolved resolve_one_way(double mean_ns, const ClockLine& line) noexcept {
  if (!line.offset || line.offset->slices() == 0) return Resolved::unknown;
  const double least = kHalfWidthsOfAOneWayTime * line.offset->interval().half_width_ns();
  if (mean_ns < least || line.offset->changes() != 0) return Resolved::not_resolved;
  return resolve_stage(mean_ns, line);
}

bool invalid(const ClockLine& line, std::string* why) {
  const char* what = nullptr;
  if (!line.clock.sound) what = "the kernel no longer keeps time by it";
  if (!line.clock.within_bounds) what = "it has moved against CLOCK_MONOTONIC";
  if (line.offset && line.offset->changes() != 0) {
    what = "the counters of two processors moved against each other";
  }
  if (what != nullptr && why != nullptr) *why = what;
  return what != nullptr;
}

std::string to_text(const ClockLine& line) {
  std::array<char, 160> text{};
  std::snprintf(text.data(), text.size(), "clock: %s, steps of %.3g ns, %.3g ns a stamp, ",
                line.clock.source == ClockSource::tsc ? "tsc" : "monotonic",
                line.clock.granularity_ns, line.clock.stamp_cost_ns);
  std::string why;
  std::string all = text.data() + offset_text(line);
  if (invalid(line, &why)) all += "; INVALID: " + why;
  return all;
}

}  // namespace millrace
