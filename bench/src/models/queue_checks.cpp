#include "millrace/bench/queue_checks.hpp"

#include "millrace/bench/slice_statistics.hpp"

#include <algorithm>

namespace millrace::bench {

namespace {

constexpr Limits kLittleLimits{0.97, 1.03};
constexpr Limits kWakeLimits{0.8, 1.25};

double predicted_number(const LittleEvidence& one) noexcept {
  return one.arrivals.per_second() * one.stay_ns * 1e-9;
}

std::vector<double> little_ratios(const std::vector<LittleEvidence>& restarts) {
  std::vector<double> ratios;
  for (const LittleEvidence& one : restarts)
    ratios.push_back(one.seen_mean / predicted_number(one));
  return ratios;
}

// What is wrong with the instruments; empty: nothing.
std::string wrong_instrument(const std::vector<LittleEvidence>& restarts) {
  for (const LittleEvidence& one : restarts) {
    if (!one.poisson) return "arrivals are not Poisson: they do not see the average";
    if (one.arrivals.counted_by != Instrument::publisher_counter)
      return "lambda is what was offered, not what was counted";
    if (one.stay_by != Instrument::reader_stamps) return "W and lambda from one instrument";
  }
  return "";
}

std::vector<double> wake_ratios(const std::vector<WakeEvidence>& restarts) {
  std::vector<double> ratios;
  for (const WakeEvidence& one : restarts) {
    const double bare = median(one.bare_wakes_ns);
    ratios.push_back(bare > 0 ? median(one.sleepers_ns) / bare : 0);
  }
  return ratios;
}

}  // namespace

CheckResult check_little(const Circumstances& circumstances,
                         const std::vector<LittleEvidence>& restarts,
                         const std::vector<LittleEvidence>& control) {
  double predicted = 0;
  double messages = 0;
  std::size_t slices = 0;
  for (const LittleEvidence& one : restarts) {
    predicted += predicted_number(one) / double(restarts.size());
    messages += one.arrivals.count;
    slices += one.slices;
  }
  CheckResult result = judge_ratio(
      "little", circumstances, predicted, kLittleLimits,
      {.ratios = little_ratios(restarts), .control = little_ratios(control), .slices = slices});
  const std::string wrong = wrong_instrument(restarts);
  if (!wrong.empty() && circumstances.broken.empty()) {
    conclude(result, Verdict::invalid, wrong);
  } else if (result.verdict == Verdict::pass && messages < kLittleMessages) {
    conclude(result, Verdict::inconclusive, "fewer than a million messages were counted");
    result.seconds_needed = circumstances.restart_seconds * double(restarts.size()) *
                            kLittleMessages / std::max(messages, 1.0);
  }
  return result;
}

CheckResult check_wake(const Circumstances& circumstances,
                       const std::vector<WakeEvidence>& restarts,
                       const std::vector<WakeEvidence>& control) {
  double predicted = 0;
  std::uint64_t late_parks = 0;
  std::size_t slices = 0;
  for (const WakeEvidence& one : restarts) {
    predicted += median(one.bare_wakes_ns) / double(restarts.size());
    late_parks += one.late_parks;
    slices += one.slices;
  }
  CheckResult result = judge_ratio(
      "wake", circumstances, predicted, kWakeLimits,
      {.ratios = wake_ratios(restarts), .control = wake_ratios(control), .slices = slices});
  if (late_parks > 0 && result.verdict != Verdict::invalid) {
    result.exact = true;
    conclude(result, Verdict::fail,
             std::to_string(late_parks) + " parks ended by their bound: a wake is missing");
  }
  return result;
}

}  // namespace millrace::bench
