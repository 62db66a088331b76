#include "millrace/bench/harness_checks.hpp"

#include "millrace/bench/student.hpp"

#include <algorithm>
#include <cmath>

namespace millrace::bench {

namespace {

constexpr double kNormal = 2.3263;      // 1 % of a normal variable lie above
constexpr double kSeenNormal = 1.6449;  // 5 %
constexpr unsigned kSeed = 1;
constexpr double kGapsByChance = 6;  // 1.25 times what none in as long a time leaves possible

std::vector<double> observer_ratios(const std::vector<ObserverEvidence>& restarts) {
  std::vector<double> ratios;
  for (const ObserverEvidence& one : restarts)
    ratios.push_back(one.sampled_ns / one.off_ns);
  return ratios;
}

// More instructions than a compare takes.
bool too_many(CheckResult& result, const PathInstructions& counted) {
  const double publish = counted.publish_sampled - counted.publish_off;
  const double poll = counted.poll_sampled - counted.poll_off;
  if (std::max(publish, poll) <= kObserverInstructions) return false;
  const bool at_publish = publish >= poll;
  result.exact = true;
  result.prediction = at_publish ? counted.publish_off : counted.poll_off;
  result.measurement = at_publish ? counted.publish_sampled : counted.poll_sampled;
  result.residual = result.measurement / result.prediction - 1;
  result.low = result.high = result.measurement;
  result.accept_low = 0;
  result.accept_high = result.prediction + kObserverInstructions;
  result.smallest_defect = 1 / result.prediction;
  conclude(result, Verdict::fail,
           std::string("more than 3 instructions a ") + (at_publish ? "publish" : "poll"));
  return true;
}

// Share of the reader's time in gaps of its own: what slices with its faults have more than bare.
double own_share(const std::vector<AlibiBlock>& blocks) noexcept {
  double own_ns = 0;
  double all_ns = 0;
  for (const AlibiBlock& block : blocks) {
    all_ns += block.load_seconds * 1e9;
    if (!block.own) continue;
    own_ns += block.load_gap_ns - block.bare_gap_ns * block.load_seconds / block.bare_seconds;
  }
  return all_ns > 0 ? own_ns / all_ns : 0;
}

// Rate of gaps under load over the rate in bare slices, with its interval.
void state_rates(CheckResult& result, const std::vector<AlibiBlock>& blocks) {
  std::vector<double> load;
  std::vector<double> bare;
  double load_sum = 0;
  for (const AlibiBlock& block : blocks) {
    load.push_back(block.load_gaps / block.load_seconds);
    bare.push_back(block.bare_gaps / block.bare_seconds);
    load_sum += load.back();
    result.prediction += bare.back() / double(blocks.size());
  }
  result.measurement = load_sum / double(blocks.size());
  const Interval ratio = block_bootstrap_ratio(load, bare, kSide, kSeed);
  result.residual = result.prediction > 0 ? result.measurement / result.prediction - 1 : 0;
  result.low = result.prediction * ratio.low;
  result.high = result.prediction * ratio.high;
  result.accept_high = result.prediction * kAlibiRatio;
  result.standard_error = ratio.low > 0 ? std::log(ratio.high / ratio.low) / (2 * kNormal) : 0;
  result.smallest_defect =
      kAlibiRatio * std::exp((kNormal + kSeenNormal) * result.standard_error) - 1;
  result.exact = false;
  result.restarts = blocks.size();
  if (result.standard_error > 0) {
    result.chance = student_beyond(
        std::log((1 + result.residual) / kAlibiRatio) / result.standard_error, blocks.size() - 1);
  }
}

double seconds_of(const std::vector<AlibiBlock>& blocks) noexcept {
  double seconds = 0;
  for (const AlibiBlock& block : blocks)
    seconds += block.load_seconds + block.bare_seconds;
  return seconds;
}

CheckResult compare_gaps(const Circumstances& circumstances,
                         const std::vector<AlibiBlock>& blocks) {
  CheckResult result = exact_result("alibi", circumstances, 0, 0);
  if (result.verdict == Verdict::invalid) return result;
  if (blocks.size() < kAlibiBlocks) {
    conclude(result, Verdict::inconclusive,
             std::to_string(blocks.size()) + " slices; it takes " + std::to_string(kAlibiBlocks));
    return result;
  }
  const double own = own_share(blocks);
  if (own > kOwnTime) {
    result.accept_high = result.smallest_defect = kOwnTime;
    result.measurement = result.low = result.high = own;
    conclude(result, Verdict::fail, "the reader itself faulted or slept: its gaps are its own");
    return result;
  }
  state_rates(result, blocks);
  if (result.prediction <= 0) {  // no rate to compare with
    double gaps = 0;
    for (const AlibiBlock& block : blocks)
      gaps += block.load_gaps;
    const bool few = gaps <= kGapsByChance;
    conclude(result, few ? Verdict::pass : Verdict::fail,
             few ? "" : "the reader has gaps, and the bare spin beside it has none");
    result.exact = true;
    result.low = result.high = result.measurement;
    return result;
  }
  if (result.low > result.accept_high) {
    conclude(result, Verdict::fail, "the reader has more gaps than the bare spin beside it");
  } else if (result.high > result.accept_high) {
    conclude(result, Verdict::inconclusive, "the interval holds the limit of 1.25");
    const double room = std::abs(std::log(kAlibiRatio / (1 + result.residual)));
    result.seconds_needed =
        seconds_of(blocks) * std::pow(kNormal * result.standard_error / room, 2);
  } else {
    result.verdict = Verdict::pass;
  }
  return result;
}

}  // namespace

CheckResult check_observer(const Circumstances& circumstances,
                           const std::optional<PathInstructions>& instructions,
                           const std::vector<ObserverEvidence>& restarts,
                           const std::vector<ObserverEvidence>& control) {
  double off_ns = 0;
  std::size_t slices = 0;
  for (const ObserverEvidence& one : restarts) {
    off_ns += one.off_ns / double(restarts.size());
    slices += one.slices;
  }
  const double share = off_ns > 0 ? std::max(kObserverShare, kObserverNs / off_ns) : kObserverShare;
  CheckResult result = judge_ratio(
      "observer", circumstances, off_ns, {.low = 0, .high = 1 + share},
      {.ratios = observer_ratios(restarts), .control = observer_ratios(control), .slices = slices});
  if (result.verdict == Verdict::invalid) return result;
  if (instructions && too_many(result, *instructions)) return result;
  if (!instructions && result.verdict == Verdict::pass) {
    conclude(result, Verdict::inconclusive, "the instructions were not counted");
  }
  return result;
}

CheckResult check_alibi(const Circumstances& circumstances, const std::vector<AlibiBlock>& blocks,
                        const std::vector<AlibiBlock>& control) {
  CheckResult result = compare_gaps(circumstances, blocks);
  if (result.verdict == Verdict::invalid || control.size() < kAlibiBlocks) return result;
  if (compare_gaps(circumstances, control).verdict == Verdict::fail) {
    conclude(result, Verdict::invalid, "the control row: bare slices have no alibi themselves");
  }
  return result;
}

}  // namespace millrace::bench
