#include "millrace/bench/harness_checks.hpp"

#include "millrace/bench/conditions.hpp"
#include "simulated_reports.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace::bench {
namespace {

const PathInstructions kCompare{
    .publish_off = 40, .publish_sampled = 42, .poll_off = 30, .poll_sampled = 33};
const PathInstructions kHash{
    .publish_off = 40, .publish_sampled = 46, .poll_off = 30, .poll_sampled = 33};

CheckResult observer_report(std::uint64_t seed, double tax,
                            const std::optional<PathInstructions>& instructions,
                            double control_tax = 0) {
  Noise noise(seed, 0.004);
  const auto observed = [&](double share) {
    return [&noise, share] {
      return ObserverEvidence{.off_ns = 8, .sampled_ns = 8 * (1 + share) * noise(), .slices = 40};
    };
  };
  return check_observer(kHere, instructions, restarts_of(observed(tax)),
                        restarts_of(observed(control_tax)));
}

TEST(Observer, AHashOfEveryMessageFlipsTheExactGate) {
  const auto healthy = [](std::uint64_t seed) { return observer_report(seed, 0, kCompare); };
  EXPECT_EQ(reports(Verdict::pass, healthy), kReports);
  const CheckResult hashed = observer_report(1, 0, kHash);
  EXPECT_EQ(hashed.verdict, Verdict::fail);
  EXPECT_THAT(hashed.why, testing::HasSubstr("publish"));
  EXPECT_EQ(observer_report(1, 0, std::nullopt).verdict, Verdict::inconclusive);
}

TEST(Observer, TheLimitOfTimeIsTheLargerOfOnePercentAndAFifthOfANanosecond) {
  EXPECT_NEAR(observer_report(1, 0, kCompare).accept_high, 8.2, 1e-9);
  const auto taxed = [](std::uint64_t seed) { return observer_report(seed, 0.036, kCompare); };
  EXPECT_GE(reports(Verdict::fail, taxed), kReports - 10);
  const auto at_limit = [](std::uint64_t seed) { return observer_report(seed, 0.025, kCompare); };
  EXPECT_LE(reports(Verdict::fail, at_limit), kFalseFails);
  EXPECT_EQ(observer_report(1, 0.05, kCompare, 0.05).verdict, Verdict::invalid);
}

struct Gaps {
  double more = 1;      // times as many under load
  double sleep_ns = 0;  // a second
};

// 50 ms of load and 50 ms of bare, 200 times; every tenth pair the host takes ten times as much.
std::vector<AlibiBlock> blocks(std::uint64_t seed, const Gaps& plant) {
  std::mt19937_64 random(seed);
  std::vector<AlibiBlock> all;
  for (int at = 0; at < 200; ++at) {
    const double mean = at % 10 == 0 ? 500 : 50;
    AlibiBlock block{.load_seconds = 0.05, .bare_seconds = 0.05};
    block.load_gaps = std::poisson_distribution<int>(mean * plant.more)(random);
    block.bare_gaps = std::poisson_distribution<int>(mean)(random);
    block.load_gap_ns = 3000 * block.load_gaps;
    block.bare_gap_ns = 3000 * block.bare_gaps;
    if (plant.sleep_ns > 0 && at % 20 == 5) {  // once a second of load
      block.load_gaps += 1;
      block.load_gap_ns += plant.sleep_ns;
      block.own = true;
    }
    all.push_back(block);
  }
  return all;
}

CheckResult alibi_report(std::uint64_t seed, const Gaps& plant, const Gaps& control = {}) {
  return check_alibi(kHere, blocks(seed, plant), blocks(seed + 1'000'000, control));
}

TEST(Alibi, TwoMillisecondsOfSleepASecondFlipIt) {
  const auto healthy = [](std::uint64_t seed) { return alibi_report(seed, {}); };
  EXPECT_EQ(reports(Verdict::pass, healthy, 20), 20);
  const auto sleeper = [](std::uint64_t seed) { return alibi_report(seed, {.sleep_ns = 2e6}); };
  EXPECT_EQ(reports(Verdict::fail, sleeper, 20), 20);
}

TEST(Alibi, HalfAsManyGapsAgainFlipIt) {
  const auto busy = [](std::uint64_t seed) { return alibi_report(seed, {.more = 1.5}); };
  EXPECT_EQ(reports(Verdict::fail, busy, 20), 20);
  const auto at_limit = [](std::uint64_t seed) { return alibi_report(seed, {.more = 1.25}); };
  EXPECT_LE(reports(Verdict::fail, at_limit, 40), 4);
  EXPECT_EQ(alibi_report(1, {.more = 1.5}, {.more = 1.5}).verdict, Verdict::invalid);
}

TEST(Alibi, ABareSpinWithoutAnyGapExcusesNone) {
  std::vector<AlibiBlock> quiet(20, AlibiBlock{.load_seconds = 0.05, .bare_seconds = 0.05});
  EXPECT_EQ(check_alibi(kHere, quiet, {}).verdict, Verdict::pass);
  for (AlibiBlock& block : quiet)
    block.load_gaps = 2;
  EXPECT_EQ(check_alibi(kHere, quiet, {}).verdict, Verdict::fail);
}

TEST(Alibi, FewSlicesAreInconclusive) {
  EXPECT_EQ(check_alibi(kHere, std::vector<AlibiBlock>(19), {}).verdict, Verdict::inconclusive);
}

TEST(Conditions, EachThatDoesNotHoldIsNamed) {
  RunConditions sound{.effective_load = 0.5, .own_slip_p99_ns = 100, .service_ns = 2000};
  EXPECT_TRUE(broken_preconditions(sound).empty());
  RunConditions all = sound;
  all.calibration = "calibration changed";
  all.clock_stepped = true;
  all.ring_filled_by_generator = true;
  all.effective_load = 0.91;
  all.own_slip_p99_ns = 201;
  EXPECT_THAT(broken_preconditions(all),
              testing::ElementsAre("calibration changed", "clock step",
                                   "ring full by the generator's gap", "effective load above 0.9",
                                   "generator too slow: slip outside its own gaps"));
}

}  // namespace
}  // namespace millrace::bench
