#include "millrace/bench/curve_check.hpp"

#include "millrace/bench/simulator.hpp"
#include "simulated_reports.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace::bench {
namespace {

using testing::HasSubstr;

constexpr double kHandOver = 120;
constexpr std::size_t kSlices = 4;
// A host as it was measured: a thousand gaps a second, most of them short, some long.
const SimulatedHost kHost{.gaps_per_second = 1000, .gap_ns = 2500, .gap_sigma = 1};

struct Load {
  double rate = 100e3;
  double service_ns = 5000;
  bool bursts = false;
  Handling handling = Handling::work;
};

SimulatedReader reader_of(const Load& load) {
  return {.service_ns = {load.service_ns},
          .handling = load.handling,
          .hand_over_ns = kHandOver,
          .fetch_ns = kHandOver / 3};  // what the drain does not see
}

CurveRestart restart_of(const Load& load, const SimulatedReader& reader, const SimulatedHost& host,
                        std::uint64_t seed, std::size_t slices = kSlices) {
  CurveRestart restart;
  for (std::size_t slice = 0; slice < slices; ++slice) {
    const auto count = static_cast<std::size_t>(load.rate * 0.03);
    const std::uint64_t own = seed * 10 + slice;
    const auto published = load.bursts ? burst_arrivals(load.rate, 2e6, 2e6, count, own)
                                       : poisson_arrivals(load.rate, count, own);
    const auto run = simulate(published, reader, host, own + 1);
    CurveSlice made{published, {}, run.vacations};
    for (const SimulatedMessage& message : run.messages)
      made.processed_ns.push_back(message.processed_ns);
    restart.slices.push_back(std::move(made));
  }
  return restart;
}

CurveEvidence evidence_of(const Load& load, const SimulatedReader& reader,
                          const SimulatedHost& host, std::uint64_t seed) {
  CurveEvidence evidence;
  evidence.name = load.bursts ? "curve.burst" : "curve";
  evidence.rate = load.rate;
  evidence.calibration = {{load.service_ns}, kHandOver, load.handling};
  evidence.control_calibration = evidence.calibration;
  for (std::uint64_t restart = 0; restart < kRestarts; ++restart) {
    evidence.restarts.push_back(restart_of(load, reader, host, seed * 1000 + restart));
    evidence.control.push_back(
        restart_of(load, reader_of(load), host, seed * 1000 + 500 + restart));
  }
  return evidence;
}

CheckResult report(const Load& load, const SimulatedReader& reader, std::uint64_t seed) {
  return check_curve(kHere, evidence_of(load, reader, kHost, seed));
}

CheckResult healthy(const Load& load, std::uint64_t seed) {
  return report(load, reader_of(load), seed);
}

TEST(Curve, AHealthyReaderIsPredictedAtEveryLoadAlthoughTheHostInterferes) {
  for (const double load : {0.1, 0.3, 0.5, 0.7}) {
    const CheckResult result = healthy({.rate = load / 5000 * 1e9}, 1);
    EXPECT_EQ(result.verdict, Verdict::pass) << load << ": " << result.why;
    EXPECT_NEAR(result.residual, 0, 0.1) << load;
  }
}

TEST(Curve, ADeadlineHandlerIsReplayedAsOne) {
  EXPECT_EQ(healthy({.handling = Handling::deadline}, 2).verdict, Verdict::pass);
}

TEST(Curve, FalseFailsOfAHealthyReaderAreNone) {
  CurveEvidence evidence = evidence_of({}, reader_of({}), kHost, 1);  // one control for all
  const auto one = [&evidence](std::uint64_t seed) {
    for (std::uint64_t restart = 0; restart < kRestarts; ++restart)
      evidence.restarts[restart] = restart_of({}, reader_of({}), kHost, seed * 1000 + restart, 2);
    return check_curve(kHere, evidence);
  };
  int failed = 0;
  int passed = 0;
  for (std::uint64_t seed = 1; seed <= kReports; ++seed) {
    const Verdict verdict = one(seed).verdict;
    failed += verdict == Verdict::fail ? 1 : 0;
    passed += verdict == Verdict::pass ? 1 : 0;
  }
  EXPECT_EQ(failed, 0);
  EXPECT_GE(passed, kReports * 9 / 10);
}

TEST(Curve, OneMessageInAHundredTenTimesSlowerFlipsIt) {
  const auto slow = [](std::uint64_t seed) {
    SimulatedReader reader = reader_of({});
    reader.slow_share = 0.01;
    reader.slow_factor = 10;
    return report({}, reader, seed);
  };
  EXPECT_EQ(reports(Verdict::fail, slow, 10), 10);
  EXPECT_GT(slow(1).residual, 0.1);
}

// Finding 4: with the service of the judged run the prediction would come true by itself.
TEST(Curve, ServiceFromTheJudgedRunWouldHideTheDefect) {
  SimulatedReader reader = reader_of({});
  reader.slow_share = 0.01;
  reader.slow_factor = 10;
  CurveEvidence evidence = evidence_of({}, reader, kHost, 3);
  evidence.calibration.service_ns.assign(99, 5000);
  evidence.calibration.service_ns.push_back(50'000);
  EXPECT_NE(check_curve(kHere, evidence).verdict, Verdict::fail);
}

// The step back of a reader that follows too far away: seen at low load, where messages are lone.
TEST(Curve, ALoneMessageThatIsOneMicrosecondLateFlipsTheLowLoads) {
  for (const bool bursts : {false, true}) {
    const Load load{.rate = 0.1 / 5000 * 1e9, .bursts = bursts};
    SimulatedReader reader = reader_of(load);
    reader.lone_delay_ns = 1000;
    const CheckResult late = report(load, reader, 4);
    EXPECT_EQ(late.verdict, Verdict::fail) << late.why;
    EXPECT_EQ(late.name, bursts ? "curve.burst" : "curve");
    EXPECT_EQ(healthy(load, 4).verdict, Verdict::pass);
  }
}

// Finding 6: the gap meter sees the reader's own stalls too; without an alibi they do not count.
TEST(Curve, AStallOfTheReadersOwnIsNoExcuse) {
  SimulatedReader reader = reader_of({});
  reader.own_stall_ns = 40e3;
  reader.own_stall_every_ns = 1e6;
  CurveEvidence evidence = evidence_of({}, reader, kHost, 5);
  EXPECT_EQ(check_curve(kHere, evidence).verdict, Verdict::fail);
  for (CurveRestart& restart : evidence.restarts) {
    for (CurveSlice& slice : restart.slices) {
      for (Vacation& vacation : slice.vacations)
        vacation.excused = true;  // as a report without alibis would have it
    }
  }
  EXPECT_NE(check_curve(kHere, evidence).verdict, Verdict::fail);
}

TEST(Curve, AControlRowThatIsOffIsInvalid) {
  SimulatedReader reader = reader_of({});
  reader.slow_share = 0.01;
  reader.slow_factor = 10;
  CurveEvidence evidence = evidence_of({}, reader, kHost, 6);
  evidence.control = evidence.restarts;
  EXPECT_EQ(check_curve(kHere, evidence).verdict, Verdict::invalid);
}

TEST(Curve, WhereTheHostMakesTheWaitNothingIsJudged) {
  const SimulatedHost thief{.gaps_per_second = 400, .gap_ns = 500e3, .gap_sigma = 0.5};
  const CheckResult result = check_curve(kHere, evidence_of({}, reader_of({}), thief, 7));
  EXPECT_EQ(result.verdict, Verdict::inconclusive);
  EXPECT_THAT(result.why, HasSubstr("host"));
}

TEST(Curve, AShortServiceOrAHighRateIsShownAndNotJudged) {
  const CheckResult brief = healthy({.rate = 1e6, .service_ns = 500}, 8);
  EXPECT_EQ(brief.verdict, Verdict::inconclusive);
  EXPECT_THAT(brief.why, HasSubstr("too short"));
  CurveEvidence fast = evidence_of({}, reader_of({}), kHost, 8);
  fast.rate = 2.6e6;
  EXPECT_EQ(check_curve(kHere, fast).verdict, Verdict::inconclusive);
}

TEST(Curve, WithoutACalibrationNothingIsJudged) {
  CurveEvidence evidence = evidence_of({}, reader_of({}), kHost, 8);
  evidence.calibration.service_ns.clear();
  const CheckResult result = check_curve(kHere, evidence);
  EXPECT_EQ(result.verdict, Verdict::inconclusive);
  EXPECT_THAT(result.why, HasSubstr("no drain"));
}

TEST(Curve, ABrokenPreconditionIsInvalid) {
  const Circumstances broken{.placement = "120 ns", .broken = {"effective load above 0.9"}};
  const CheckResult result = check_curve(broken, evidence_of({}, reader_of({}), kHost, 9));
  EXPECT_EQ(result.verdict, Verdict::invalid);
  EXPECT_EQ(result.why, "effective load above 0.9");
}

TEST(Curve, AHandlerWithADistributionIsDrawnFromItsDrain) {
  SimulatedReader reader = reader_of({});
  reader.service_ns = {3000, 4000, 5000, 8000};
  CurveEvidence evidence = evidence_of({}, reader, kHost, 10);
  evidence.calibration.service_ns = reader.service_ns;
  evidence.control = evidence.restarts;
  evidence.control_calibration = evidence.calibration;
  EXPECT_EQ(check_curve(kHere, evidence).verdict, Verdict::pass);
}

TEST(Excuse, AGapInASliceWithAFaultOrASleepIsTheReadersOwn) {
  std::vector<Vacation> vacations = {{5, 6}, {15, 16}, {25, 26}, {29, 31}};
  const std::vector<ReaderAccount> accounts = {{.begin_ns = 0, .end_ns = 10},
                                               {.begin_ns = 10, .end_ns = 20, .faults = 1},
                                               {.begin_ns = 20, .end_ns = 30},
                                               {.begin_ns = 30, .end_ns = 40, .voluntary = 2}};
  excuse(vacations, accounts);
  EXPECT_TRUE(vacations[0].excused);
  EXPECT_FALSE(vacations[1].excused);
  EXPECT_TRUE(vacations[2].excused);
  EXPECT_FALSE(vacations[3].excused);
}

}  // namespace
}  // namespace millrace::bench
