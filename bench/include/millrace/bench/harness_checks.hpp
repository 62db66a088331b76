// Checks of the profiler itself: what it costs, and whether it forgives what it should not.
//
//   observer   model: stamping costs nothing. Exact by instructions, by time as far as time can say
//   alibi      instrument: the reader's gaps under load have the rate of the bare spin's beside it.
//              What is more is the reader's own, and no excuse for its latency
//
// Source: anchors, "profiler", findings 6 and 13, section 3. Thread rules: none; values only.
#pragma once

#include "millrace/bench/verdict.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace millrace::bench {

// Instructions of one publish and one poll of a message that is not sampled (callgrind, exact).
struct PathInstructions {
  double publish_off = 0;
  double publish_sampled = 0;
  double poll_off = 0;
  double poll_sampled = 0;
};

// One restart, of quads off / sampled / sampled / off in random order.
struct ObserverEvidence {
  double off_ns = 0;      // a message, median of the slices without stamps
  double sampled_ns = 0;  // exp of the median log ratio of the quads, times off_ns
  std::size_t slices = 0;
};

inline constexpr double kObserverInstructions = 3;
inline constexpr double kObserverShare = 0.01;
inline constexpr double kObserverNs = 0.2;  // the larger of the two is the limit

// `control`: off against off. Without instructions the check is INCONCLUSIVE at best: time alone
// does not see a single instruction.
[[nodiscard]] CheckResult check_observer(const Circumstances& circumstances,
                                         const std::optional<PathInstructions>& instructions,
                                         const std::vector<ObserverEvidence>& restarts,
                                         const std::vector<ObserverEvidence>& control);

// A slice of load, and the bare slices beside it, by the gap meter of the reader's loop in both.
// Both lasted: seconds > 0.
struct AlibiBlock {
  double load_seconds = 0;
  double load_gaps = 0;    // above the meter's threshold
  double load_gap_ns = 0;  // in all
  bool own = false;        // the reader faulted or slept meanwhile, by the kernel's counters
  double bare_seconds = 0;
  double bare_gaps = 0;
  double bare_gap_ns = 0;
};

inline constexpr double kAlibiRatio = 1.25;  // gaps a second under load, to bare
inline constexpr double kOwnTime = 0.001;    // of the reader's time, in slices of its own faults
inline constexpr std::size_t kAlibiBlocks = 20;

// `control`: bare slices in the place of those under load.
[[nodiscard]] CheckResult check_alibi(const Circumstances& circumstances,
                                      const std::vector<AlibiBlock>& blocks,
                                      const std::vector<AlibiBlock>& control);

}  // namespace millrace::bench
