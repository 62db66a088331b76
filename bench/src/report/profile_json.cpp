#include "../machine.hpp"
#include "../profile/machine_fit.hpp"
#include "millrace/bench/load_run.hpp"
#include "millrace/bench/profile_report.hpp"
#include "millrace/core/topology.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

namespace millrace::bench {

namespace {

using nlohmann::json;

// A percentile that so few messages cannot bound is not printed (ln 0.05 / ln p of them).
json percentile(const LatencyFigures& figures, double value, std::uint64_t least) {
  return figures.count >= least ? json(value) : json(nullptr);
}

json to_json(const LatencyFigures& figures) {
  return {{"count", figures.count},
          {"mean_ns", figures.mean},
          {"p50_ns", figures.p50},
          {"p90_ns", figures.p90},
          {"p99_ns", percentile(figures, figures.p99, 299)},
          {"p999_ns", percentile(figures, figures.p999, 2995)},
          {"p9999_ns", percentile(figures, figures.p9999, 29956)},
          {"max_ns", figures.max}};
}

json figures_json(const LoadPicture::Bytes& bytes) {
  return to_json(figures_of(HistogramView(*bytes)));
}

json clock_json(const ClockReport& clock) {
  return {{"source", clock.source == ClockSource::tsc ? "tsc" : "CLOCK_MONOTONIC"},
          {"granularity_ns", clock.granularity_ns},
          {"stamp_cost_ns", clock.stamp_cost_ns},
          {"uncertainty_ppm", clock.uncertainty_ppm},
          {"drift_ns", clock.drift_ns},
          {"drift_uncertainty_ns", clock.drift_uncertainty_ns},
          {"within_bounds", clock.within_bounds}};
}

json fit_json(const ProfileRun& run) {
  const MachineFit fit = fit_of(run.load, run.options.plan.cpus);
  json places = json::array();
  for (const MachineFit::Place& place : fit.places) {
    places.push_back({{"name", place.name},
                      {"bare_ns", place.bare_ns},
                      {"share", place.share},
                      {"slices", place.slices}});
  }
  const auto allowed = allowed_cpus();
  return {{"score", fit.score},
          {"sentence", fit.sentence},
          {"fit_above_ns", fit.fit_above_ns},
          {"stolen_share", fit.stolen_share},
          {"kernel_stolen_share", fit.kernel_stolen_share},
          {"gaps_per_second", fit.gaps_per_second},
          {"gap_p50_ns", fit.gap_p50_ns},
          {"gap_p999_ns", fit.gap_p999_ns},
          {"gap_max_ns", fit.gap_max_ns},
          {"own_slices", fit.own_slices},
          {"agreeing_share", fit.agreeing_share},
          {"placements", places},
          {"cpus", {run.options.plan.cpus.publisher, run.options.plan.cpus.subscriber}},
          {"cores", allowed ? allowed->size() : 0},
          {"oversubscribed", !run.options.plan.cpus.apart()},
          {"clock", run.load.empty() ? json(nullptr) : clock_json(run.load.back().clock)}};
}

// Of each percentile, which share a quiet core would not have had.
json host_share(const LatencyFigures& measured, const LatencyFigures& quiet) {
  const auto share = [](double all, double without) {
    return all > 0 ? json(std::clamp((all - without) / all, 0.0, 1.0)) : json(nullptr);
  };
  return {{"p50", share(measured.p50, quiet.p50)},
          {"p99", share(measured.p99, quiet.p99)},
          {"p999", share(measured.p999, quiet.p999)}};
}

json latency_json(const ProfileRun& run, const LoadPicture& picture) {
  double sent = 0;
  double ns = 0;
  for (const LoadEvidence& one : run.load) {
    for_each_slice(one, SliceKind::load, [&](const LoadSlice& slice) {
      sent += static_cast<double>(slice.count);
      ns += static_cast<double>(slice.end_ns - slice.begin_ns);
    });
  }
  const auto measured = figures_of(HistogramView(*picture.from_intended));
  const auto quiet = figures_of(HistogramView(*picture.quiet));
  return {
      {"rate", ns > 0 ? sent / ns * 1e9 : 0},
      {"from_intended", to_json(measured)},
      {"from_publish", figures_json(picture.from_publish)},
      {"quiet_core", to_json(quiet)},
      {"host_share", host_share(measured, quiet)},
      {"slip",
       {{"p50_ns", run.slip.p50_ns},
        {"p99_ns", run.slip.p99_ns},
        {"max_ns", run.slip.max_ns},
        {"explained_share", run.slip.messages == 0 ? 0
                                                   : static_cast<double>(run.slip.explained) /
                                                         static_cast<double>(run.slip.messages)},
        {"own_p99_ns", run.slip.own_p99_ns},
        {"achieved_share", run.slip.achieved_share}}}};
}

json search_json(const ProfileRun& run) {
  if (!run.search) return nullptr;
  json goals = json::array();
  for (const GoalRate& goal : run.search->goals)
    goals.push_back({{"slo", to_string(goal.slo)}, {"rate", goal.rate}, {"cause", goal.cause}});
  json steps = json::array();
  for (const SearchStep& step : run.search->steps) {
    steps.push_back({{"rate", step.rate},
                     {"achieved_share", step.achieved_share},
                     {"sustained", step.sustained},
                     {"measured", to_json(step.measured)},
                     {"quiet_core", to_json(step.quiet)}});
  }
  return {{"peak", run.search->peak},
          {"sustainable", run.search->sustainable},
          {"cause", run.search->cause},
          {"goals", goals},
          {"steps", steps}};
}

json integrity_json(const ProfileRun& run) {
  LoadCounts all;
  for (const LoadEvidence& one : run.load) {
    all.sent += one.counts.sent;
    all.received += one.counts.received;
    all.lost += one.counts.lost;
    all.duplicated += one.counts.duplicated;
    all.reordered += one.counts.reordered;
    all.wrong += one.counts.wrong;
    all.blocked += one.counts.blocked;
    all.blocked_ns += one.counts.blocked_ns;
    all.evicted += one.counts.evicted;
    all.transport_lost += one.counts.transport_lost;
  }
  return {{"sent", all.sent},
          {"received", all.received},
          {"lost", all.lost},
          {"duplicated", all.duplicated},
          {"reordered", all.reordered},
          {"blocked", all.blocked},
          {"evicted", all.evicted},
          {"wrong", all.wrong},
          {"blocked_ns", all.blocked_ns},
          {"transport_lost", all.transport_lost}};
}

json slowest_json(const LoadPicture& picture) {
  json list = json::array();
  for (const SlowMessage& one : picture.slowest) {
    list.push_back({{"restart", one.restart},
                    {"number", one.number},
                    {"at_ns", one.at_ns},
                    {"total_ns", one.times.total},
                    {"slip_ns", one.times.slip},
                    {"enqueue_ns", one.times.enqueue},
                    {"wait_ns", one.times.wait},
                    {"transfer_ns", one.times.transfer},
                    {"handling_ns", one.times.handling},
                    {"cause", one.cause}});
  }
  return list;
}

json curve_json(const ProfileRun& run) {
  json list = json::array();
  for (const CurvePoint& point : run.curve) {
    list.push_back({{"load", point.load},
                    {"rate", point.rate},
                    {"measured", to_json(point.measured)},
                    {"quiet_core", to_json(point.quiet)},
                    {"replay", to_json(point.replay)}});
  }
  return list;
}

// Value at each percentile of a spectrum that goes on by halves of what is left.
json spectrum_json(const LoadPicture::Bytes& bytes) {
  const HistogramView view(*bytes);
  json list = json::array();
  const auto count = static_cast<double>(view.count());
  for (double left = 100; left >= 50 / std::max(1.0, count) && list.size() < 64; left *= 0.75) {
    list.push_back({100 - left, view.percentile_ns(100 - left)});
  }
  return list;
}

json parts_json(const LoadPicture& picture) {
  json list = json::array();
  for (std::size_t part = 0; part < kParts; ++part) {
    json row = figures_json(picture.parts[part]);
    row["name"] = kPartNames[part];
    list.push_back(std::move(row));
  }
  return list;
}

json noise_json(const ProfileRun& run) {
  json list = json::array();
  for (const NoisePoint& point : noise_of(run.load)) {
    list.push_back({{"at_ns", point.at_ns},
                    {"length_ns", point.length_ns},
                    {"bare_ns", point.bare_ns},
                    {"gap_share", point.gap_share},
                    {"gap_max_ns", point.gap_max_ns},
                    {"stolen_share", point.stolen_share},
                    {"own_doing", point.own_doing}});
  }
  return list;
}

json heat_json(const LoadPicture& picture) {
  json rows = json::array();
  for (const auto& row : picture.heat)
    rows.push_back(row);
  return {{"window_ns", picture.window_ns}, {"buckets", "2^n ns"}, {"rows", rows}};
}

// What `compare` pairs: each restart by itself, latencies from the intended moment.
json restarts_json(const std::vector<LoadEvidence>& restarts) {
  json list = json::array();
  for (const LoadEvidence& one : restarts) {
    const auto bytes = std::make_unique<layout::HistogramBytes>();
    Histogram histogram(*bytes);
    for_each_slice(one, SliceKind::load, [&](const LoadSlice& slice) {
      for (std::uint64_t each = slice.first; each < slice.first + slice.count; ++each) {
        if (one.processed[each] != 0) histogram.record(one.processed[each] - one.intended[each]);
      }
    });
    json figures = to_json(figures_of(histogram));
    figures["restart"] = one.restart;
    list.push_back(std::move(figures));
  }
  return list;
}

// What `whatif` asks the model with: some of the drain's times, and the gaps that the reader had.
json samples_json(const std::vector<double>& samples) {
  constexpr std::size_t kMost = 256;
  json list = json::array();
  const std::size_t step = samples.size() / kMost + 1;
  for (std::size_t each = 0; each < samples.size(); each += step)
    list.push_back(samples[each]);
  return list;
}

json gaps_json(const ProfileRun& run) {
  constexpr std::size_t kMost = 20'000;
  json list = json::array();
  if (run.load.empty() || run.load.front().slices.empty()) return nullptr;
  const LoadEvidence& first = run.load.front();
  double span_ns = static_cast<double>(first.slices.back().end_ns);
  for (const Gap& gap : first.subscriber_gaps) {
    if (list.size() == kMost) {
      span_ns = static_cast<double>(gap.begin);
      break;
    }
    list.push_back({gap.begin, gap.begin + gap.length});
  }
  return {{"span_ns", span_ns}, {"gaps", std::move(list)}};
}

json fingerprint_json(const ProfileOptions& options) {
  const Machine machine =
      look_at_machine({options.plan.cpus.publisher, options.plan.cpus.subscriber});
  return {{"processor", machine.processor}, {"kernel", machine.kernel},
          {"governor", machine.governor},   {"clocksource", machine.clock},
          {"compiler", machine.compiler},   {"pages", machine.pages}};
}

json durable_json(const ProfileRun& run, const LoadPicture& picture) {
  if (run.options.plan.journal.empty()) return nullptr;
  json made = figures_json(picture.durable);
  made["engine"] = run.load.empty() ? "" : run.load.front().device;
  return made;
}

}  // namespace

Result<std::string> look_how_fit(const ProfileOptions& options) {
  constexpr double kSeconds = 3.5;  // with starting, bare slices and ending some 5 s
  ProfileRun run;
  run.options = options;
  LoadPlan& plan = run.options.plan;
  plan.shape = {};
  plan.shape.kind = LoadShape::Kind::constant;
  plan.shape.rate = 1000;
  plan.handler = {};
  plan.journal.clear();
  plan.plant = LoadPlant::none;
  plan.seconds = kSeconds;
  plan.calibrate = plan.warm = false;
  auto evidence = run_load(plan, 0);
  if (!evidence) return Failure(evidence.error());
  run.load.push_back(std::move(*evidence));
  const json report = {{"schema", "millrace-profile/1"},
                       {"machine_fit", fit_json(run)},
                       {"fingerprint", fingerprint_json(run.options)}};
  return report.dump();
}

std::string profile_json(const ProfileRun& run, const LoadPicture& picture,
                         const ProfileVerdicts& verdicts) {
  const ProfileOptions& options = run.options;
  const json judged = json::parse(verdict_json(verdicts.report));
  json unmeasured = json::array();
  for (const auto& one : verdicts.unmeasured)
    unmeasured.push_back({{"name", one.name}, {"why", one.why}});
  json places = json::array();
  for (const auto& place : run.calibration.places)
    places.push_back({{"bare_ns", place.bare_ns}, {"hand_over_ns", place.hand_over_ns}});
  const json report = {{"schema", "millrace-profile/1"},
                       {"mode", to_string(options.mode)},
                       {"load", to_string(options.plan.shape)},
                       {"handler", to_string(options.plan.handler)},
                       {"seed", options.plan.seed},
                       {"restarts", run.load.size()},
                       {"seconds_per_restart", seconds_of(options)},
                       {"seconds", run.seconds},
                       {"payload_bytes", {options.plan.length_min, options.plan.length_max}},
                       {"ring_bytes", options.plan.ring_bytes},
                       {"policy", to_string(options.plan.policy)},
                       {"verdict", judged["verdict"]},
                       {"machine_fit", fit_json(run)},
                       {"latency", latency_json(run, picture)},
                       {"highest_rate", search_json(run)},
                       {"integrity", integrity_json(run)},
                       {"checks", judged["checks"]},
                       {"models", judged["models"]},
                       {"unmeasured", unmeasured},
                       {"slowest", slowest_json(picture)},
                       {"durable_lag", durable_json(run, picture)},
                       {"outages", nullptr},
                       {"calibration",
                        {{"service_ns", run.calibration.service_ns},
                         {"hand_over_ns", run.calibration.hand_over_ns},
                         {"enqueue_ns", run.calibration.enqueue_ns},
                         {"refused", run.calibration_refused},
                         {"service_samples_ns", samples_json(run.calibration.service)},
                         {"places", places}}},
                       {"host_gaps", gaps_json(run)},
                       {"per_restart", restarts_json(run.load)},
                       {"per_control", restarts_json(run.control)},
                       {"curve", curve_json(run)},
                       {"spectrum",
                        {{"from_intended", spectrum_json(picture.from_intended)},
                         {"from_publish", spectrum_json(picture.from_publish)},
                         {"quiet_core", spectrum_json(picture.quiet)}}},
                       {"heat", heat_json(picture)},
                       {"parts", parts_json(picture)},
                       {"noise", noise_json(run)},
                       {"notes", run.notes},
                       {"fingerprint", fingerprint_json(options)}};
  return report.dump();
}

}  // namespace millrace::bench
