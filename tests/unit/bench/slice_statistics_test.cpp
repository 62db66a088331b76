#include "millrace/bench/slice_statistics.hpp"

#include <cmath>
#include <random>

#include <gtest/gtest.h>

namespace millrace::bench {
namespace {

// Restart medians of a subject that truly takes `ratio` times its baseline: 40 slices a restart
// with 2 % of noise each, 0.5 % between restarts, and a tenth of the slices hit by the host.
std::vector<double> restarts(double ratio, std::size_t count, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> slice_noise(0, 0.02);
  std::normal_distribution<double> restart_noise(0, 0.005);
  std::vector<double> medians;
  for (std::size_t restart = 0; restart < count; ++restart) {
    const double shift = restart_noise(random);
    std::vector<double> logs;
    for (int slice = 0; slice < 40; ++slice) {
      const double hit = slice % 10 == 0 ? 0.5 : 0;
      logs.push_back(std::log(ratio) + shift + slice_noise(random) + hit);
    }
    medians.push_back(median(logs));
  }
  return medians;
}

TEST(SliceStatistics, TakesTheMiddleOrTheMeanOfTheTwoMiddleValues) {
  EXPECT_DOUBLE_EQ(median({}), 0);
  EXPECT_DOUBLE_EQ(median({7}), 7);
  EXPECT_DOUBLE_EQ(median({9, 1, 2}), 2);
  EXPECT_DOUBLE_EQ(median({4, 100, 1, 2}), 3);
}

TEST(SliceStatistics, AJumpOfTheHostInsideASliceDoesNotCount) {
  std::vector<double> parts(kSubSlices, 120.0);
  for (std::size_t part = 0; part < 7; ++part)
    parts[part] = 560;
  EXPECT_DOUBLE_EQ(median(parts), 120);
}

TEST(SliceStatistics, TakesTheRatioToTheGeometricMeanOfTheBrackets) {
  EXPECT_DOUBLE_EQ(std::exp(log_ratio(110, 100, 100)), 1.1);
  EXPECT_NEAR(std::exp(log_ratio(200, 100, 400)), 1.0, 1e-12);
}

TEST(SliceStatistics, BareSlicesAgreeWithinTheirLimitOnly) {
  EXPECT_TRUE(agree(100, 107));
  EXPECT_TRUE(agree(107, 100));
  EXPECT_FALSE(agree(100, 109));
  EXPECT_FALSE(agree(109, 100));
}

TEST(SliceStatistics, StudentsValuesAreThoseOfTheTables) {
  EXPECT_NEAR(student_t(1), 31.821, 1e-3);
  EXPECT_NEAR(student_t(9), 2.821, 1e-3);
  EXPECT_NEAR(student_t(30), 2.457, 1e-3);
  EXPECT_NEAR(student_t(60), 2.390, 5e-3);
  EXPECT_NEAR(student_t(1'000'000), 2.326, 1e-3);
  for (std::size_t freedom = 1; freedom < 200; ++freedom) {
    EXPECT_GT(student_t(freedom), student_t(freedom + 1)) << freedom;
  }
}

TEST(SliceStatistics, TheIntervalIsStudentsOverRestarts) {
  const std::vector<double> logs = {std::log(1.0), std::log(1.21)};
  const Estimate found = estimate(logs, 80);
  EXPECT_NEAR(found.ratio, 1.1, 1e-12);                                 // a mean of logarithms
  const double half = 31.8205159538 * std::abs(logs[1] - logs[0]) / 2;  // t(1) * sd / sqrt(2)
  EXPECT_NEAR(std::log(found.high / found.ratio), half, 1e-9);
  EXPECT_NEAR(std::log(found.ratio / found.low), half, 1e-9);
  EXPECT_EQ(found.slices, 80U);
  EXPECT_EQ(found.restarts, 2U);
}

TEST(SliceStatistics, OneRestartHasNoInterval) {
  const std::vector<double> one = {std::log(1.1)};
  const Estimate found = estimate(one, 1000);
  EXPECT_NEAR(found.ratio, 1.1, 1e-12);
  EXPECT_EQ(found.low, 0);
  EXPECT_TRUE(std::isinf(found.high));
  EXPECT_EQ(judge(found, 2.0, Better::lower), Met::inconclusive);
}

TEST(SliceStatistics, TheIntervalHoldsTheTruthAsOftenAsItSays) {
  int held = 0;
  constexpr int kTrials = 1000;
  for (int trial = 0; trial < kTrials; ++trial) {
    const auto medians = restarts(1.1, 10, static_cast<std::uint64_t>(trial) + 1);
    // The hits of the host move the median of the slices a little: that is part of the truth.
    const auto found = estimate(medians, 400);
    held += found.low <= 1.1 * std::exp(0.0028) && found.high >= 1.1 * std::exp(0.0028) ? 1 : 0;
  }
  EXPECT_GE(held, 965);
  EXPECT_LE(held, 995);
}

TEST(SliceStatistics, ASlowDownOfAThirdIsSeenAndASmallOneWithinTheNoiseIsNot) {
  const auto healthy = estimate(restarts(1.05, 10, 7), 400);
  const auto slowed = estimate(restarts(1.05 * 1.3, 10, 8), 400);
  EXPECT_EQ(judge(healthy, 1.15, Better::lower), Met::yes);
  EXPECT_EQ(judge(slowed, 1.15, Better::lower), Met::no);
  EXPECT_GT(slowed.low, healthy.high);
  const auto close = estimate(restarts(1.15, 10, 9), 400);
  EXPECT_EQ(judge(close, 1.15, Better::lower), Met::inconclusive);
}

TEST(SliceStatistics, HigherIsBetterTurnsTheJudgementRound) {
  const auto fast = estimate(restarts(1.6, 10, 3), 400);
  EXPECT_EQ(judge(fast, 1.0, Better::higher), Met::yes);
  EXPECT_EQ(judge(fast, 2.0, Better::higher), Met::no);
}

TEST(SliceStatistics, TooFewRestartsOrSlicesAreNeverJudged) {
  EXPECT_EQ(judge(estimate(restarts(1.0, 4, 1), 400), 2.0, Better::lower), Met::inconclusive);
  EXPECT_EQ(judge(estimate(restarts(1.0, 10, 1), 19), 2.0, Better::lower), Met::inconclusive);
  EXPECT_EQ(judge(estimate(restarts(1.0, 5, 1), 20), 2.0, Better::lower), Met::yes);
}

TEST(SliceStatistics, ANullRowMustContainOne) {
  EXPECT_EQ(judge_null(estimate(restarts(0.997, 10, 2), 400), 0.005), Met::yes);
  EXPECT_EQ(judge_null(estimate(restarts(1.05, 10, 2), 400), 0.005), Met::no);
  EXPECT_EQ(judge_null(estimate(restarts(0.95, 10, 2), 400), 0.005), Met::no);
}

TEST(Placements, AreFoundByTheirGapsAndExcursionsMakeNone) {
  std::mt19937_64 random(11);
  std::normal_distribution<double> noise(0, 0.015);
  std::vector<double> bare;
  for (int i = 0; i < 600; ++i)
    bare.push_back(121 * std::exp(noise(random)));
  for (int i = 0; i < 300; ++i)
    bare.push_back(552 * std::exp(noise(random)));
  for (double lost = 150; lost < 500; lost += 35)
    bare.push_back(lost);  // a bridge of excursions
  const auto found = Placements::find(bare);
  ASSERT_EQ(found.count(), 2U);
  EXPECT_NEAR(found.bare_ns(0), 121, 1);
  EXPECT_NEAR(found.bare_ns(1), 552, 4);
  EXPECT_EQ(found.of(122), 0U);
  EXPECT_EQ(found.of(549), 1U);
  EXPECT_FALSE(found.of(300).has_value());
  EXPECT_EQ(found.nearest(200), 0U);
  EXPECT_EQ(found.nearest(330), 1U);
}

TEST(Placements, OneCloudIsOnePlacementHoweverFast) {
  std::vector<double> bare;
  for (int i = 0; i < 200; ++i)
    bare.push_back(50 + 0.05 * i);  // 50 to 60 ns, no gap
  const auto found = Placements::find(bare);
  ASSERT_EQ(found.count(), 1U);
  EXPECT_NEAR(found.bare_ns(0), 55, 0.1);
  EXPECT_EQ(found.slices(0), 200U);
}

TEST(Placements, NothingMeasuredIsNoPlacement) {
  EXPECT_EQ(Placements::find({}).count(), 0U);
}

}  // namespace
}  // namespace millrace::bench
