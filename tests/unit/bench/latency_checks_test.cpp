#include "millrace/bench/latency_checks.hpp"

#include "millrace/bench/simulator.hpp"
#include "simulated_reports.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace::bench {
namespace {

enum class Join { healthy, wrong_lap, swallowed_stage, lossy, same_samples };

// Samples of blocks of even number go to the recorders, of odd number to the totals.
JoinEvidence joined(std::uint64_t seed, Join plant) {
  constexpr std::size_t kMessages = 20'000;
  constexpr std::size_t kLap = 64;
  const auto published = poisson_arrivals(100e3, kMessages, seed);
  const auto run = simulate(published, {.service_ns = {3000, 5000}, .hand_over_ns = 150},
                            {.gaps_per_second = 500, .gap_ns = 5000, .gap_sigma = 1}, seed + 1);
  std::mt19937_64 random(seed + 2);
  JoinEvidence found;
  found.vacations = run.vacations;
  found.slices = 40;
  for (std::size_t at = 0; at < kMessages; ++at) {
    const SimulatedMessage& message = run.messages[at];
    const double claim = message.published_ns - 40;
    const bool even = at / 8 % 2 == 0;
    if (!even || plant == Join::same_samples)
      found.totals.push_back({at, claim, message.processed_ns});
    if (!even) continue;
    ++found.samples_published;
    found.publisher.push_back({at, claim, message.published_ns});
    const bool lost = plant == Join::lossy && random() % 100 == 0;
    const bool lapped = plant == Join::wrong_lap && random() % 50 == 0 && at + kLap < kMessages;
    const SimulatedMessage& seen = run.messages[lapped ? at + kLap : at];
    const double dequeued = seen.dequeued_ns + (plant == Join::swallowed_stage ? 300 : 0);
    ReaderRecord record{at, seen.dequeued_ns - 20, dequeued, seen.processed_ns};
    if (plant == Join::swallowed_stage) record.visible_ns = dequeued;  // its time is in no stage
    if (!lost) found.reader.push_back(record);
  }
  if (plant == Join::swallowed_stage) {
    for (ReaderRecord& record : found.reader)
      record.processed_ns -= 400;
  }
  return found;
}

CheckResult join_report(std::uint64_t seed, Join plant, Join control = Join::healthy) {
  std::vector<JoinEvidence> restarts;
  std::vector<JoinEvidence> bare;
  for (std::uint64_t restart = 0; restart < kRestarts; ++restart) {
    restarts.push_back(joined(seed * 100 + restart, plant));
    bare.push_back(joined(seed * 100 + restart + 50, control));
  }
  return check_latency_join(kHere, 30, restarts, bare);
}

TEST(LatencyJoin, StagesOfOneSetAddUpToTheTotalOfTheOther) {
  const auto healthy = [](std::uint64_t seed) { return join_report(seed, Join::healthy); };
  EXPECT_EQ(reports(Verdict::pass, healthy, 4), 4);
}

TEST(LatencyJoin, EachPlantedDefectFlipsIt) {
  for (const Join plant : {Join::wrong_lap, Join::swallowed_stage, Join::lossy}) {
    const auto defective = [plant](std::uint64_t seed) { return join_report(seed, plant); };
    EXPECT_GE(reports(Verdict::fail, defective, 2), 2) << static_cast<int>(plant);
  }
}

TEST(LatencyJoin, OneSetForBothSidesIsAnIdentityAndInvalid) {
  const CheckResult result = join_report(1, Join::same_samples);
  EXPECT_EQ(result.verdict, Verdict::invalid);
  EXPECT_THAT(result.why, testing::HasSubstr("both sets"));
}

TEST(LatencyJoin, AControlRowThatIsOffIsNoFail) {
  EXPECT_EQ(join_report(1, Join::swallowed_stage, Join::swallowed_stage).verdict, Verdict::invalid);
}

TEST(LatencyJoin, AHundredThousandSamplesAreTheLeast) {
  std::vector<JoinEvidence> restarts;
  for (std::uint64_t restart = 0; restart < 5; ++restart)
    restarts.push_back(joined(restart, Join::healthy));
  EXPECT_EQ(check_latency_join(kHere, 30, restarts, restarts).verdict, Verdict::inconclusive);
}

TEST(LatencyJoin, ASampleSeenBeforeItWasPublishedIsOfAnotherLap) {
  std::vector<JoinEvidence> restarts;
  for (std::uint64_t restart = 0; restart < kRestarts; ++restart)
    restarts.push_back(joined(restart, Join::healthy));
  for (std::size_t at = 100; at < 200; ++at)
    restarts[3].reader[at].visible_ns -= 1e6;
  EXPECT_EQ(check_latency_join(kHere, 30, restarts, restarts).verdict, Verdict::fail);
}

// What is planted shows in the round trip and in no part of the prediction that is measured alone.
SumEvidence summed(Noise& noise, double extra_ns) {
  return {.enqueue_ns = 12 * noise(),
          .dequeue_ns = 10 * noise(),
          .handler_ns = 0,
          .bare_ns = 120 * noise(),
          .round_trip_ns = (164 + extra_ns) * noise(),
          .slices = 40};
}

CheckResult sum_report(std::uint64_t seed, double extra_ns, double control_extra_ns = 0) {
  Noise noise(seed, 0.012);
  const auto restarts = restarts_of([&] { return summed(noise, extra_ns); });
  const auto control = restarts_of([&] { return summed(noise, control_extra_ns); });
  return check_latency_sum(kHere, restarts, control);
}

TEST(LatencySum, ASecondLineAFenceOrAPollOfTheWrongSideFlipsIt) {
  const auto healthy = [](std::uint64_t seed) { return sum_report(seed, 0); };
  EXPECT_EQ(reports(Verdict::pass, healthy), kReports);
  for (const double extra_ns : {2 * 60.0, 2 * 22.0, 2 * 30.0}) {
    const auto defective = [extra_ns](std::uint64_t seed) { return sum_report(seed, extra_ns); };
    EXPECT_GE(reports(Verdict::fail, defective), kReports - 4) << extra_ns;
  }
  const auto leaning = [](std::uint64_t seed) { return sum_report(seed, 60, 60); };
  EXPECT_EQ(reports(Verdict::fail, leaning), 0);
}

TEST(LatencySum, AtTheLimitItFailsAsSeldomAsItSays) {
  const auto at_limit = [](std::uint64_t seed) { return sum_report(seed, 0.15 * 164); };
  EXPECT_LE(reports(Verdict::fail, at_limit), kFalseFails);
}

TEST(LatencySum, OneWayIsResolvedOnlyForLongHandlersAndKnownOffsets) {
  EXPECT_TRUE(one_way_resolved(1000, 1200, 28));
  EXPECT_FALSE(one_way_resolved(500, 1200, 28));
  EXPECT_FALSE(one_way_resolved(1000, 100, 28));
}

enum class Disk { healthy, throttled, second_flush, late_watermark };

// A persister that takes all that waits, with the jitter of a real device.
DurableEvidence written(std::uint64_t seed, Disk plant, const WriteLaw& law) {
  Noise noise(seed, 0.1);
  DurableEvidence found;
  found.appended_ns = poisson_arrivals(50e3, 12'000, seed);
  const std::size_t count = found.appended_ns.size();
  found.bytes.assign(count, 120);
  found.durable_ns.resize(count);
  found.acknowledged_ns.resize(count);
  double free_ns = 0;
  std::vector<double> ends;
  for (std::size_t first = 0; first < count; ++found.batches) {
    const double begin = std::max(free_ns, found.appended_ns[first]);
    std::size_t end = first;
    while (end < count && found.appended_ns[end] <= begin)
      ++end;
    const double size = 120 * double(end - first);
    double write = (law.fixed_ns + law.byte_ns * size) * noise();
    if (plant == Disk::throttled) write *= 1.6;
    if (plant == Disk::second_flush) write += law.fixed_ns * noise();
    free_ns = begin + write;
    ends.push_back(free_ns);
    for (; first < end; ++first) {
      found.durable_ns[first] = free_ns;
      found.acknowledged_ns[first] = free_ns + 500;
      if (plant == Disk::late_watermark) found.acknowledged_ns[first] = free_ns + write;
    }
  }
  return found;
}

CheckResult durable_report(std::uint64_t seed, Disk plant, Disk control = Disk::healthy) {
  const SoloWrites solo{.small_ns = 60e3, .large_ns = 180e3};
  const WriteLaw law = solo.law(0, 256 * 1024);
  std::vector<DurableEvidence> restarts;
  std::vector<DurableEvidence> bare;
  for (std::uint64_t restart = 0; restart < kRestarts; ++restart) {
    restarts.push_back(written(seed * 100 + restart, plant, law));
    bare.push_back(written(seed * 100 + restart + 50, control, law));
  }
  return check_latency_durable(kHere, law, restarts, bare);
}

TEST(LatencyDurable, AThrottledDiskASecondFlushOrALateWatermarkFlipsIt) {
  const auto healthy = [](std::uint64_t seed) { return durable_report(seed, Disk::healthy); };
  EXPECT_EQ(reports(Verdict::pass, healthy, 8), 8);
  for (const Disk plant : {Disk::throttled, Disk::second_flush, Disk::late_watermark}) {
    const auto defective = [plant](std::uint64_t seed) { return durable_report(seed, plant); };
    EXPECT_EQ(reports(Verdict::fail, defective, 8), 8) << static_cast<int>(plant);
  }
  EXPECT_EQ(durable_report(1, Disk::throttled, Disk::throttled).verdict, Verdict::invalid);
}

TEST(LatencyDurable, AWatermarkThatIsLateIsSeenByThePublisherAlone) {
  const CheckResult result = durable_report(1, Disk::late_watermark);
  EXPECT_THAT(result.why, testing::HasSubstr("publisher's waits"));
}

TEST(LatencyDurable, TheLawGoesThroughBothSoloBatches) {
  const WriteLaw law = SoloWrites{.small_ns = 60e3, .large_ns = 180e3}.law(0, 0);
  EXPECT_NEAR(law.fixed_ns + law.byte_ns * 4096, 60e3, 1e-6);
  EXPECT_NEAR(law.fixed_ns + law.byte_ns * 262144, 180e3, 1e-6);
}

}  // namespace
}  // namespace millrace::bench
