// Two reports beside each other: is B slower than A? Restarts are paired by number (the same seed,
// so the same arrivals), the statistic is ln(B / A), its interval Student's over restarts.
//
// Beside it stands the null: the control rows of both, bare words under the same load. That is the
// same code in A and in B; where its ratio is not 1, the machine has changed, and no other row
// means anything.
//
// Thread rules: none; pure functions.
#pragma once

#include "millrace/bench/slice_statistics.hpp"
#include "millrace/core/result.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace millrace::bench {

enum class Difference : std::uint8_t {
  none,     // the interval lies within 10 % of 1
  faster,   // wholly below 1
  slower,   // wholly above 1
  unclear,  // it is too wide
  void_,    // the null is not 1
};

[[nodiscard]] const char* to_string(Difference difference) noexcept;

struct ComparedFigure {
  std::string name;  // "p50", "p99", "mean": latency from the intended moment
  double a_ns = 0;   // median over restarts
  double b_ns = 0;
  Estimate ratio;  // B / A
  Estimate null;   // the same of the control
  Difference difference = Difference::unclear;
};

struct Comparison {
  std::vector<ComparedFigure> figures;
  std::vector<std::string> unlike;  // what differs in how the two were measured, in sentences
};

// Errors: format (no report), bad_argument (fewer than three restarts in common, or another load).
[[nodiscard]] Result<Comparison> compare_profiles(std::string_view a, std::string_view b);

[[nodiscard]] std::string compare_text(const Comparison& comparison);
[[nodiscard]] std::string compare_json(const Comparison& comparison);

// 0 nothing is slower, 1 something is, 3 it cannot be told.
[[nodiscard]] int exit_code(const Comparison& comparison) noexcept;

}  // namespace millrace::bench
