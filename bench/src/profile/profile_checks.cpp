#include "millrace/bench/profile_checks.hpp"

#include "check_evidence.hpp"
#include "machine_fit.hpp"
#include "millrace/bench/conditions.hpp"
#include "millrace/bench/queueing.hpp"

#include <algorithm>

namespace millrace::bench {

namespace {

constexpr std::uint64_t kJoinOverLeast = 1'000;  // fewer messages a set cannot be joined

class Judge {
 public:
  explicit Judge(const ProfileRun& run)
      : run_(run),
        placements_(placements_of(run.load)),
        control_placements_(placements_of(run.control)),
        control_calibration_(calibrate_from(run.control)) {
    conditions_.calibration = run.calibration_refused;
    conditions_.own_slip_p99_ns = run.slip.own_p99_ns;
    conditions_.service_ns = run.calibration.service_ns;
    conditions_.hand_over_ns = run.calibration.hand_over_ns;
    for (const LoadEvidence& one : run.load)
      conditions_.clock_stepped = conditions_.clock_stepped || !one.clock.within_bounds;
    const double stolen = fit_of(run.load, run.options.plan.cpus).stolen_share;
    conditions_.effective_load =
        effective_load(rate(), run.calibration.service_ns, run.calibration.hand_over_ns, stolen);
  }

  ProfileVerdicts judge() {
    counts();
    rates();
    if (run_.options.plan.cpus.apart()) {
      curves();
      join();
      alibi();
    } else {
      for (const char* name : {"curve", "latency.join", "alibi"})
        skip(name, "oversubscribed: it needs a processor for each process");
    }
    skip_the_rest();
    made_.report = make_verdict_report(std::move(rows_));
    return std::move(made_);
  }

 private:
  [[nodiscard]] double rate() const {
    double sent = 0;
    double ns = 0;
    for (const LoadEvidence& one : run_.load) {
      for_each_slice(one, SliceKind::load, [&](const LoadSlice& slice) {
        sent += static_cast<double>(slice.count);
        ns += static_cast<double>(slice.end_ns - slice.begin_ns);
      });
    }
    return ns > 0 ? sent / ns * 1e9 : 0;
  }

  [[nodiscard]] Circumstances circumstances(const std::string& placement, bool timed) const {
    Circumstances made;
    made.placement = placement;
    made.quick = run_.options.mode == ProfileMode::quick;
    made.restart_seconds = seconds_of(run_.options);
    if (timed) made.broken = broken_preconditions(conditions_);
    return made;
  }

  void skip(const char* name, const char* why) { made_.unmeasured.push_back({name, why}); }

  // What `make` finds in every restart of a run whose plans are those of `plan_of`.
  template <class Evidence>
  auto of_each(Evidence (*make)(const LoadPlan&, const LoadEvidence&),
               const std::vector<LoadEvidence>& restarts,
               LoadPlan (*plan_of)(const ProfileOptions&, std::uint32_t)) const {
    std::vector<Evidence> found;
    for (const LoadEvidence& one : restarts)
      found.push_back(make(plan_of(run_.options, one.restart), one));
    return found;
  }

  void counts() {
    if (run_.options.plan.policy != Policy::block) {
      return skip("throughput.count",
                  "the channel may overwrite: what was lost is counted, not a defect");
    }
    rows_.push_back(check_throughput_count(circumstances("all", false),
                                           of_each(count_evidence, run_.load, load_plan_of),
                                           of_each(count_evidence, run_.control, control_plan_of)));
  }

  void rates() {
    rows_.push_back(check_throughput_rate(circumstances("all", false),
                                          of_each(rate_evidence, run_.load, load_plan_of),
                                          of_each(rate_evidence, run_.control, control_plan_of)));
  }

  [[nodiscard]] std::string curve_name() const {
    switch (run_.options.plan.shape.kind) {
      case LoadShape::Kind::on_off:
      case LoadShape::Kind::batch: return "curve.burst";
      case LoadShape::Kind::replay: return "curve.replay";
      default: return "curve";
    }
  }

