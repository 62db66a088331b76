#include "millrace/bench/availability_check.hpp"

#include "simulated_reports.hpp"

#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace::bench {
namespace {

constexpr double kForever = std::numeric_limits<double>::infinity();
constexpr double kMs = 1e6;

TEST(AvailabilityOf, TimeCountsOnlyWhileSomethingIsOwed) {
  const std::vector<Eligible> owed = {{0, 1 * kMs}, {500 * kMs, 501 * kMs}};
  const Availability found = availability_of(owed, 10 * kMs, 1000 * kMs);
  EXPECT_DOUBLE_EQ(found.up_ns, 2 * kMs);
  EXPECT_DOUBLE_EQ(found.down_ns, 0);
  EXPECT_DOUBLE_EQ(found.share(), 1);
  EXPECT_DOUBLE_EQ(availability_of({}, 10 * kMs, 1000 * kMs).share(), 1);
}

TEST(AvailabilityOf, DownBeginsWhenTheOldestIsOlderThanTheBound) {
  // One message a millisecond; none is delivered from 100 to 150 ms, then all at once.
  std::vector<Eligible> owed;
  for (int at = 0; at < 200; ++at) {
    const double since = at * kMs;
    owed.push_back({since, since >= 100 * kMs && since < 150 * kMs ? 150 * kMs : since + 1000});
  }
  const Availability found = availability_of(owed, 10 * kMs, 200 * kMs);
  ASSERT_EQ(found.outages.size(), 1U);
  EXPECT_DOUBLE_EQ(found.outages.front().begin_ns, 110 * kMs);
  EXPECT_DOUBLE_EQ(found.outages.front().end_ns, 150 * kMs);
  EXPECT_DOUBLE_EQ(found.down_ns, 40 * kMs);
}

TEST(AvailabilityOf, WhatIsNeverDeliveredIsDownUntilTheEnd) {
  const std::vector<Eligible> owed = {{0, kForever}};
  const Availability found = availability_of(owed, 10 * kMs, 100 * kMs);
  EXPECT_DOUBLE_EQ(found.down_ns, 90 * kMs);
  EXPECT_DOUBLE_EQ(found.share(), 0.1);
}

TEST(AvailabilityOf, AFaultFreeRunIsUpWhereSlotsOfAMillisecondWouldSayOtherwise) {
  // 20,000 a second, and the host takes the reader away for 3 ms, 20 times a second: 6 % of slots.
  std::vector<Eligible> owed;
  for (double at = 0; at < 1000 * kMs; at += 0.05 * kMs) {
    const double phase = std::fmod(at, 50 * kMs);
    owed.push_back({at, phase < 3 * kMs ? at - phase + 3 * kMs : at + 1000});
  }
  EXPECT_DOUBLE_EQ(availability_of(owed, down_bound_ns(3 * kMs), 1000 * kMs).share(), 1);
}

TEST(AvailabilityOf, BoundResolutionAndProjectionAreAsDefined) {
  EXPECT_DOUBLE_EQ(down_bound_ns(1 * kMs), 10 * kMs);
  EXPECT_DOUBLE_EQ(down_bound_ns(5 * kMs), 15 * kMs);
  EXPECT_DOUBLE_EQ(outage_resolution_ns(100, 50), 450);
  EXPECT_NEAR(projected_availability(0.05, 86'400), 0.99999942, 1e-8);
}

const OutageCalibration kCalibration{
    .detect_ns = 1 * kMs, .repair_ns = 0.2 * kMs, .restart_ns = 3 * kMs, .service_rate = 200e3};
constexpr double kRate = 50e3;

struct Fault {
  double detect = 1;        // times as long
  double restart_ms = 0;    // longer
  double service_rate = 1;  // times as fast
  std::uint64_t lost = 0;
};

// A kill: the parts are log-normal around their medians; the backlog is worked off message by
// message, at the true service rate.
Kill killed(Noise& noise, const Fault& fault) {
  Kill kill;
  kill.lock_free_ns = 0.5 * kMs * noise();
  const double down = kill.lock_free_ns + kCalibration.detect_ns * fault.detect * noise() +
                      kCalibration.repair_ns * noise() +
                      (kCalibration.restart_ns + fault.restart_ms * kMs) * noise();
  const double service = 1e9 / (kCalibration.service_rate * fault.service_rate);
  double now = down;
  for (double arrival = 0; arrival <= now; arrival += 1e9 / kRate)
    now += service;
  kill.outage_ns = now;
  kill.lost = fault.lost;
  return kill;
}

CheckResult outage_report(std::uint64_t seed, const Fault& fault, std::size_t kills = 100,
                          double control = 0.9999) {
  Noise noise(seed, 0.4);
  AvailabilityEvidence evidence;
  for (std::size_t kill = 0; kill < kills; ++kill)
    evidence.kills.push_back(killed(noise, fault));
  evidence.calibration = kCalibration;
  evidence.rate = kRate;
  evidence.control_availability = control;
  return check_availability({.placement = "all", .restart_seconds = 0.1}, evidence);
}

TEST(AvailabilityCheck, AnOutageIsWhatItsPartsAndTheCatchUpPredict) {
  const auto healthy = [](std::uint64_t seed) { return outage_report(seed, {}); };
  EXPECT_EQ(reports(Verdict::fail, healthy), 0);
  EXPECT_GE(reports(Verdict::pass, healthy), kReports - 10);
}

TEST(AvailabilityCheck, EachPlantedFaultFlipsIt) {
  // The death check is off: the park bound of 10 ms detects.
  const auto blind = [](std::uint64_t seed) { return outage_report(seed, {.detect = 10}); };
  EXPECT_EQ(reports(Verdict::fail, blind), kReports);
  const auto late = [](std::uint64_t seed) { return outage_report(seed, {.restart_ms = 50}); };
  EXPECT_EQ(reports(Verdict::fail, late), kReports);
  const auto slow = [](std::uint64_t seed) { return outage_report(seed, {.service_rate = 0.5}); };
  EXPECT_GE(reports(Verdict::fail, slow), kReports - 10);
}

TEST(AvailabilityCheck, OneLostMessageFlipsItWhateverTheTimes) {
  const CheckResult result = outage_report(1, {.lost = 1});
  EXPECT_EQ(result.verdict, Verdict::fail);
  EXPECT_THAT(result.why, testing::HasSubstr("lost"));
}

TEST(AvailabilityCheck, FewKillsAreInconclusiveAndSayWhatItTakes) {
  const CheckResult result = outage_report(1, {}, 30);
  EXPECT_EQ(result.verdict, Verdict::inconclusive);
  EXPECT_GT(result.seconds_needed, 10);
}

TEST(AvailabilityCheck, AControlThatIsDownByItselfIsInvalid) {
  EXPECT_EQ(outage_report(1, {.restart_ms = 50}, 100, 0.98).verdict, Verdict::invalid);
}

}  // namespace
}  // namespace millrace::bench
