#include "millrace/bench/what_if.hpp"

#include "millrace/bench/queueing.hpp"
#include "millrace/bench/simulator.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace::bench {
namespace {

WhatIfBase base() {
  return {.calibration = {{5000}, 120, Handling::work},
          .ring_messages = 1000,
          .vacations = {},
          .vacations_span_ns = 0,
          .curve = Verdict::pass};
}

TEST(WhatIf, ASlowerReaderWaitsAsTheFormulaSays) {
  const auto arrivals = poisson_arrivals(100e3, 300'000, 1);
  const WhatIfAnswer answer = what_if(base(), {.arrivals_ns = arrivals, .reader_slower = 0.2});
  EXPECT_TRUE(answer.supported);
  EXPECT_NEAR(answer.load, 0.6, 0.01);
  const double expected = 120 + 6000 + mean_wait(100e3 / 1e9, Moments::fixed(6000));
  EXPECT_NEAR(answer.host.mean_ns, expected, 0.03 * expected);
  EXPECT_EQ(answer.host.p99_ns, answer.quiet.p99_ns);
  EXPECT_EQ(answer.blocked_share, 0);
  EXPECT_EQ(answer.time_to_full_ns, 0);
}

TEST(WhatIf, AnOverloadFillsTheRingAndTwiceTheRingTakesTwiceAsLong) {
  const auto arrivals = constant_arrivals(250e3, 20'000);
  const WhatIfAnswer once = what_if(base(), {.arrivals_ns = arrivals});
  EXPECT_NEAR(once.load, 1.25, 0.01);
  // 250 in, 200 out a millisecond: 1,000 messages of room last 20 ms.
  EXPECT_NEAR(once.time_to_full_ns, 20e6, 0.1e6);
  EXPECT_EQ(once.backlog_max, 1000U);
  EXPECT_GT(once.blocked_share, 0.5);
  const WhatIfAnswer twice = what_if(base(), {.arrivals_ns = arrivals, .ring = 2});
  EXPECT_NEAR(twice.time_to_full_ns, 40e6, 0.2e6);
  EXPECT_LT(twice.blocked_share, once.blocked_share);
}

TEST(WhatIf, TheHostsShareIsWhatAQuietCoreWouldSave) {
  WhatIfBase busy = base();
  const auto arrivals = poisson_arrivals(100e3, 50'000, 2);
  const auto run = simulate(arrivals, {.service_ns = {5000}},
                            {.gaps_per_second = 500, .gap_ns = 100e3, .gap_sigma = 0.5}, 3);
  busy.vacations = run.vacations;
  busy.vacations_span_ns = run.vacations.back().end_ns;
  const WhatIfAnswer answer = what_if(busy, {.arrivals_ns = arrivals});
  EXPECT_GT(answer.host.p99_ns, 3 * answer.quiet.p99_ns);
  EXPECT_GT(answer.host.p999_ns, answer.host.p99_ns);
}

TEST(WhatIf, ShortVacationsAreRepeatedForLongArrivals) {
  WhatIfBase busy = base();
  busy.vacations = {{1e6, 2e6, true}};
  busy.vacations_span_ns = 10e6;
  const WhatIfAnswer answer = what_if(busy, {.arrivals_ns = constant_arrivals(100e3, 10'000)});
  EXPECT_GT(answer.host.mean_ns, answer.quiet.mean_ns + 0.09 * 0.5e6);
}

TEST(WhatIf, WithoutACurveThatPassedTheAnswerSaysSo) {
  WhatIfBase doubtful = base();
  doubtful.curve = Verdict::fail;
  const WhatIfAnswer answer = what_if(doubtful, {.arrivals_ns = constant_arrivals(1e5, 1000)});
  EXPECT_FALSE(answer.supported);
  EXPECT_THAT(answer.why, testing::HasSubstr("FAIL"));
  EXPECT_GT(answer.host.p50_ns, 5000);
}

TEST(WhatIf, TooFewMessagesTellNoFarPercentile) {
  const WhatIfAnswer answer = what_if(base(), {.arrivals_ns = constant_arrivals(1e5, 500)});
  EXPECT_GT(answer.host.p99_ns, 0);
  EXPECT_EQ(answer.host.p999_ns, 0);
}

TEST(WhatIf, AnImpossibleQuestionHasNoAnswer) {
  EXPECT_FALSE(what_if(base(), {.arrivals_ns = {1}}).supported);
  EXPECT_FALSE(what_if(base(), {.arrivals_ns = {1, 2}, .ring = 0.0001}).supported);
  EXPECT_FALSE(what_if(base(), {.arrivals_ns = {1, 2}, .reader_slower = -1}).supported);
}

}  // namespace
}  // namespace millrace::bench
