// From restarts to a verdict. A check compares one number, measurement / prediction, with limits:
//
//   PASS           its interval lies within the limits
//   FAIL           its interval lies wholly outside, and that of the control row within
//   INCONCLUSIVE   neither, or too little was measured; says the smallest defect that would have
//                  been seen, and how many seconds it would take
//   INVALID        something that must hold did not; named
//
// The unit of replication is the restart: new processes, new mappings; one number each, the median
// over its slices. The interval is Student's, 1 % on either side. One placement of the two
// processors is one row; rows are never averaged.
//
// Multiplicity. A report has many rows, and each may FAIL by chance. So FAIL is corrected by Holm's
// method over the rows of the report: of systems that stand exactly at their limits at most 1 % get
// a report with a FAIL. PASS needs no correction: a report passes only if *every* row does, which
// is no likelier than any one of them (an intersection-union test).
//
// Source: anchors, "profiler", section 2. Thread rules: none; values only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::bench {

// From the best to the worst: the worst of several is their maximum.
enum class Verdict : std::uint8_t { pass, inconclusive, invalid, fail };

[[nodiscard]] const char* to_string(Verdict verdict) noexcept;

[[nodiscard]] constexpr Verdict worst(Verdict one, Verdict other) noexcept {
  return one < other ? other : one;
}

// Of a command that judges: 0 PASS, 1 FAIL, 3 INCONCLUSIVE or INVALID. (2 is bad usage.)
[[nodiscard]] int exit_code(Verdict verdict) noexcept;

inline constexpr double kSide = 0.01;        // of an interval, and of all FAILs of a report
inline constexpr double kQuickLimit = 0.10;  // quick mode can PASS only limits as wide as this
inline constexpr std::size_t kQuickRestarts = 3;

// Of measurement / prediction. A side that does not matter is 0 or infinite.
struct Limits {
  double low = 0;
  double high = std::numeric_limits<double>::infinity();
};

// What one statistic of a check was in each restart that saw the placement.
struct Replicates {
  std::vector<double> ratios = {};   // measurement / prediction, > 0
  std::vector<double> control = {};  // the same of the control row: same code against itself
  std::size_t slices = 0;            // kept slices over all restarts
};

// What holds for all checks of one placement.
struct Circumstances {
  std::string placement = "all";  // by its bare round trip: "120 ns"; "all" where none matters
  bool quick = false;             // 3 restarts do, for wide limits
  double restart_seconds = 0;     // what one more restart costs
  std::vector<std::string> broken = {};  // preconditions that do not hold, named: INVALID
};

struct CheckResult {
  std::string name;  // "throughput.count"
  std::string placement;
  double prediction = 0;  // in the unit of the measurement
  double measurement = 0;
  double residual = 0;  // measurement / prediction - 1
  double low = 0;       // interval of the measurement
  double high = 0;
  double accept_low = 0;  // PASS needs the interval within these
  double accept_high = 0;
  double smallest_defect = 0;  // relative; seen in 19 of 20 reports; infinite: none would be
  double seconds_needed = 0;   // of measuring, until the interval is narrow enough; 0: it is
  Verdict verdict = Verdict::inconclusive;
  std::string why;  // a sentence, unless it passed

  // For Holm: how far the statistic lies outside. Exact checks take no part in it.
  bool exact = true;
  double chance = 1;          // of a statistic as far outside if the truth is at the limit
  double standard_error = 0;  // of the logarithm of measurement / prediction
  std::size_t restarts = 0;
  std::size_t parts = 1;  // statistics of which this is the worst
};

// One statistic of a check that has several (percentiles, sizes): its worst part is its verdict.
struct Part {
  std::string name = {};  // goes into `why`; empty for the only one
  double prediction = 0;  // typical, for the report; the ratios are what is judged
  Limits limits = {};
  Replicates replicates = {};
};

// REQUIRES at least one part. Several parts share the chance of a false FAIL (Bonferroni).
[[nodiscard]] CheckResult judge_parts(std::string_view name, const Circumstances& circumstances,
                                      std::span<const Part> parts);

[[nodiscard]] CheckResult judge_ratio(std::string_view name, const Circumstances& circumstances,
                                      double prediction, Limits limits,
                                      const Replicates& replicates);

// A result that no interval is needed for: INVALID for the first broken precondition, if any.
[[nodiscard]] CheckResult exact_result(std::string_view name, const Circumstances& circumstances,
                                       double prediction, double measurement);

// The verdict that was not reached by measuring.
void conclude(CheckResult& result, Verdict verdict, std::string why);

// Holm over the rows of one report: a FAIL that is not significant among that many becomes
// INCONCLUSIVE. Restates the smallest defect for that many rows. Call once, when all are there.
void apply_holm(std::span<CheckResult> rows);

[[nodiscard]] Verdict worst_of(std::span<const CheckResult> rows) noexcept;

}  // namespace millrace::bench
