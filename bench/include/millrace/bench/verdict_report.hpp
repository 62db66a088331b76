// The rows of one report together: Holm over all of them, the worst of each model, and JSON.
//
// JSON: {"checks": [{name, placement, verdict, prediction, measurement, residual, low, high,
// accept_low, accept_high, smallest_defect, seconds_needed, restarts, why}, ...],
// "models": {"throughput": {"verdict", "rows", "worst"}, ...}, "verdict", "exit_code"}. `low` and
// `high` are the interval of the measurement, in its unit; what is infinite or unknown is null.
//
// Thread rules: none; pure functions over values.
#pragma once

#include "millrace/bench/verdict.hpp"

#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::bench {

inline constexpr std::array<const char*, 4> kModels = {"throughput", "latency", "availability",
                                                       "sharing"};

// The model that a check belongs to; empty for those of the profiler itself (observer, alibi).
[[nodiscard]] std::string_view model_of(std::string_view check) noexcept;

struct ModelVerdict {
  std::string model;
  Verdict verdict = Verdict::inconclusive;  // of the worst row; without rows nothing was shown
  std::size_t rows = 0;
  std::string worst;  // its name and placement; empty without rows
};

struct VerdictReport {
  std::vector<CheckResult> checks;
  std::vector<ModelVerdict> models;  // one for each of kModels
  // The worst of all checks, those of the profiler included. A model of which nothing was measured
  // does not spoil it; a report without any check is INCONCLUSIVE.
  Verdict verdict = Verdict::inconclusive;
};

// Applies Holm: give it all rows of a report, once.
[[nodiscard]] VerdictReport make_verdict_report(std::vector<CheckResult> rows);

[[nodiscard]] std::string verdict_json(const VerdictReport& report);

}  // namespace millrace::bench
