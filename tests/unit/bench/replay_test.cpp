#include "millrace/bench/replay.hpp"

#include "millrace/bench/queueing.hpp"
#include "millrace/bench/simulator.hpp"

#include <numeric>

#include <gtest/gtest.h>

namespace millrace::bench {
namespace {

const SimulatedHost kBusyHost{.gaps_per_second = 3000, .gap_ns = 20e3, .gap_sigma = 1.2};

double mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double mean_time(const std::vector<double>& from, const std::vector<double>& to) {
  return mean(to) - mean(from);
}

// The recursion and the queue of events must agree message by message, whatever the host does.
void expect_same(Handling handling, double rate) {
  const auto published = poisson_arrivals(rate, 20'000, 1);
  SimulatedReader reader{.service_ns = {5000}, .handling = handling, .hand_over_ns = 150};
  const SimulatedRun run = simulate(published, reader, kBusyHost, 2);
  const std::vector<double> service(published.size(), 5000);
  const std::vector<double> hand_over(published.size(), 150);
  const auto processed = replay({published, service, hand_over, run.vacations, handling});
  for (std::size_t at = 0; at < published.size(); ++at)
    ASSERT_NEAR(processed[at], run.messages[at].processed_ns, 1e-3) << at;
}

TEST(Replay, IsTheSimulatorForWorkThatGoesOnAfterAVacation) {
  expect_same(Handling::work, 20e3);
  expect_same(Handling::work, 120e3);
}

TEST(Replay, IsTheSimulatorForADeadlineThatAbsorbsAVacation) {
  expect_same(Handling::deadline, 20e3);
  expect_same(Handling::deadline, 120e3);
}

TEST(Replay, AVacationInTheMiddleDelaysWorkAndNotADeadline) {
  const std::vector<double> published = {0};
  const std::vector<double> service = {100};
  const std::vector<double> hand_over = {10};
  const std::vector<Vacation> away = {{50, 80, true}};
  EXPECT_EQ(replay({published, service, hand_over, away, Handling::work}).front(), 140);
  EXPECT_EQ(replay({published, service, hand_over, away, Handling::deadline}).front(), 110);
  const std::vector<Vacation> over_the_end = {{90, 200, true}};
  EXPECT_EQ(replay({published, service, hand_over, over_the_end, Handling::work}).front(), 220);
  EXPECT_EQ(replay({published, service, hand_over, over_the_end, Handling::deadline}).front(), 200);
}

TEST(Replay, AVacationWithoutAnExcuseIsNotReplayed) {
  const std::vector<double> published = {0, 10};
  const std::vector<double> service = {100, 100};
  const std::vector<double> hand_over = {0, 0};
  const std::vector<Vacation> own = {{50, 1000, false}};
  EXPECT_EQ(replay({published, service, hand_over, own, Handling::work}).back(), 200);
}

TEST(Replay, AFullRingDelaysThePublishAndNotTheReader) {
  const std::vector<double> published = {0, 1, 2, 3};
  const std::vector<double> service(4, 100);
  const std::vector<double> hand_over(4, 0);
  std::vector<double> entered;
  const auto processed = replay_finite({published, service, hand_over}, 2, entered);
  EXPECT_EQ(processed, (std::vector<double>{100, 200, 300, 400}));
  EXPECT_EQ(entered, (std::vector<double>{0, 1, 100, 200}));
}

TEST(ReplayWrites, MeansAreThoseOfTheBatchChain) {
  for (const double rate : {0.2, 1.0, 3.0}) {
    const auto appended = poisson_arrivals(rate * 1e9, 400'000, 3);
    const std::vector<double> bytes(appended.size(), 1);
    const auto durable = replay_writes(appended, bytes, {.fixed_ns = 1, .byte_ns = 0.2});
    const double expected = mean_time_in_batches(rate, 1, 0.2);
    EXPECT_NEAR(mean_time(appended, durable), expected, 0.02 * expected) << rate;
  }
}

TEST(ReplayWrites, ACapAndALingerAreKept) {
  const std::vector<double> appended = {0, 1, 2, 3};
  const std::vector<double> bytes(4, 10);
  EXPECT_EQ(replay_writes(appended, bytes, {.fixed_ns = 100, .linger_ns = 5}),
            (std::vector<double>{105, 105, 105, 105}));
  EXPECT_EQ(replay_writes(appended, bytes, {.fixed_ns = 100, .linger_ns = 5, .cap_bytes = 20}),
            (std::vector<double>{105, 105, 205, 205}));
}

}  // namespace
}  // namespace millrace::bench
