// The line that stands on every report beside its times: what they were measured with, and which of
// them the clock can carry. Two rules follow from it:
//
//   a stage below ten steps of the clock is a mean only: its percentiles are those of the steps;
//   a one-way time below four half-widths of the offset is not resolved.
//
// Source: anchors/profiler.md section 5.
#pragma once

#include "millrace/core/clock.hpp"
#include "millrace/core/clock_offset.hpp"

#include <optional>
#include <string>

namespace millrace {

struct ClockLine {
  ClockReport clock;
  std::optional<OffsetTrack> offset;  // nothing: not measured
};

// How much of a time may be shown.
enum class Resolved : std::uint8_t {
  fully,         // with its percentiles
  mean_only,     // too short for single ones
  not_resolved,  // the two clocks may be further apart than that
  unknown,       // it is a one-way time, and the offset was not measured
};

[[nodiscard]] const char* to_string(Resolved resolved) noexcept;

inline constexpr double kGranulesOfAStage = 10;
inline constexpr double kHalfWidthsOfAOneWayTime = 4;

// A time between two readings on one processor.
[[nodiscard]] Resolved resolve_stage(double mean_ns, const ClockLine& line) noexcept;

// A time between readings on two.
[[nodiscard]] Resolved resolve_one_way(double mean_ns, const ClockLine& line) noexcept;

// True: the clock itself makes what was measured with it void. `why` says how.
[[nodiscard]] bool invalid(const ClockLine& line, std::string* why = nullptr);

// "clock: tsc, steps of 10 ns, 9.1 ns a stamp, offset -35 to +20 ns (half-width 28 ns, 40 slices)".
[[nodiscard]] std::string to_text(const ClockLine& line);

}  // namespace millrace
