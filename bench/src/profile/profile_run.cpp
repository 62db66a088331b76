#include "millrace/bench/profile_run.hpp"

#include "../machine.hpp"
#include "millrace/bench/frozen_calibration.hpp"
#include "millrace/bench/load_run.hpp"
#include "millrace/bench/student.hpp"
#include "millrace/core/clock.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <memory>

namespace millrace::bench {

namespace {

constexpr std::uint32_t kCalibrationRestarts = 3;
constexpr double kControlShare = 0.6;  // of the load's seconds
constexpr double kCurveRateMax = kLoadRateJudged;

class Session {
 public:
  explicit Session(const ProfileOptions& options) { run_.options = options; }

  Result<ProfileRun> run() {
    const std::uint64_t began_ns = monotonic_ns();
    note_limits();
    if (auto done = calibrate(); !done) return Failure(done.error());
    if (auto done = load(); !done) return Failure(done.error());
    if (auto done = control(); !done) return Failure(done.error());
    if (auto done = curve(); !done) return Failure(done.error());
    if (run_.options.search) {
      say("search for the highest rates");
      auto found = search_rates(run_.options, run_.calibration);
      if (!found) return Failure(found.error());
      run_.search = std::move(*found);
    }
    run_.seconds = static_cast<double>(monotonic_ns() - began_ns) / 1e9;
    return std::move(run_);
  }

 private:
  void say(const std::string& what) const {
    if (run_.options.progress) run_.options.progress(what);
  }

  void note_limits() {
    if (!run_.options.plan.cpus.apart()) {
      run_.notes.emplace_back(
          "oversubscribed: both processes share one processor, so no latency is judged; counts "
          "are");
    }
    if (run_.options.plan.shape.rate > kLoadRateJudged) {
      run_.notes.emplace_back(
          "the rate is above 2.5M messages a second: the stamps are part of the load, and latency "
          "is shown, not judged");
    }
  }

  // What judges is what the frozen text says, whoever made it.
  Result<void> calibrate() {
    run_.frozen = run_.options.frozen;
    if (run_.frozen.empty()) {
      if (auto done = measure_calibration(); !done) return done;
      run_.frozen = freeze_calibration(calibrate_from(run_.calibration_runs), run_.options.plan);
    }
    const auto thawed = thaw_calibration(run_.frozen);
    if (thawed) {
      run_.calibration = *thawed;
      const auto frozen = thaw(run_.frozen);
      run_.calibration_refused =
          refusal(*frozen, machine_of(run_.options.plan), to_string(run_.options.plan.handler),
                  static_cast<std::int64_t>(wall_ns()));
      return {};
    }
    // Shown all the same, by a calibration of its own; judged not.
    run_.calibration_refused = "calibration changed";
    if (auto done = measure_calibration(); !done) return done;
    run_.calibration = calibrate_from(run_.calibration_runs);
    return {};
  }

  Result<void> measure_calibration() {
    LoadPlan plan = run_.options.plan;
    plan.plant = LoadPlant::none;
    plan.seconds = 0.02;
    plan.slice_seconds = 0.02;
    plan.shape = {};
    plan.shape.kind = LoadShape::Kind::constant;
    plan.shape.rate = 1000;
    plan.journal.clear();
    for (std::uint32_t each = 0; each < kCalibrationRestarts; ++each) {
      say("calibration " + std::to_string(each + 1) + " of " +
          std::to_string(kCalibrationRestarts));
      auto evidence = run_load(plan, each);
      if (!evidence) return Failure(evidence.error());
      run_.calibration_runs.push_back(std::move(*evidence));
    }
    return {};
  }

  Result<void> load() {
    if (auto done = repeat("load", load_plan_of, run_.load); !done) return done;
    run_.slip = slip_of(run_.load);
    return {};
  }

  Result<void> control() { return repeat("control", control_plan_of, run_.control); }

  Result<void> repeat(const char* what, LoadPlan (*plan_of)(const ProfileOptions&, std::uint32_t),
                      std::vector<LoadEvidence>& into) {
    const std::uint32_t restarts = restarts_of(run_.options.mode);
    for (std::uint32_t each = 0; each < restarts; ++each) {
      say(std::string(what) + " " + std::to_string(each + 1) + " of " + std::to_string(restarts));
      auto evidence = run_load(plan_of(run_.options, each), each);
      if (!evidence) return Failure(evidence.error());
      into.push_back(std::move(*evidence));
    }
    return {};
  }

