#include "millrace/bench/availability_check.hpp"

#include "millrace/bench/queueing.hpp"
#include "millrace/bench/slice_statistics.hpp"

#include <algorithm>
#include <cmath>

namespace millrace::bench {

namespace {

constexpr Limits kOutageLimits{0.8, 1.25};
constexpr double kSecondNs = 1e9;
constexpr double kNormal = 2.3263;  // 1 % of a normal variable lie above

// The chance that the median of this many values has at least `beyond` of them on its far side.
double sign_chance(std::size_t beyond, std::size_t count) noexcept {
  double chance = 0;
  const auto n = static_cast<double>(count);
  for (std::size_t at = beyond; at <= count; ++at) {
    const auto k = static_cast<double>(at);
    chance += std::exp(std::lgamma(n + 1) - std::lgamma(k + 1) - std::lgamma(n - k + 1) -
                       n * std::log(2.0));
  }
  return std::min(chance, 1.0);
}

std::size_t count_above(const std::vector<double>& values, double border) noexcept {
  return static_cast<std::size_t>(
      std::count_if(values.begin(), values.end(), [border](double one) { return one > border; }));
}

// Lost, repeated or out of order: exact, whatever the times were.
bool order_broken(CheckResult& result, const std::vector<Kill>& kills) {
  std::uint64_t wrong = 0;
  for (const Kill& kill : kills)
    wrong += kill.lost + kill.duplicated + kill.reordered;
  if (wrong == 0) return false;
  result.exact = true;
  result.prediction = result.accept_low = result.accept_high = 0;
  result.measurement = result.low = result.high = double(wrong);
  result.residual = 0;
  result.smallest_defect = 1 / double(kills.size());
  conclude(result, Verdict::fail,
           std::to_string(wrong) + " messages were lost, repeated or out of order");
  return true;
}

void state_interval(CheckResult& result, const std::vector<double>& ratios) {
  const Interval interval = quantile_interval(ratios, 0.5, kSide);
  const double middle = median(ratios);
  result.exact = false;
  result.restarts = ratios.size();
  result.residual = middle - 1;
  result.measurement = result.prediction * middle;
  result.low = result.prediction * interval.low;
  result.high = result.prediction * interval.high;
  result.accept_low = result.prediction * kOutageLimits.low;
  result.accept_high = result.prediction * kOutageLimits.high;
  const std::size_t above = count_above(ratios, kOutageLimits.high);
  const std::size_t below = ratios.size() - count_above(ratios, kOutageLimits.low);
  result.chance =
      std::min({1.0, sign_chance(above, ratios.size()), sign_chance(below, ratios.size())});
  // As if the median were normal: good enough to say what would have been seen.
  result.standard_error = std::log(interval.high / interval.low) / (2 * kNormal);
  result.smallest_defect = kOutageLimits.high * std::exp(2 * kNormal * result.standard_error) - 1;
}

}  // namespace

double down_bound_ns(double control_gap_p9999_ns) noexcept {
  return std::max(kDownFloorNs, 3 * control_gap_p9999_ns);
}

double Availability::share() const noexcept {
  const double all = up_ns + down_ns;
  return all > 0 ? up_ns / all : 1;
}

Availability availability_of(std::span<const Eligible> owed, double bound_ns, double until_ns) {
  Availability result;
  double settled_ns = owed.empty() ? until_ns : owed.front().since_ns;  // all before is delivered
  for (const Eligible& one : owed) {
    const double end = std::min(one.delivered_ns, until_ns);
    const double oldest_from = std::max(one.since_ns, settled_ns);
    if (end <= oldest_from) continue;
    const double down_from = std::clamp(one.since_ns + bound_ns, oldest_from, end);
    result.up_ns += down_from - oldest_from;
    result.down_ns += end - down_from;
    if (end > down_from) {
      if (!result.outages.empty() && result.outages.back().end_ns >= down_from) {
        result.outages.back().end_ns = end;
      } else {
        result.outages.push_back({down_from, end});
      }
    }
    settled_ns = end;
  }
  return result;
}

double outage_resolution_ns(double publish_period_ns, double gap_p99_ns) noexcept {
  return 3 * (publish_period_ns + gap_p99_ns);
}

double projected_availability(double mean_outage_s, double between_failures_s) noexcept {
  return 1 / (1 + mean_outage_s / between_failures_s);
}

double predicted_outage_ns(const Kill& kill, const OutageCalibration& calibration,
                           double rate) noexcept {
  const double down =
      kill.lock_free_ns + calibration.detect_ns + calibration.repair_ns + calibration.restart_ns;
  return down + catch_up(down, rate, calibration.service_rate);
}

CheckResult check_availability(const Circumstances& circumstances,
                               const AvailabilityEvidence& evidence) {
  std::vector<double> predicted;
  std::vector<double> ratios;
  for (const Kill& kill : evidence.kills) {
    predicted.push_back(predicted_outage_ns(kill, evidence.calibration, evidence.rate));
    ratios.push_back(kill.outage_ns / predicted.back());
  }
  const double typical = median(predicted);
  CheckResult result = exact_result("availability", circumstances, typical, typical);
  if (result.verdict == Verdict::invalid) return result;
  if (evidence.rate >= evidence.calibration.service_rate) {
    conclude(result, Verdict::invalid, "the load leaves no room to catch up");
    return result;
  }
  if (evidence.control_availability < kControlAvailability) {
    conclude(result, Verdict::invalid, "down without any fault: A0 below 0.999");
    return result;
  }
  if (order_broken(result, evidence.kills)) return result;
  state_interval(result, ratios);
  if (evidence.kills.size() < kKills) {
    conclude(result, Verdict::inconclusive,
             std::to_string(evidence.kills.size()) + " kills; it takes " + std::to_string(kKills));
  } else if (result.low > result.accept_high || result.high < result.accept_low) {
    conclude(result, Verdict::fail, "the median outage is not what its parts predict");
  } else if (result.low >= result.accept_low && result.high <= result.accept_high) {
    result.verdict = Verdict::pass;
  } else {
    conclude(result, Verdict::inconclusive, "the interval of the median outage holds a limit");
  }
  if (result.verdict == Verdict::inconclusive) {
    // A median's interval narrows with the root of the kills.
    const double room = std::min(std::abs(std::log(kOutageLimits.high / (1 + result.residual))),
                                 std::abs(std::log((1 + result.residual) / kOutageLimits.low)));
    const double wanted =
        std::max(double(kKills),
                 double(ratios.size()) * std::pow(kNormal * result.standard_error / room, 2));
    result.seconds_needed = std::isfinite(wanted)
                                ? wanted * (typical / kSecondNs + circumstances.restart_seconds)
                                : wanted;
  }
  return result;
}

}  // namespace millrace::bench
