#include "millrace/bench/simulator.hpp"

#include "millrace/bench/queueing.hpp"

#include <cmath>

#include <gtest/gtest.h>

namespace millrace::bench {
namespace {

constexpr std::size_t kMessages = 300'000;

double mean_sojourn(const SimulatedRun& run) {
  double sum = 0;
  for (const SimulatedMessage& message : run.messages)
    sum += message.processed_ns - message.published_ns;
  return sum / static_cast<double>(run.messages.size());
}

SimulatedRun poisson(double load, const SimulatedReader& reader, const SimulatedHost& host = {}) {
  return simulate(poisson_arrivals(load * 1e6, kMessages, 11), reader, host, 12);
}

TEST(Simulator, FixedServiceWaitsAsPollaczekAndKhinchineSay) {
  for (const double load : {0.3, 0.5, 0.8}) {
    const double expected = 1000 + mean_wait(load / 1000, Moments::fixed(1000));
    EXPECT_NEAR(mean_sojourn(poisson(load, {.hand_over_ns = 0})), expected, 0.03 * expected);
  }
}

TEST(Simulator, VariableServiceWaitsLonger) {
  const SimulatedReader reader{.service_ns = {200, 200, 200, 3400}, .hand_over_ns = 0};
  const Moments service{1000, (3 * 200.0 * 200 + 3400.0 * 3400) / 4};
  const double expected = 1000 + mean_wait(0.6 / 1000, service);
  EXPECT_NEAR(mean_sojourn(poisson(0.6, reader)), expected, 0.04 * expected);
}

TEST(Simulator, AReaderThatMustBeWokenWaitsForItsSetup) {
  const SimulatedReader reader{
      .service_ns = {1000}, .hand_over_ns = 0, .spin_ns = 1e-9, .wake_ns = {2000, 6000}};
  const double rate = 0.4 / 1000;
  const Moments setup{4000, (2000.0 * 2000 + 6000.0 * 6000) / 2};
  const double expected =
      1000 + mean_wait(rate, Moments::fixed(1000)) + mean_wait_of_setup(rate, setup);
  EXPECT_NEAR(mean_sojourn(poisson(0.4, reader)), expected, 0.03 * expected);
}

TEST(Simulator, AHostThatTakesTheProcessorAwayIsACustomerOfHigherRank) {
  // So few that hardly two overlap: the formula would let the second wait for the first.
  const SimulatedHost host{.gaps_per_second = 5000, .gap_ns = 4000, .gap_sigma = 0.5};
  const double mean_gap = 4000 * std::exp(0.125);
  const Moments gap{mean_gap, mean_gap * mean_gap * std::exp(0.25)};
  const double expected = mean_time_with_gaps(0.5 / 1000, Moments::fixed(1000), 5000 / 1e9, gap);
  const double found = mean_sojourn(poisson(0.5, {.hand_over_ns = 0}, host));
  EXPECT_NEAR(found, expected, 0.05 * expected);
}

TEST(Simulator, ADrainTellsTheServiceAndAFetchMakesItLonger) {
  const std::vector<double> prefilled(1000, 0.0);
  const auto drained = simulate(prefilled, {.service_ns = {320}}, {}, 1);
  EXPECT_NEAR(drained.messages.back().processed_ns, 100 + 320 * 1000, 1e-6);
  const auto fetched = simulate(prefilled, {.service_ns = {320}, .fetch_ns = 50}, {}, 1);
  EXPECT_NEAR(fetched.messages.back().processed_ns, 100 + 320 * 1000 + 50 * 999, 1e-6);
}

TEST(Simulator, WhatAPublishSeesCountsWhatIsNotReleasedYet) {
  const std::vector<double> prefilled(100, 0.0);
  const auto run = simulate(prefilled, {.service_ns = {10}, .release_every = 16}, {}, 1);
  EXPECT_EQ(run.messages.back().seen, 99U);
  EXPECT_EQ(run.messages[0].released_ns, run.messages[15].processed_ns);
  EXPECT_EQ(run.messages[99].released_ns, run.messages[99].processed_ns);
}

TEST(Simulator, ALoneMessageIsLateIfTheReaderStepsBack) {
  const auto run = simulate(constant_arrivals(1000, 10), {.lone_delay_ns = 1000}, {}, 1);
  for (const SimulatedMessage& message : run.messages)
    EXPECT_NEAR(message.processed_ns - message.published_ns, 100 + 1000 + 1000, 1e-3);
}

TEST(Simulator, ItsOwnStallsAreVacationsWithoutAnExcuse) {
  const auto run = simulate(constant_arrivals(1e5, 100'000),
                            {.own_stall_ns = 2e6, .own_stall_every_ns = 500e6}, {}, 1);
  ASSERT_EQ(run.vacations.size(), 2U);
  EXPECT_FALSE(run.vacations.front().excused);
  EXPECT_EQ(run.vacations.front().end_ns - run.vacations.front().begin_ns, 2e6);
}

TEST(Simulator, AMissedWakeWaitsForTheBound) {
  const SimulatedReader reader{
      .spin_ns = 20e3, .wake_ns = {3000}, .missed_wakes = 1, .park_bound_ns = 10e6};
  const auto run = simulate(constant_arrivals(10, 20), reader, {}, 1);
  EXPECT_EQ(run.bound_ended_parks, 20U);
  EXPECT_GT(mean_sojourn(run), 2e6);
}

TEST(Simulator, ArrivalsComeAtTheirRate) {
  EXPECT_NEAR(poisson_arrivals(1e6, kMessages, 1).back(), kMessages * 1e3, 0.01 * kMessages * 1e3);
  EXPECT_NEAR(burst_arrivals(1e6, 1e6, 9e6, kMessages, 1).back(), kMessages * 1e3,
              0.3 * kMessages * 1e3);
  EXPECT_NEAR(constant_arrivals(1e6, 10).back(), 10e3, 1e-6);
}

TEST(Simulator, TheSameSeedIsTheSameRun) {
  const SimulatedHost host{.gaps_per_second = 1000, .gap_ns = 5000, .gap_sigma = 1};
  const auto one = poisson(0.5, {.service_ns = {500, 1500}}, host);
  const auto two = poisson(0.5, {.service_ns = {500, 1500}}, host);
  EXPECT_EQ(one.messages.back().processed_ns, two.messages.back().processed_ns);
}

}  // namespace
}  // namespace millrace::bench
