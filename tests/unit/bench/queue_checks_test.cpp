#include "millrace/bench/queue_checks.hpp"

#include "millrace/bench/simulator.hpp"
#include "simulated_reports.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace::bench {
namespace {

struct LittlePlant {
  double stamp_scale = 1;
  bool ends_at_processed = false;
  bool offered = false;
  bool poisson = true;
};

// Half loaded, the position released every 8 messages; L from every third publish, W from the rest.
LittleEvidence counted(std::uint64_t seed, const LittlePlant& plant) {
  constexpr double kRate = 200e3;
  constexpr std::size_t kMessages = 100'000;
  const auto published = plant.poisson ? poisson_arrivals(kRate, kMessages, seed)
                                       : constant_arrivals(kRate, kMessages);
  const auto run = simulate(published, {.service_ns = {2500}, .release_every = 8}, {}, seed + 1);
  LittleEvidence found;
  found.poisson = plant.poisson;
  double seen = 0;
  double stay = 0;
  std::size_t seers = 0;
  for (std::size_t at = 0; at < kMessages; ++at) {
    const SimulatedMessage& message = run.messages[at];
    if (at % 3 == 0) {
      seen += double(message.seen);
      ++seers;
    } else {
      const double end = plant.ends_at_processed ? message.processed_ns : message.released_ns;
      stay += (end - message.published_ns) * plant.stamp_scale;
    }
  }
  found.seen_mean = seen / double(seers);
  found.stay_ns = stay / double(kMessages - seers);
  found.arrivals = {double(kMessages), published.back() * 1e-9,
                    plant.offered ? Instrument::schedule : Instrument::publisher_counter,
                    TimeSource::monotonic};
  found.slices = 40;
  return found;
}

CheckResult little_report(std::uint64_t seed, const LittlePlant& plant,
                          const LittlePlant& control = {}, int restarts = kRestarts) {
  std::vector<LittleEvidence> subject;
  std::vector<LittleEvidence> bare;
  for (int restart = 0; restart < restarts; ++restart) {
    const auto one = seed * 1000 + static_cast<std::uint64_t>(restart);
    subject.push_back(counted(one, plant));
    bare.push_back(counted(one + 500, control));
  }
  return check_little(kHere, subject, bare);
}

TEST(Little, WhatArrivalsSeeIsTheRateTimesTheStay) {
  const auto healthy = [](std::uint64_t seed) { return little_report(seed, {}); };
  EXPECT_EQ(reports(Verdict::pass, healthy, 3), 3);
}

TEST(Little, AScaledStampOrAStayThatEndsTooEarlyFlipsIt) {
  EXPECT_EQ(little_report(1, {.stamp_scale = 1.05}).verdict, Verdict::fail);
  EXPECT_EQ(little_report(1, {.ends_at_processed = true}).verdict, Verdict::fail);
  EXPECT_EQ(little_report(1, {.stamp_scale = 1.05}, {.stamp_scale = 1.05}).verdict,
            Verdict::invalid);
}

TEST(Little, OfferedRatesAndArrivalsThatAreNotPoissonAreInvalid) {
  EXPECT_EQ(little_report(1, {.offered = true}).verdict, Verdict::invalid);
  const CheckResult constant = little_report(1, {.poisson = false});
  EXPECT_EQ(constant.verdict, Verdict::invalid);
  EXPECT_THAT(constant.why, testing::HasSubstr("Poisson"));
}

TEST(Little, AMillionMessagesAreTheLeast) {
  EXPECT_EQ(little_report(1, {}, {}, 6).verdict, Verdict::inconclusive);
}

// 2,000 messages a second to a reader that parks after 20 us.
WakeEvidence woken(std::uint64_t seed, double missed, double slower) {
  std::vector<double> wakes;
  Noise noise(seed, 0.2);
  for (int wake = 0; wake < 500; ++wake)
    wakes.push_back(6000 * noise());
  WakeEvidence found;
  found.bare_wakes_ns = wakes;
  for (double& wake : wakes)
    wake *= slower;
  const auto run = simulate(poisson_arrivals(2000, 1000, seed),
                            {.spin_ns = 20e3, .wake_ns = wakes, .missed_wakes = missed}, {}, seed);
  for (const SimulatedMessage& message : run.messages) {
    if (message.slept) found.sleepers_ns.push_back(message.dequeued_ns - message.published_ns);
  }
  found.late_parks = run.bound_ended_parks;
  found.slices = 40;
  return found;
}

CheckResult wake_report(std::uint64_t seed, double missed, double slower,
                        double control_slower = 1) {
  std::vector<WakeEvidence> restarts;
  std::vector<WakeEvidence> bare;
  for (std::uint64_t restart = 0; restart < kRestarts; ++restart) {
    restarts.push_back(woken(seed * 100 + restart, missed, slower));
    bare.push_back(woken(seed * 100 + restart + 50, 0, control_slower));
  }
  return check_wake(kHere, restarts, bare);
}

TEST(Wake, AMissingWakeOrASlowOneFlipsIt) {
  const auto healthy = [](std::uint64_t seed) { return wake_report(seed, 0, 1); };
  EXPECT_EQ(reports(Verdict::pass, healthy, 50), 50);
  const auto missing = [](std::uint64_t seed) { return wake_report(seed, 0.01, 1); };
  EXPECT_EQ(reports(Verdict::fail, missing, 50), 50);
  const auto slow = [](std::uint64_t seed) { return wake_report(seed, 0, 1.5); };
  EXPECT_EQ(reports(Verdict::fail, slow, 50), 50);
  EXPECT_EQ(wake_report(1, 0, 1.5, 1.5).verdict, Verdict::invalid);
}

}  // namespace
}  // namespace millrace::bench
