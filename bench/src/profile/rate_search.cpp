// The highest rates: as fast as the receiver can, what can be sustained, and what meets a goal.
#include "millrace/bench/load_run.hpp"
#include "millrace/bench/profile_run.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace millrace::bench {

namespace {

constexpr double kAchievedLeast = 0.995;
constexpr double kPeakSeconds = 0.15;  // how long the receiver should be busy
constexpr std::size_t kBacklogWindows = 20;

double seconds_a_step(ProfileMode mode) {
  return mode == ProfileMode::quick ? 0.12 : mode == ProfileMode::normal ? 0.3 : 1.0;
}

int steps_of(ProfileMode mode) {
  return mode == ProfileMode::quick ? 5 : 7;
}

// The same kind of load at another rate.
LoadShape at_rate(const ProfileOptions& options, double rate) {
  LoadShape shape = options.plan.shape;
  if (shape.kind != LoadShape::Kind::replay) {
    shape.rate = rate;
    return shape;
  }
  const double recorded = mean_rate(options.plan.recorded);
  shape.speed = recorded > 0 ? rate / recorded : 1;
  return shape;
}

double figure_at(const LatencyFigures& figures, double percent) {
  if (percent >= 100) return figures.max;
  if (percent > 99.9) return figures.p9999;
  if (percent > 99) return figures.p999;
  if (percent > 90) return figures.p99;
  return percent > 50 ? figures.p90 : figures.p50;
}

class Search {
 public:
  Search(const ProfileOptions& options, const LoadCalibration& calibration)
      : options_(options), calibration_(calibration), plan_(options.plan) {
    plan_.calibrate = plan_.warm = false;
    plan_.still_seconds = 0;
    plan_.journal.clear();
    plan_.plant = LoadPlant::none;
    plan_.policy = Policy::block;
  }

  Result<SearchResult> run() {
    if (auto done = find_peak(); !done) return Failure(done.error());
    const auto sustained = [](const SearchStep& step) { return step.sustained; };
    auto best = highest(sustained);
    if (!best) return Failure(best.error());
    result_.sustainable = *best;
    result_.cause = cause_of(sustained, *best, "the backlog grows: the receiver is at its limit");
    for (const Slo& slo : options_.slo) {
      const auto meets = [&slo](const SearchStep& step) {
        return step.sustained && figure_at(step.measured, slo.percent) <= slo.ns;
      };
      auto rate = highest(meets);
      if (!rate) return Failure(rate.error());
      result_.goals.push_back({slo, *rate, goal_cause(slo, *rate)});
    }
    return std::move(result_);
  }

 private:
  // All due at once: the receiver is never idle.
  Result<void> find_peak() {
    const double service_ns = std::max(20.0, calibration_.service_ns);
    const double messages = std::clamp(kPeakSeconds / service_ns * 1e9, 200.0, 2e6);
    LoadPlan plan = plan_;
    plan.shape = {};
    plan.shape.kind = LoadShape::Kind::constant;
    plan.shape.rate = kLoadRateMax;
    plan.seconds = messages / kLoadRateMax;
    const auto evidence = run_load(plan, 0);
    if (!evidence) return Failure(evidence.error());
    const auto& done = evidence->processed;
    if (done.size() > 1 && done.back() > done.front()) {
      result_.peak = static_cast<double>(done.size() - 1) * 1e9 /
                     static_cast<double>(done.back() - done.front());
    }
    return {};
  }

  // Bisection on the rate, over the steps that were made already.
  template <class Good>
  Result<double> highest(Good good) {
    double low = 0;
    double high = result_.peak;
    for (int step = 0; step < steps_of(options_.mode) && high > 0; ++step) {
      for (const SearchStep& one : result_.steps) {
        if (good(one)) low = std::max(low, one.rate);
      }
      for (const SearchStep& one : result_.steps) {
        if (!good(one) && one.rate > low) high = std::min(high, one.rate);
      }
      if (high <= low * 1.03) break;
      const double rate = low == 0 ? high / 2 : (low + high) / 2;
      if (auto made = try_rate(std::min(rate, kLoadRateJudged * 4)); !made)
        return Failure(made.error());
      if (rate > kLoadRateJudged * 4) break;
    }
    for (const SearchStep& one : result_.steps) {
      if (good(one)) low = std::max(low, one.rate);
    }
    return low;
  }

