#include "millrace/bench/queueing.hpp"

#include <cmath>

#include <gtest/gtest.h>

namespace millrace::bench {
namespace {

// Values of anchors "measurement", section 2.5.
TEST(Queueing, MeanWaitsAreThoseOfTheBooks) {
  EXPECT_DOUBLE_EQ(mean_wait(0.5, Moments::fixed(1)), 0.5);
  EXPECT_DOUBLE_EQ(mean_wait(0.8, Moments::fixed(1)), 2.0);
  EXPECT_DOUBLE_EQ(mean_wait(0.5, {.mean = 1, .square = 3}), 1.5);
  EXPECT_TRUE(std::isinf(mean_wait(1.0, Moments::fixed(1))));
}

TEST(Queueing, BatchesAreThoseOfTheEmbeddedChain) {
  EXPECT_NEAR(mean_time_in_batches(0.2, 1, 0.2), 1.3529, 2e-4);
  EXPECT_NEAR(mean_time_in_batches(1, 1, 0.2), 1.9795, 2e-4);
  EXPECT_NEAR(mean_time_in_batches(3, 1, 0.2), 4.156, 1e-3);
  EXPECT_NEAR(mean_time_in_batches(1, 1, 0), 1.3655, 2e-4);
  EXPECT_TRUE(std::isinf(mean_time_in_batches(5, 1, 0.2)));
}

TEST(Queueing, CatchingUpTakesTheBacklogOverTheRoomThatIsLeft) {
  EXPECT_DOUBLE_EQ(catch_up(10, 1, 3), 5);
  EXPECT_TRUE(std::isinf(catch_up(10, 3, 3)));
}

TEST(Queueing, WhatIsTestableIsTheTableOfTheAnchors) {
  EXPECT_TRUE(testable(5.4 * 60, 60, 0.3));
  EXPECT_FALSE(testable(5.2 * 60, 60, 0.3));
  EXPECT_TRUE(testable(13.3 * 270, 270, 0.8));
  EXPECT_FALSE(testable(1000, 270, 0.7));
  EXPECT_FALSE(testable(1e9, 1, 1));
}

TEST(Queueing, TheEffectiveLoadCountsTheFetchAndWhatTheHostTakes) {
  EXPECT_NEAR(effective_load(0.7 / 1000, 1000, 300, 0), 0.77, 1e-12);
  EXPECT_NEAR(effective_load(0.7 / 1000, 1000, 300, 0.3), 1.1, 1e-12);
}

}  // namespace
}  // namespace millrace::bench
