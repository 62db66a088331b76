#include "millrace/bench/verdict.hpp"

#include "millrace/bench/slice_statistics.hpp"
#include "millrace/bench/student.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>
#include <utility>

namespace millrace::bench {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kSeen = 0.95;            // the share of reports that see the smallest defect
constexpr double kRestartsMost = 10'000;  // more than that is "never"
constexpr double kNormal = 2.3263;        // 1 % of a normal variable lie above

// Mean of logarithms, with its standard error.
struct LogMean {
  double mean = 0;
  double error = 0;
  std::size_t count = 0;

  [[nodiscard]] std::size_t freedom() const noexcept { return count - 1; }

  [[nodiscard]] double half(double side) const noexcept {
    return error > 0 ? student_quantile(1 - side, freedom()) * error : 0;
  }

  // The chance of a mean this far beyond `border`, if the truth lies on it.
  [[nodiscard]] double chance_above(double border) const noexcept {
    if (error > 0) return student_beyond((mean - border) / error, freedom());
    return mean > border ? 0 : 1;
  }
};

LogMean log_mean(std::span<const double> ratios) {
  LogMean found;
  found.count = ratios.size();
  const auto count = static_cast<double>(ratios.size());
  for (const double ratio : ratios)
    found.mean += std::log(ratio) / count;
  double squares = 0;
  for (const double ratio : ratios)
    squares += (std::log(ratio) - found.mean) * (std::log(ratio) - found.mean);
  if (ratios.size() > 1) found.error = std::sqrt(squares / (count - 1) / count);
  return found;
}

bool inside(const LogMean& mean, Limits limits) noexcept {
  const double half = mean.half(kSide);
  return mean.mean - half >= std::log(limits.low) && mean.mean + half <= std::log(limits.high);
}

bool outside(const LogMean& mean, Limits limits) noexcept {
  const double half = mean.half(kSide);
  return mean.mean + half < std::log(limits.low) || mean.mean - half > std::log(limits.high);
}

// The deviation from 1 that FAILs in 19 of 20 reports, at `side` on each side.
double visible(double error, std::size_t restarts, Limits limits, double side) noexcept {
  if (restarts < 2) return kInfinity;
  const double away =
      error > 0
          ? (student_quantile(1 - side, restarts - 1) + student_quantile(kSeen, restarts - 1)) *
                error
          : 0;
  const double above = limits.high * std::exp(away) - 1;
  const double below = limits.low > 0 ? 1 - limits.low * std::exp(-away) : kInfinity;
  return std::min(above, below);
}

// Seconds until the interval no longer holds the nearer limit.
double seconds_for(const LogMean& mean, Limits limits, double restart_seconds) noexcept {
  const double room = std::min(std::abs(std::log(limits.high) - mean.mean),
                               std::abs(mean.mean - std::log(limits.low)));
  const double deviation = mean.error * std::sqrt(static_cast<double>(mean.count));
  const double enough = std::pow(kNormal * deviation / room, 2);  // if t were as short as a normal
  if (!(enough < kRestartsMost)) return kInfinity;
  auto restarts = std::max({mean.count, kRestartsMin, static_cast<std::size_t>(enough)});
  while (student_quantile(1 - kSide, restarts - 1) * deviation >=
         room * std::sqrt(static_cast<double>(restarts)))
    ++restarts;
  return restart_seconds * static_cast<double>(restarts);
}

std::string percent(double share) {
  char text[32];
  (void)std::snprintf(text, sizeof text, "%.2g %%", 100 * share);
  return text;
}

bool usable(const std::vector<double>& ratios) noexcept {
  return std::all_of(ratios.begin(), ratios.end(),
                     [](double one) { return one > 0 && std::isfinite(one); });
}

// Why a FAIL cannot be said although the interval lies outside; empty if it can.
struct ControlSays {
  Verdict verdict = Verdict::fail;
  std::string why;
};

ControlSays ask_control(const Replicates& replicates, Limits limits, std::size_t wanted) {
  if (replicates.control.size() < wanted || !usable(replicates.control)) {
    return {Verdict::inconclusive, "outside its limits, but the control row is missing"};
  }
  const LogMean control = log_mean(replicates.control);
  if (outside(control, limits)) return {Verdict::invalid, "the control row is outside too"};
  if (!inside(control, limits)) {
    return {Verdict::inconclusive, "outside its limits, but so may the control row be"};
  }
  return {};
}

// Too little was measured for any verdict.
std::string too_little(const Part& part, const Circumstances& circumstances) {
  const std::size_t wanted = circumstances.quick ? kQuickRestarts : kRestartsMin;
  const Replicates& found = part.replicates;
  if (found.ratios.size() < wanted) {
    return std::to_string(found.ratios.size()) + " restarts saw this placement; it takes " +
           std::to_string(wanted);
  }
  if (found.slices < kSlicesMin) {
    return std::to_string(found.slices) + " slices; it takes " + std::to_string(kSlicesMin);
  }
  return usable(found.ratios) ? "" : "a restart has no usable statistic";
}

bool too_narrow_for_quick(Limits limits) noexcept {
  return std::min(1 - limits.low, limits.high - 1) < kQuickLimit - 1e-9;
}

void decide(CheckResult& result, const Part& part, const LogMean& mean, bool quick) {
  const std::size_t wanted = quick ? kQuickRestarts : kRestartsMin;
  if (outside(mean, part.limits)) {
    const ControlSays control = ask_control(part.replicates, part.limits, wanted);
    conclude(result, control.verdict,
             control.why.empty() ? "the whole interval is outside its limits" : control.why);
  } else if (part.replicates.control.size() >= wanted && usable(part.replicates.control) &&
             outside(log_mean(part.replicates.control), part.limits)) {
    conclude(result, Verdict::invalid, "the control row is outside its limits");
  } else if (!inside(mean, part.limits)) {
    conclude(result, Verdict::inconclusive,
             "the interval, +-" + percent(std::expm1(mean.half(kSide))) + ", holds a limit");
  } else if (quick && too_narrow_for_quick(part.limits)) {
    conclude(result, Verdict::inconclusive,
             "within its limits, but quick mode passes only limits of 10 % or more");
  } else {
    result.verdict = Verdict::pass;
  }
}

CheckResult judge_part(std::string_view name, const Circumstances& circumstances, const Part& part,
                       std::size_t parts) {
  CheckResult result = exact_result(name, circumstances, part.prediction, part.prediction);
  result.exact = false;
  result.parts = parts;
  result.accept_low = part.prediction * part.limits.low;
  result.accept_high = part.prediction * part.limits.high;
  result.smallest_defect = kInfinity;
  result.low = 0;
  result.high = kInfinity;
  if (result.verdict == Verdict::invalid) return result;
  const std::string lacking = too_little(part, circumstances);
  if (!lacking.empty()) {
    conclude(result, Verdict::inconclusive, lacking);
    result.seconds_needed = circumstances.restart_seconds * static_cast<double>(kRestartsMin);
    return result;
  }
  const LogMean mean = log_mean(part.replicates.ratios);
  const double half = mean.half(kSide);
  result.measurement = part.prediction * std::exp(mean.mean);
  result.residual = std::expm1(mean.mean);
  result.low = part.prediction * std::exp(mean.mean - half);
  result.high = part.prediction * std::exp(mean.mean + half);
  result.standard_error = mean.error;
  result.restarts = mean.count;
  result.chance = std::min({1.0, mean.chance_above(std::log(part.limits.high)) * double(parts),
                            (1 - mean.chance_above(std::log(part.limits.low))) * double(parts)});
  result.smallest_defect =
      visible(mean.error, mean.count, part.limits, kSide / static_cast<double>(parts));
  decide(result, part, mean, circumstances.quick);
  if (result.verdict == Verdict::inconclusive) {
    result.seconds_needed = seconds_for(mean, part.limits, circumstances.restart_seconds);
  }
  if (!part.name.empty() && !result.why.empty()) result.why = part.name + ": " + result.why;
  return result;
}

}  // namespace