  Result<void> try_rate(double rate) {
    LoadPlan plan = plan_;
    plan.shape = at_rate(options_, rate);
    plan.seconds = std::clamp(seconds_a_step(options_.mode), 50 / rate, 5e5 / rate);
    plan.slice_seconds = plan.seconds * 2;  // the backlog may grow as long as it likes
    const auto evidence = run_load(plan, 0);
    if (!evidence) return Failure(evidence.error());
    const CurvePoint point = curve_point(*evidence, calibration_, handling_of(plan.handler));
    SearchStep step;
    step.rate = rate;
    step.measured = point.measured;
    step.quiet = point.quiet;
    step.achieved_share = slip_of(std::span(&*evidence, 1)).achieved_share;
    step.sustained = step.achieved_share >= kAchievedLeast && !backlog_grows(*evidence);
    result_.steps.push_back(step);
    return {};
  }

  // Mean time from the intended moment, window by window: a trend that is more than noise.
  [[nodiscard]] bool backlog_grows(const LoadEvidence& evidence) const {
    const std::size_t count = evidence.intended.size();
    if (count < 2 * kBacklogWindows) return false;
    std::vector<double> windows;
    for (std::size_t window = 0; window < kBacklogWindows; ++window) {
      double sum = 0;
      const std::size_t from = count * window / kBacklogWindows;
      const std::size_t to = count * (window + 1) / kBacklogWindows;
      for (std::size_t each = from; each < to; ++each) {
        sum += static_cast<double>(evidence.processed[each]) -
               static_cast<double>(evidence.intended[each]);
      }
      windows.push_back(sum / static_cast<double>(to - from));
    }
    // A queue that is stable has trends, too, over a few services.
    const double rise = windows.back() - windows[kBacklogWindows / 2];
    return grows(windows) && rise > 20 * (calibration_.service_ns + calibration_.hand_over_ns);
  }

  // The lowest rate above `rate` that was tried, and was not good.
  template <class Good>
  [[nodiscard]] const SearchStep* next_above(Good good, double rate) const {
    const SearchStep* found = nullptr;
    for (const SearchStep& one : result_.steps) {
      if (good(one) || one.rate <= rate) continue;
      if (found == nullptr || one.rate < found->rate) found = &one;
    }
    return found;
  }

  template <class Good>
  std::string cause_of(Good good, double rate, const char* usual) const {
    const SearchStep* const step = next_above(good, rate);
    if (step == nullptr) return "nothing that was tried";
    if (step->achieved_share < kAchievedLeast)
      return "the publisher cannot keep up: the ring is full";
    return usual;
  }

  // Would the goal be met at the next rate if nobody took the processor away?
  [[nodiscard]] std::string goal_cause(const Slo& slo, double rate) const {
    const auto meets = [&slo](const SearchStep& step) {
      return step.sustained && figure_at(step.measured, slo.percent) <= slo.ns;
    };
    const SearchStep* const step = next_above(meets, rate);
    if (step == nullptr) return "nothing that was tried";
    if (!step->sustained) return "the receiver: it cannot sustain more";
    char text[160];
    const double quiet = figure_at(step->quiet, slo.percent);
    const bool host = quiet <= slo.ns;
    std::snprintf(
        text, sizeof text, "%s: at %.0f messages a second a quiet core would have %.1f us",
        host ? "the host, which takes the processors away" : "waiting behind other messages",
        step->rate, quiet / 1e3);
    return text;
  }

  const ProfileOptions& options_;
  const LoadCalibration& calibration_;
  LoadPlan plan_;
  SearchResult result_;
};

}  // namespace

bool grows(std::span<const double> series) noexcept {
  const auto count = static_cast<double>(series.size());
  if (series.size() < 8) return false;
  double score = 0;
  for (std::size_t one = 0; one < series.size(); ++one) {
    for (std::size_t other = one + 1; other < series.size(); ++other)
      score += series[other] > series[one] ? 1 : series[other] < series[one] ? -1 : 0;
  }
  const double deviation = std::sqrt(count * (count - 1) * (2 * count + 5) / 18);
  constexpr double kOnePercent = 2.326;
  return (score - 1) / deviation > kOnePercent;
}

Result<SearchResult> search_rates(const ProfileOptions& options,
                                  const LoadCalibration& calibration) {
  return Search(options, calibration).run();
}

}  // namespace millrace::bench
