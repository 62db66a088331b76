#include "millrace/bench/verdict.hpp"

#include "millrace/bench/slice_statistics.hpp"

#include <cmath>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace::bench {
namespace {

constexpr Limits kOnePercent{0.99, 1.01};

// Slices as they were measured (anchors, "profiler", section 2): a core of 1.8 %, 8 % of them with
// 10 %, neighbours that correlate by 0.3, and 0.4 % between restarts.
std::vector<double> restarts(double ratio, std::size_t count, std::size_t slices,
                             std::mt19937_64& random) {
  std::normal_distribution<double> normal(0, 1);
  std::bernoulli_distribution wide(0.08);
  std::vector<double> ratios;
  for (std::size_t restart = 0; restart < count; ++restart) {
    const double level = std::log(ratio) + 0.004 * normal(random);
    std::vector<double> logs;
    double state = normal(random);
    for (std::size_t slice = 0; slice < slices; ++slice) {
      state = 0.3 * state + std::sqrt(1 - 0.09) * normal(random);
      logs.push_back(level + (wide(random) ? 0.10 : 0.018) * state);
    }
    ratios.push_back(std::exp(median(logs)));
  }
  return ratios;
}

Replicates replicates(double ratio, std::size_t count, std::size_t slices,
                      std::mt19937_64& random) {
  return {.ratios = restarts(ratio, count, slices, random),
          .control = std::vector<double>(count, 1.0),
          .slices = count * slices};
}

// Of 1,000 reports of one check each, how many come to this verdict.
int reports(Verdict verdict, double ratio, std::size_t count, std::size_t slices) {
  std::mt19937_64 random(count * 1000 + slices + static_cast<std::size_t>(ratio * 1e5));
  int found = 0;
  for (int report = 0; report < 1000; ++report) {
    const auto result =
        judge_ratio("check", {}, 1, kOnePercent, replicates(ratio, count, slices, random));
    found += result.verdict == verdict ? 1 : 0;
  }
  return found;
}

// The table of section 2, with room for the chance of 1,000 reports.
TEST(Verdict, ErrorRatesAreThoseOfTheTableForTenRestarts) {
  EXPECT_GE(reports(Verdict::pass, 1.0, 10, 40), 900);
  EXPECT_EQ(reports(Verdict::fail, 1.0, 10, 40), 0);
  EXPECT_LE(reports(Verdict::fail, 1.01, 10, 40), 20);
  EXPECT_LE(reports(Verdict::pass, 1.01, 10, 40), 20);
  EXPECT_NEAR(reports(Verdict::fail, 1.015, 10, 40), 460, 150);
  EXPECT_GE(reports(Verdict::fail, 1.02, 10, 40), 930);
  EXPECT_GE(reports(Verdict::fail, 1.03, 10, 40), 995);
}

TEST(Verdict, ErrorRatesAreThoseOfTheTableForFiveRestarts) {
  EXPECT_NEAR(reports(Verdict::pass, 1.0, 5, 40), 320, 150);
  EXPECT_LE(reports(Verdict::fail, 1.01, 5, 40), 25);
  EXPECT_NEAR(reports(Verdict::fail, 1.02, 5, 40), 580, 170);
}

// 12 checks in 3 placements, all of them exactly at their limit.
TEST(Verdict, HolmHoldsTheFalseFailsOfAWholeReport) {
  std::mt19937_64 random(17);
  std::normal_distribution<double> noise(0, 0.005);
  int alone = 0;
  int corrected = 0;
  for (int report = 0; report < 200; ++report) {
    std::vector<CheckResult> rows;
    for (int row = 0; row < 36; ++row) {
      Replicates found{.ratios = {}, .control = std::vector<double>(10, 1.0), .slices = 400};
      for (int restart = 0; restart < 10; ++restart)
        found.ratios.push_back(1.01 * std::exp(noise(random)));
      rows.push_back(judge_ratio("check", {}, 1, kOnePercent, found));
    }
    alone += worst_of(rows) == Verdict::fail ? 1 : 0;
    apply_holm(rows);
    corrected += worst_of(rows) == Verdict::fail ? 1 : 0;
  }
  EXPECT_GE(alone, 40);     // 1 - 0.99^36 = 30 % of them
  EXPECT_LE(corrected, 7);  // 1 %: more than 7 of 200 once in a thousand
}

TEST(Verdict, HolmKeepsAFailThatIsPlainAndStatesTheDefectForAllRows) {
  std::mt19937_64 random(3);
  std::vector<CheckResult> rows;
  for (int row = 0; row < 20; ++row)
    rows.push_back(judge_ratio("good", {}, 1, kOnePercent, replicates(1.0, 10, 40, random)));
  rows.push_back(judge_ratio("bad", {}, 1, kOnePercent, replicates(1.05, 10, 40, random)));
  const double alone = rows.back().smallest_defect;
  apply_holm(rows);
  EXPECT_EQ(rows.back().verdict, Verdict::fail);
  EXPECT_GT(rows.back().smallest_defect, alone);
  EXPECT_LT(rows.back().smallest_defect, 0.05);
}

TEST(Verdict, AFailNeedsAControlRowThatIsWithin) {
  std::mt19937_64 random(4);
  Replicates found = replicates(1.05, 10, 40, random);
  EXPECT_EQ(judge_ratio("check", {}, 1, kOnePercent, found).verdict, Verdict::fail);
  found.control[3] = 0;  // a restart without a statistic
  EXPECT_EQ(judge_ratio("check", {}, 1, kOnePercent, found).verdict, Verdict::inconclusive);
  found.control.clear();
  EXPECT_EQ(judge_ratio("check", {}, 1, kOnePercent, found).verdict, Verdict::inconclusive);
  found.control = {0.9, 1.1, 0.95, 1.05, 1.0, 1.2, 0.8, 1.0, 1.1, 0.9};
  EXPECT_EQ(judge_ratio("check", {}, 1, kOnePercent, found).verdict, Verdict::inconclusive);
  found.control.assign(10, 1.05);
  const auto leaning = judge_ratio("check", {}, 1, kOnePercent, found);
  EXPECT_EQ(leaning.verdict, Verdict::invalid);
  EXPECT_THAT(leaning.why, testing::HasSubstr("control row"));
  found.ratios.assign(10, 1.0);  // a harness that leans passes nothing either
  EXPECT_EQ(judge_ratio("check", {}, 1, kOnePercent, found).verdict, Verdict::invalid);
}

TEST(Verdict, TooFewRestartsOrSlicesAreInconclusiveAndSayWhatItTakes) {
  std::mt19937_64 random(6);
  Circumstances circumstances{.placement = "120 ns", .restart_seconds = 4};
  const auto few = judge_ratio("check", circumstances, 1, {0.5, 2}, replicates(1.0, 4, 40, random));
  EXPECT_EQ(few.verdict, Verdict::inconclusive);
  EXPECT_EQ(few.seconds_needed, 20);
  EXPECT_EQ(few.placement, "120 ns");
  Replicates thin = replicates(1.0, 5, 40, random);
  thin.slices = 19;
  EXPECT_EQ(judge_ratio("check", circumstances, 1, {0.5, 2}, thin).verdict, Verdict::inconclusive);
}

TEST(Verdict, AnInconclusiveRowSaysTheSmallestDefectAndTheSecondsThatItTakes) {
  Replicates found{.ratios = {}, .control = std::vector<double>(10, 1.0), .slices = 400};
  for (int restart = 0; restart < 10; ++restart)
    found.ratios.push_back(restart % 2 == 0 ? 0.98 : 1.02);
  const auto result = judge_ratio("check", {.restart_seconds = 4}, 1, kOnePercent, found);
  EXPECT_EQ(result.verdict, Verdict::inconclusive);
  // sd 2.1 %: half-width t(R - 1) 2.1 % / sqrt(R) gets below 1 % at R = 28.
  EXPECT_NEAR(result.seconds_needed, 4 * 28, 4 * 2);
  // 1 % + (t(.99) + t(.95)) 2.1 % / sqrt(10)
  EXPECT_NEAR(result.smallest_defect, 0.01 + (2.821 + 1.833) * 0.0211 / std::sqrt(10), 0.002);
  EXPECT_THAT(result.why, testing::HasSubstr("1.9 %"));
}

// The promise of `smallest_defect`, at a row whose noise is known.
TEST(Verdict, TheSmallestDefectIsSeenInNineteenOfTwentyReports) {
  std::mt19937_64 random(8);
  std::normal_distribution<double> noise(0, 0.01);
  const double claimed = (2.821 + 1.833) * 0.01 / std::sqrt(10) + 0.01;
  int seen = 0;
  for (int report = 0; report < 1000; ++report) {
    Replicates found{.ratios = {}, .control = std::vector<double>(10, 1.0), .slices = 400};
    for (int restart = 0; restart < 10; ++restart)
      found.ratios.push_back(std::exp(claimed + noise(random)));
    seen += judge_ratio("check", {}, 1, kOnePercent, found).verdict == Verdict::fail ? 1 : 0;
  }
  EXPECT_NEAR(seen, 950, 25);
}

TEST(Verdict, QuickModePassesOnlyWideLimits) {
  const Circumstances quick{.placement = "all", .quick = true, .restart_seconds = 1};
  const Replicates close{.ratios = {1.0, 1.001, 0.999}, .control = {1, 1, 1}, .slices = 60};
  EXPECT_EQ(judge_ratio("check", quick, 1, {0.9, 1.1}, close).verdict, Verdict::pass);
  const auto narrow = judge_ratio("check", quick, 1, {0.95, 1.05}, close);
  EXPECT_EQ(narrow.verdict, Verdict::inconclusive);
  EXPECT_THAT(narrow.why, testing::HasSubstr("quick mode"));
  const Replicates bad{.ratios = {2.0, 2.01, 1.99}, .control = {1, 1, 1}, .slices = 60};
  EXPECT_EQ(judge_ratio("check", quick, 1, {0.9, 1.1}, bad).verdict, Verdict::fail);
  const Circumstances full{.placement = "all", .restart_seconds = 1};
  EXPECT_EQ(judge_ratio("check", full, 1, {0.9, 1.1}, close).verdict, Verdict::inconclusive);
}

TEST(Verdict, ABrokenPreconditionIsNamedWhateverWasMeasured) {
  std::mt19937_64 random(2);
  const Circumstances broken{.placement = "all", .broken = {"clock step"}};
  const auto result = judge_ratio("check", broken, 1, kOnePercent, replicates(1, 10, 40, random));
  EXPECT_EQ(result.verdict, Verdict::invalid);
  EXPECT_EQ(result.why, "clock step");
}

TEST(Verdict, TheWorstPartStandsForACheckWithSeveral) {
  std::mt19937_64 random(12);
  const std::vector<Part> parts = {{.name = "p50",
                                    .prediction = 100,
                                    .limits = {0.9, 1.1},
                                    .replicates = replicates(1.0, 10, 40, random)},
                                   {.name = "p99",
                                    .prediction = 900,
                                    .limits = {0.9, 1.1},
                                    .replicates = replicates(1.3, 10, 40, random)}};
  const auto result = judge_parts("curve", {}, parts);
  EXPECT_EQ(result.verdict, Verdict::fail);
  EXPECT_EQ(result.prediction, 900);
  EXPECT_NEAR(result.measurement, 1170, 10);
  EXPECT_LE(result.low, result.measurement);
  EXPECT_GT(result.low, result.accept_high);
  EXPECT_THAT(result.why, testing::StartsWith("p99"));
}

TEST(Verdict, TheWorstOfAReportDecidesTheExitCode) {
  EXPECT_EQ(exit_code(Verdict::pass), 0);
  EXPECT_EQ(exit_code(Verdict::fail), 1);
  EXPECT_EQ(exit_code(Verdict::inconclusive), 3);
  EXPECT_EQ(exit_code(Verdict::invalid), 3);
  EXPECT_EQ(worst(Verdict::invalid, Verdict::fail), Verdict::fail);
  EXPECT_EQ(worst(Verdict::pass, Verdict::inconclusive), Verdict::inconclusive);
  EXPECT_EQ(worst_of({}), Verdict::pass);
}

}  // namespace
}  // namespace millrace::bench