  void curves() {
    const double service_ns = run_.calibration.service_ns;
    if (run_.options.plan.handler.kind == LoadHandler::Kind::none || service_ns <= 0) {
      return skip("curve",
                  "a handler that does nothing is shorter than five hand-overs: shown, not judged");
    }
    if (placements_.count() == 0)
      return skip("curve", "no two bare slices beside each other agree: the host never rests");
    for (std::size_t each = 0; each < placements_.count(); ++each)
      rows_.push_back(curve_at(each));
  }

  [[nodiscard]] CheckResult curve_at(std::size_t placement) const {
    const double bare_ns = placements_.bare_ns(placement);
    CurveEvidence evidence;
    evidence.name = curve_name();
    evidence.rate = rate();
    evidence.calibration = {run_.calibration.service, run_.calibration.hand_over_at(bare_ns),
                            handling_of(run_.options.plan.handler)};
    evidence.control_calibration = {control_calibration_.service,
                                    control_calibration_.hand_over_at(bare_ns),
                                    handling_of(run_.options.plan.handler)};
    for (const LoadEvidence& one : run_.load) {
      auto restart = curve_restart(one, placements_, placement);
      if (!restart.slices.empty()) evidence.restarts.push_back(std::move(restart));
    }
    if (control_placements_.count() != 0) {
      const std::size_t nearest = control_placements_.nearest(bare_ns);
      for (const LoadEvidence& one : run_.control) {
        auto restart = curve_restart(one, control_placements_, nearest);
        if (!restart.slices.empty()) evidence.control.push_back(std::move(restart));
      }
    }
    return check_curve(circumstances(placement_name(placements_, placement), true), evidence);
  }

  // The offset between two processors is at most half the fastest round trip between them.
  [[nodiscard]] double stamp_error_ns() const {
    double best = 0;
    double granularity = 0;
    for (const LoadEvidence& one : run_.load) {
      granularity = std::max(granularity, one.clock.granularity_ns);
      for (const double bare : one.bare_ns)
        best = best == 0 ? bare : std::min(best, bare);
    }
    return granularity + best / 2;
  }

  void join() {
    std::vector<JoinEvidence> subject;
    std::vector<JoinEvidence> control;
    for (const LoadEvidence& one : run_.load)
      subject.push_back(join_evidence(one));
    for (const LoadEvidence& one : run_.control)
      control.push_back(join_evidence(one));
    if (subject.empty() || subject.front().samples_published < kJoinOverLeast)
      return skip("latency.join", "too few messages in a restart for two sets of samples");
    rows_.push_back(
        check_latency_join(circumstances("all", true), stamp_error_ns(), subject, control));
  }

  void alibi() {
    rows_.push_back(check_alibi(circumstances("all", false), alibi_blocks(run_.load, false),
                                alibi_blocks(run_.load, true)));
  }

  void skip_the_rest() {
    skip("throughput.size", "needs streams of five sizes: tools/bench measures them");
    skip("latency.sum", "needs round trips without stamps: tools/bench measures them");
    skip("latency.durable", "needs batches that are written alone: tools/bench durable");
    skip("little", "needs the reader's released position beside each sampled publish");
    skip("wake", "the reader of this profile spins and never sleeps");
    skip("observer", "needs exact counts of instructions: the instruction gate of the tests");
    skip("availability", "needs processes to be killed: millrace crashtest does that");
    skip("sharing.count", "one subscriber has nobody to share with");
    skip("sharing.balance", "one subscriber has nobody to share with");
    skip("sharing.rate", "one subscriber has nobody to share with");
  }

  const ProfileRun& run_;
  Placements placements_;
  Placements control_placements_;
  LoadCalibration control_calibration_;
  RunConditions conditions_;
  std::vector<CheckResult> rows_;
  ProfileVerdicts made_;
};

}  // namespace

ProfileVerdicts judge_profile(const ProfileRun& run) {
  return Judge(run).judge();
}

}  // namespace millrace::bench
