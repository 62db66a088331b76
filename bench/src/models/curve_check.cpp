#include "millrace/bench/curve_check.hpp"

#include "millrace/bench/queueing.hpp"
#include "millrace/bench/slice_statistics.hpp"
#include "millrace/bench/student.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <random>

namespace millrace::bench {

namespace {

constexpr std::size_t kIdleMin = 3;     // messages that tell a hand-over
constexpr std::size_t kWindowMin = 10;  // judged messages of a window that counts
constexpr std::size_t kFarMessages = 100'000;
constexpr Limits kMeanLimits{0.90, 1.10};
constexpr Limits kMiddleLimits{0.85, 1.15};
constexpr Limits kP99Limits{1 / 1.5, 1.5};
constexpr Limits kP999Limits{1 / 2.0, 2};

bool judged(std::size_t at) noexcept {
  return at / kJudgedBlock % 2 == 1;
}

double mean_of(const std::vector<double>& values) noexcept {
  double sum = 0;
  for (const double value : values)
    sum += value;
  return values.empty() ? 0 : sum / double(values.size());
}

bool away_between(const std::vector<Vacation>& vacations, double from_ns, double to_ns) noexcept {
  const auto later = std::partition_point(
      vacations.begin(), vacations.end(),
      [from_ns](const Vacation& vacation) { return vacation.end_ns < from_ns; });
  return later != vacations.end() && later->begin_ns <= to_ns;
}

// One hand-over a message: of its 5 ms, from messages that are not judged.
std::vector<double> hand_overs(const CurveSlice& slice, const CurveCalibration& calibration) {
  const double service = median(calibration.service_ns);
  const auto bucket = [&](std::size_t at) {
    return static_cast<std::int64_t>(std::floor(slice.published_ns[at] / kHandOverNs));
  };
  std::map<std::int64_t, std::vector<double>> idle;
  for (std::size_t at = 1; at < slice.published_ns.size(); ++at) {
    const double published = slice.published_ns[at];
    const double processed = slice.processed_ns[at];
    if (judged(at) || processed <= 0 || slice.processed_ns[at - 1] <= 0) continue;
    if (slice.processed_ns[at - 1] > published) continue;
    if (away_between(slice.vacations, published, processed)) continue;
    idle[bucket(at)].push_back(processed - published - service);
  }
  std::map<std::int64_t, double> found;
  for (const auto& [when, values] : idle) {
    if (values.size() < kIdleMin) continue;
    found[when] = std::clamp(median(values), calibration.hand_over_ns / kPlacementGap,
                             calibration.hand_over_ns * kPlacementGap);
  }
  std::vector<double> all(slice.published_ns.size());
  for (std::size_t at = 0; at < all.size(); ++at) {
    const auto known = found.find(bucket(at));
    all[at] = known == found.end() ? calibration.hand_over_ns : known->second;
  }
  return all;
}

// As many as there are messages: the one value, or samples drawn evenly.
std::vector<double> services(const CurveCalibration& calibration, std::size_t count,
                             std::mt19937_64& random) {
  const std::vector<double>& from = calibration.service_ns;
  std::vector<double> drawn(count, from.front());
  if (from.size() == 1) return drawn;
  std::uniform_int_distribution<std::size_t> draw(0, from.size() - 1);
  for (double& one : drawn)
    one = from[draw(random)];
  return drawn;
}

// Sums over the judged messages of a window, and the messages themselves.
struct Window {
  double predicted = 0;
  double quiet = 0;  // predicted, had the host not interfered
  double measured = 0;
  std::vector<double> predicted_ns;
  std::vector<double> measured_ns;
};

std::map<std::int64_t, Window> windows_of(const CurveSlice& slice,
                                          const CurveCalibration& calibration,
                                          std::mt19937_64& random) {
  const auto service = services(calibration, slice.published_ns.size(), random);
  const auto hand_over = hand_overs(slice, calibration);
  ReplayInput input{slice.published_ns, service, hand_over, slice.vacations, calibration.handling};
  const auto predicted = replay(input);
  input.vacations = {};
  const auto quiet = replay(input);
  std::map<std::int64_t, Window> windows;
  for (std::size_t at = 0; at < predicted.size(); ++at) {
    if (!judged(at) || slice.processed_ns[at] <= 0) continue;
    const double published = slice.published_ns[at];
    Window& window = windows[static_cast<std::int64_t>(std::floor(published / kWindowNs))];
    window.predicted += predicted[at] - published;
    window.quiet += quiet[at] - published;
    window.measured += slice.processed_ns[at] - published;
    window.predicted_ns.push_back(predicted[at] - published);
    window.measured_ns.push_back(slice.processed_ns[at] - published);
  }
  return windows;
}

double quantile_ratio(const std::vector<double>& measured, const std::vector<double>& predicted,
                      double p) noexcept {
  return quantile_of_sorted(measured, p) / quantile_of_sorted(predicted, p);
}

bool enough_windows(const CurveEvidence& evidence, std::vector<CurveStatistics>& statistics) {
  std::size_t windows = 0;
  std::size_t quiet = 0;
  for (const CurveRestart& restart : evidence.restarts) {
    statistics.push_back(curve_statistics(restart, evidence.calibration));
    windows += statistics.back().windows;
    quiet += statistics.back().judged_windows;
    if (statistics.back().judged_windows == 0) statistics.pop_back();
  }
  return windows > 0 && double(quiet) >= kJudgedWindows * double(windows);
}

// Why this load and service time are shown and not judged; empty: they are judged.
std::string not_testable(const CurveEvidence& evidence) {
  if (evidence.calibration.service_ns.empty()) return "no drain was calibrated in this placement";
  const double service = mean_of(evidence.calibration.service_ns);
  const double load = evidence.rate * service * 1e-9;
  if (evidence.rate > kSingleRate) return "above 2.5 M/s the stamps are part of the load";
  if (!testable(service, evidence.calibration.hand_over_ns, load))
    return "the service is too short beside the hand-over at this load";
  return "";
}

Part part_of(const char* name, double prediction, Limits limits, std::size_t slices) {
  return {.name = name,
          .prediction = prediction,
          .limits = limits,
          .replicates = {.ratios = {}, .control = {}, .slices = slices}};
}

std::vector<Part> curve_parts(const CurveEvidence& evidence,
                              const std::vector<CurveStatistics>& statistics) {
  std::size_t slices = 0;
  bool far = !statistics.empty();
  for (const CurveStatistics& one : statistics) {
    slices += one.judged_windows;
    far = far && one.p999 > 0;
  }
  const auto over_restarts = [&](double CurveStatistics::*value) {
    double sum = 0;
    for (const CurveStatistics& one : statistics)
      sum += one.*value;
    return statistics.empty() ? 0 : sum / double(statistics.size());
  };
  using Of = CurveStatistics;
  std::vector<Part> parts = {
      part_of("mean", over_restarts(&Of::predicted_mean_ns), kMeanLimits, slices),
      part_of("p50", over_restarts(&Of::predicted_p50_ns), kMiddleLimits, slices),
      part_of("p90", over_restarts(&Of::predicted_p90_ns), kMiddleLimits, slices),
      part_of("p99", over_restarts(&Of::predicted_p99_ns), kP99Limits, slices)};
  if (far) {
    parts.push_back(part_of("p99.9", over_restarts(&Of::predicted_p999_ns), kP999Limits, slices));
  }
  const auto add = [&](const CurveStatistics& one, std::vector<double> Replicates::*to) {
    const double values[] = {one.mean, one.p50, one.p90, one.p99, one.p999};
    for (std::size_t at = 0; at < parts.size(); ++at)
      (parts[at].replicates.*to).push_back(values[at]);
  };
  for (const CurveStatistics& one : statistics)
    add(one, &Replicates::ratios);
  for (const CurveRestart& restart : evidence.control) {
    const CurveStatistics one = curve_statistics(restart, evidence.control_calibration);
    if (one.judged_windows > 0) add(one, &Replicates::control);
  }
  return parts;
}

}  // namespace

CurveStatistics curve_statistics(const CurveRestart& restart, const CurveCalibration& calibration) {
  CurveStatistics result;
  if (calibration.service_ns.empty()) return result;
  std::mt19937_64 random(1);  // of services only: the same evidence gives the same report
  std::vector<double> ratios;
  std::vector<double> measured;
  std::vector<double> predicted;
  for (const CurveSlice& slice : restart.slices) {
    for (auto& [when, window] : windows_of(slice, calibration, random)) {
      if (window.measured_ns.size() < kWindowMin) continue;
      ++result.windows;
      if (window.quiet < kQuietShare * window.predicted) continue;
      ++result.judged_windows;
      ratios.push_back(window.measured / window.predicted);
      measured.insert(measured.end(), window.measured_ns.begin(), window.measured_ns.end());
      predicted.insert(predicted.end(), window.predicted_ns.begin(), window.predicted_ns.end());
    }
  }
  if (ratios.empty()) return result;
  result.mean = median(ratios);
  result.predicted_mean_ns = mean_of(predicted);
  std::sort(measured.begin(), measured.end());
  std::sort(predicted.begin(), predicted.end());
  result.predicted_p50_ns = quantile_of_sorted(predicted, 0.5);
  result.predicted_p90_ns = quantile_of_sorted(predicted, 0.9);
  result.predicted_p99_ns = quantile_of_sorted(predicted, 0.99);
  result.predicted_p999_ns = quantile_of_sorted(predicted, 0.999);
  result.p50 = quantile_ratio(measured, predicted, 0.5);
  result.p90 = quantile_ratio(measured, predicted, 0.9);
  result.p99 = quantile_ratio(measured, predicted, 0.99);
  if (measured.size() >= kFarMessages) result.p999 = quantile_ratio(measured, predicted, 0.999);
  return result;
}

CheckResult check_curve(const Circumstances& circumstances, const CurveEvidence& evidence) {
  std::vector<CurveStatistics> statistics;
  const bool enough = enough_windows(evidence, statistics);
  CheckResult result = judge_parts(evidence.name, circumstances, curve_parts(evidence, statistics));
  if (result.verdict == Verdict::invalid) return result;
  const std::string reason = not_testable(evidence);
  if (!reason.empty()) {
    conclude(result, Verdict::inconclusive, reason + ": shown, not judged");
  } else if (!enough) {
    conclude(result, Verdict::inconclusive,
             "in more than 80 % of the windows the host makes the wait");
  }
  return result;
}

void excuse(std::span<Vacation> vacations, std::span<const ReaderAccount> accounts) {
  std::size_t at = 0;
  for (Vacation& vacation : vacations) {
    while (at < accounts.size() && accounts[at].end_ns <= vacation.begin_ns)
      ++at;
    for (std::size_t over = at; over < accounts.size() && accounts[over].begin_ns < vacation.end_ns;
         ++over) {
      if (accounts[over].faults > 0 || accounts[over].voluntary > 0) vacation.excused = false;
    }
  }
}

}  // namespace millrace::bench
