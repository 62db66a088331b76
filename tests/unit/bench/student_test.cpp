#include "millrace/bench/student.hpp"

#include <cmath>
#include <random>

#include <gtest/gtest.h>

namespace millrace::bench {
namespace {

TEST(Student, QuantilesAreThoseOfTheTables) {
  EXPECT_NEAR(student_quantile(0.975, 1), 12.7062, 1e-4);
  EXPECT_NEAR(student_quantile(0.975, 9), 2.2622, 1e-4);
  EXPECT_NEAR(student_quantile(0.99, 9), 2.8214, 1e-4);
  EXPECT_NEAR(student_quantile(0.9995, 30), 3.6460, 1e-4);
  EXPECT_NEAR(student_quantile(0.5, 4), 0, 1e-12);
  EXPECT_TRUE(std::isinf(student_quantile(0.99, 0)));
}

TEST(Student, TheChanceBeyondAQuantileIsItsComplement) {
  for (const double probability : {0.6, 0.9, 0.99, 0.99999}) {
    EXPECT_NEAR(student_beyond(student_quantile(probability, 7), 7), 1 - probability, 1e-9);
  }
  EXPECT_EQ(student_beyond(INFINITY, 3), 0);
  EXPECT_EQ(student_beyond(-INFINITY, 3), 1);
}

TEST(Quantile, LiesBetweenItsNeighbours) {
  EXPECT_DOUBLE_EQ(quantile({4, 1, 3, 2}, 0.5), 2.5);
  EXPECT_DOUBLE_EQ(quantile({4, 1, 3, 2}, 1), 4);
  EXPECT_DOUBLE_EQ(quantile({}, 0.5), 0);
}

// Outages look like this: log-normal with sigma 1 (anchors, "profiler", section 5).
TEST(QuantileInterval, HoldsTheTruthAsOftenAsItSaysForSkewedValues) {
  std::mt19937_64 random(5);
  std::lognormal_distribution<double> outage(0, 1);
  int median_held = 0;
  int p90_held = 0;
  constexpr int kTrials = 1000;
  for (int trial = 0; trial < kTrials; ++trial) {
    std::vector<double> values(100);
    for (double& value : values)
      value = outage(random);
    const Interval middle = quantile_interval(values, 0.5, 0.025);
    const Interval upper = quantile_interval(values, 0.9, 0.025);
    median_held += middle.low <= 1 && middle.high >= 1 ? 1 : 0;
    p90_held += upper.low <= std::exp(1.2816) && upper.high >= std::exp(1.2816) ? 1 : 0;
  }
  EXPECT_GE(median_held, 940);
  EXPECT_LE(median_held, 985);
  EXPECT_GE(p90_held, 940);
  EXPECT_LE(p90_held, 985);
}

TEST(QuantileInterval, TooFewValuesBoundNothing) {
  const Interval found = quantile_interval({1, 2, 3}, 0.5, 0.01);
  EXPECT_EQ(found.low, 0);
  EXPECT_TRUE(std::isinf(found.high));
}

TEST(ShareBound, IsThreeOverTheNumberOfTrials) {
  EXPECT_NEAR(share_bound_without_a_case(100), 3.0 / 100, 0.001);
  EXPECT_NEAR(share_bound_without_a_case(1000), 3.0 / 1000, 1e-5);
  EXPECT_EQ(share_bound_without_a_case(0), 1);
}

// Gaps come in bursts: blocks of time of which a tenth hold ten times as many.
TEST(BlockBootstrap, HoldsTheTruthForCountsThatComeInBursts) {
  std::mt19937_64 random(9);
  int held = 0;
  constexpr int kTrials = 200;
  for (int trial = 0; trial < kTrials; ++trial) {
    std::vector<double> load;
    std::vector<double> bare;
    for (int block = 0; block < 150; ++block) {
      const double rate = block % 10 == 0 ? 100 : 10;
      load.push_back(std::poisson_distribution<int>(1.2 * rate)(random));
      bare.push_back(std::poisson_distribution<int>(rate)(random));
    }
    const Interval found = block_bootstrap_ratio(load, bare, 0.01, unsigned(trial));
    held += found.low <= 1.2 && found.high >= 1.2 ? 1 : 0;
  }
  EXPECT_GE(held, 190);
}

}  // namespace
}  // namespace millrace::bench