const char* to_string(Verdict verdict) noexcept {
  switch (verdict) {
    case Verdict::pass: return "PASS";
    case Verdict::inconclusive: return "INCONCLUSIVE";
    case Verdict::fail: return "FAIL";
    case Verdict::invalid: break;
  }
  return "INVALID";
}

int exit_code(Verdict verdict) noexcept {
  if (verdict == Verdict::pass) return 0;
  return verdict == Verdict::fail ? 1 : 3;
}

void conclude(CheckResult& result, Verdict verdict, std::string why) {
  result.verdict = verdict;
  result.why = std::move(why);
}

CheckResult exact_result(std::string_view name, const Circumstances& circumstances,
                         double prediction, double measurement) {
  CheckResult result;
  result.name = name;
  result.placement = circumstances.placement;
  result.prediction = result.accept_low = result.accept_high = prediction;
  result.measurement = result.low = result.high = measurement;
  result.residual = prediction != 0 ? measurement / prediction - 1 : 0;
  if (!circumstances.broken.empty()) {
    conclude(result, Verdict::invalid, circumstances.broken.front());
  }
  return result;
}

CheckResult judge_parts(std::string_view name, const Circumstances& circumstances,
                        std::span<const Part> parts) {
  std::vector<CheckResult> results;
  for (const Part& part : parts)
    results.push_back(judge_part(name, circumstances, part, parts.size()));
  // Among equal verdicts the one that lies farthest out stands for all.
  const auto worse = [](const CheckResult& one, const CheckResult& other) {
    if (one.verdict != other.verdict) return one.verdict < other.verdict;
    return one.chance > other.chance;
  };
  return *std::max_element(results.begin(), results.end(), worse);
}

CheckResult judge_ratio(std::string_view name, const Circumstances& circumstances,
                        double prediction, Limits limits, const Replicates& replicates) {
  const Part only{.name = "", .prediction = prediction, .limits = limits, .replicates = replicates};
  return judge_parts(name, circumstances, std::span(&only, 1));
}

void apply_holm(std::span<CheckResult> rows) {
  std::vector<CheckResult*> family;
  for (CheckResult& row : rows) {
    if (!row.exact && row.restarts > 1 && row.verdict != Verdict::invalid) family.push_back(&row);
  }
  std::sort(family.begin(), family.end(), [](const CheckResult* one, const CheckResult* two) {
    return one->chance < two->chance;
  });
  bool significant = true;
  for (std::size_t rank = 0; rank < family.size(); ++rank) {
    CheckResult& row = *family[rank];
    significant = significant && row.chance <= kSide / static_cast<double>(family.size() - rank);
    if (row.verdict == Verdict::fail && !significant) {
      conclude(row, Verdict::inconclusive,
               "outside its limits alone, but not among " + std::to_string(family.size()) +
                   " rows (Holm)");
    }
    if (row.prediction <= 0) continue;
    const Limits limits{row.accept_low / row.prediction, row.accept_high / row.prediction};
    row.smallest_defect = visible(row.standard_error, row.restarts, limits,
                                  kSide / static_cast<double>(row.parts * family.size()));
  }
}

Verdict worst_of(std::span<const CheckResult> rows) noexcept {
  Verdict found = Verdict::pass;
  for (const CheckResult& row : rows)
    found = worst(found, row.verdict);
  return found;
}

}  // namespace millrace::bench