  Result<void> curve() {
    const double service_ns = run_.calibration.service_ns;
    if (!run_.options.curve || service_ns <= 0 || !run_.options.plan.cpus.apart()) return {};
    LoadPlan plan = run_.options.plan;
    plan.calibrate = false;
    plan.journal.clear();
    plan.shape = {};
    plan.shape.kind = LoadShape::Kind::poisson;
    for (const double load : {0.1, 0.3, 0.5, 0.7, 0.8}) {
      plan.shape.rate = std::min(load / service_ns * 1e9, kCurveRateMax);
      plan.seconds = std::min(seconds_of(run_.options), 3e5 / plan.shape.rate);
      char what[48];
      std::snprintf(what, sizeof what, "latency at %.0f %% load", load * 100);
      say(what);
      auto evidence = run_load(plan, 0);
      if (!evidence) return Failure(evidence.error());
      CurvePoint point = curve_point(*evidence, run_.calibration, handling_of(plan.handler));
      point.rate = plan.shape.rate;
      point.load = plan.shape.rate * service_ns / 1e9;
      run_.curve.push_back(point);
      if (plan.shape.rate == kCurveRateMax) break;
    }
    return {};
  }

  ProfileRun run_;
};

// Times of one slice as the replay wants them.
struct ReplayTimes {
  std::vector<double> due, published, done;
};

ReplayTimes times_in(const LoadEvidence& evidence, const LoadSlice& slice) {
  ReplayTimes times;
  for (std::uint64_t each = slice.first; each < slice.first + slice.count; ++each) {
    if (evidence.processed[each] == 0) continue;
    times.due.push_back(static_cast<double>(evidence.intended[each]));
    times.published.push_back(static_cast<double>(evidence.published[each]));
    times.done.push_back(static_cast<double>(evidence.processed[each]));
  }
  return times;
}

void add(layout::HistogramBytes& bytes, const std::vector<double>& done,
         const std::vector<double>& due) {
  Histogram histogram(bytes);
  for (std::size_t each = 0; each < done.size(); ++each)
    histogram.record(static_cast<std::uint64_t>(std::max(0.0, done[each] - due[each])));
}

}  // namespace

LatencyFigures figures_of(HistogramView histogram) {
  LatencyFigures figures;
  figures.count = histogram.count();
  if (figures.count == 0) return figures;
  figures.mean = histogram.mean_ns();
  const auto at = [&](double percent) {
    return static_cast<double>(histogram.percentile_ns(percent));
  };
  figures.p50 = at(50);
  figures.p90 = at(90);
  figures.p99 = at(99);
  figures.p999 = at(99.9);
  figures.p9999 = at(99.99);
  figures.max = static_cast<double>(histogram.max_ns());
  return figures;
}

double LoadCalibration::hand_over_at(double bare_ns) const noexcept {
  double nearest = hand_over_ns;
  double distance = INFINITY;
  for (const Place& place : places) {
    const double away = std::abs(std::log(bare_ns / place.bare_ns));
    if (away >= distance || place.hand_over_ns <= 0) continue;
    distance = away;
    nearest = place.hand_over_ns;
  }
  return nearest;
}

LoadCalibration calibrate_from(std::span<const LoadEvidence> restarts) {
  LoadCalibration calibration;
  calibration.service = drained_service(restarts);
  calibration.service_ns = quantile(calibration.service, 0.5);
  const Placements placements = placements_of(restarts);
  const double service_ns = calibration.service_ns;
  calibration.hand_over_ns = idle_hand_over(restarts, placements, std::nullopt, service_ns);
  for (std::size_t each = 0; each < placements.count(); ++each) {
    calibration.places.push_back(
        {placements.bare_ns(each), idle_hand_over(restarts, placements, each, service_ns)});
  }
  std::vector<double> enqueue;
  for (const LoadEvidence& one : restarts) {
    if (one.enqueue_ns > 0) enqueue.push_back(one.enqueue_ns);
  }
  calibration.enqueue_ns = median(enqueue);
  return calibration;
}

std::string machine_of(const LoadPlan& plan) {
  const Machine machine = look_at_machine({plan.cpus.publisher, plan.cpus.subscriber});
  return machine.processor + ", " + machine.kernel + ", " + machine.clock;
}

std::string freeze_calibration(const LoadCalibration& calibration, const LoadPlan& plan) {
  FrozenCalibration frozen;
  frozen.machine = machine_of(plan);
  frozen.handler = to_string(plan.handler);
  frozen.handling = handling_of(plan.handler);
  frozen.frozen_at_ns = static_cast<std::int64_t>(wall_ns());
  for (const LoadCalibration::Place& place : calibration.places) {
    frozen.placements.push_back(
        {place.bare_ns, place.hand_over_ns, calibration.enqueue_ns, calibration.service});
  }
  if (frozen.placements.empty()) {
    // Without a placement (one processor) one entry stands for all.
    frozen.placements.push_back(
        {1, calibration.hand_over_ns, calibration.enqueue_ns, calibration.service});
  }
  return freeze(frozen);
}

Result<LoadCalibration> thaw_calibration(std::string_view text) {
  const auto frozen = thaw(text);
  if (!frozen) return Failure(frozen.error());
  LoadCalibration calibration;
  std::vector<double> hand_overs;
  for (const PlacementCalibration& place : frozen->placements) {
    calibration.places.push_back({place.bare_ns, place.hand_over_ns});
    if (place.hand_over_ns > 0) hand_overs.push_back(place.hand_over_ns);
    calibration.service = place.service_ns;
    calibration.enqueue_ns = place.enqueue_ns;
  }
  calibration.service_ns = quantile(calibration.service, 0.5);
  calibration.hand_over_ns = median(hand_overs);
  return calibration;
}

SlipAccount slip_of(std::span<const LoadEvidence> restarts) {
  // Slices are far apart in time, and restarts further: one list is as good as many.
  std::vector<std::uint64_t> intended, began, published;
  std::vector<Gap> gaps;
  std::uint64_t offset = 0;
  for (const LoadEvidence& restart : restarts) {
    for_each_slice(restart, SliceKind::load, [&](const LoadSlice& slice) {
      for (std::uint64_t each = slice.first; each < slice.first + slice.count; ++each) {
        intended.push_back(offset + restart.intended[each]);
        began.push_back(offset + restart.began[each]);
        published.push_back(offset + restart.published[each]);
      }
    });
    for (const Gap& gap : restart.publisher_gaps)
      gaps.push_back({offset + gap.begin, gap.length});
    if (!restart.slices.empty()) offset += restart.slices.back().end_ns + 1'000'000'000;
  }
  constexpr std::uint64_t kFullNs = 5'000;  // no publish takes that long unless it waits for room
  return account_slip({intended, began, published, gaps, kFullNs});
}

Handling handling_of(const LoadHandler& handler) noexcept {
  return handler.kind == LoadHandler::Kind::deadline ? Handling::deadline : Handling::work;
}

CurvePoint curve_point(const LoadEvidence& evidence, const LoadCalibration& calibration,
                       Handling handling) {
  const auto measured = std::make_unique<layout::HistogramBytes>();
  const auto quiet = std::make_unique<layout::HistogramBytes>();
  const auto host = std::make_unique<layout::HistogramBytes>();
  std::vector<Vacation> vacations;
  for (const Gap& gap : evidence.subscriber_gaps) {
    const auto begin = static_cast<double>(gap.begin);
    vacations.push_back({begin, begin + static_cast<double>(gap.length), true});
  }
  for_each_slice(evidence, SliceKind::load, [&](const LoadSlice& slice) {
    ReplayTimes times = times_in(evidence, slice);
    add(*measured, times.done, times.due);
    const std::vector<double> service(times.due.size(), calibration.service_ns);
    const std::vector<double> hand_over(times.due.size(),
                                        calibration.hand_over_at(slice.bare_ns()));
    ReplayInput input{times.published, service, hand_over, vacations, handling};
    add(*host, replay(input), times.due);
    input.vacations = {};
    std::vector<double> due = times.due;
    std::sort(due.begin(), due.end());
    input.published_ns = due;
    add(*quiet, replay(input), due);
  });
  CurvePoint point;
  point.measured = figures_of(HistogramView(*measured));
  point.quiet = figures_of(HistogramView(*quiet));
  point.replay = figures_of(HistogramView(*host));
  return point;
}

LoadPlan load_plan_of(const ProfileOptions& options, std::uint32_t restart) {
  LoadPlan plan = options.plan;
  plan.seconds = seconds_of(options);
  plan.calibrate = false;
  plan.seed = options.plan.seed + restart;
  return plan;
}

LoadPlan control_plan_of(const ProfileOptions& options, std::uint32_t restart) {
  LoadPlan plan = load_plan_of(options, restart);
  plan.plant = LoadPlant::none;
  plan.bare = true;
  plan.policy = Policy::block;
  plan.journal.clear();
  plan.length_max = std::min<std::uint32_t>(plan.length_max, 48);
  plan.length_min = std::min(plan.length_min, plan.length_max);
  plan.seconds *= kControlShare;
  plan.calibrate = true;  // bare words have a service and a hand-over of their own
  return plan;
}

Result<ProfileRun> run_profile(const ProfileOptions& options) {
  return Session(options).run();
}

}  // namespace millrace::bench
