#include "millrace/bench/throughput_checks.hpp"

#include "simulated_reports.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace::bench {
namespace {

using testing::HasSubstr;

enum class Plant { none, dropped, duplicated, header_counted, counter };

// A run of 200,000 messages of lengths that the seed gives: each party adds up what it sees itself.
CountEvidence counted(std::uint64_t seed, Plant plant) {
  std::mt19937_64 random(seed);
  std::mt19937_64 defect(seed + 1);
  CountEvidence found;
  for (int message = 0; message < 200'000; ++message) {
    const std::uint64_t length = 8 + random() % 120;
    const std::uint64_t word = random();
    found.seed_messages += 1;
    found.seed_bytes += length;
    found.seed_sum += word;
    found.framing_bytes += 8 + (8 - length % 8) % 8;
    found.publisher_messages += 1;
    found.position_bytes += 8 + (length + 7) / 8 * 8;
    const bool hit = defect() % 100'000 == 0;
    const std::uint64_t times = plant == Plant::dropped && hit      ? 0
                                : plant == Plant::duplicated && hit ? 2
                                                                    : 1;
    found.reader_messages += times;
    found.reader_bytes += times * (length + (plant == Plant::header_counted && hit ? 8 : 0));
    found.reader_sum += times * word;
  }
  if (plant == Plant::counter) ++found.publisher_messages;
  return found;
}

CheckResult count_report(std::uint64_t seed, Plant plant, Plant control = Plant::none) {
  std::vector<CountEvidence> restarts;
  for (std::uint64_t restart = 0; restart < kRestarts; ++restart)
    restarts.push_back(counted(seed * 100 + restart, plant));
  return check_throughput_count(kHere, restarts, {counted(seed, control)});
}

TEST(ThroughputCount, OneMessageInAHundredThousandFlipsIt) {
  EXPECT_EQ(count_report(1, Plant::none).verdict, Verdict::pass);
  for (const Plant plant :
       {Plant::dropped, Plant::duplicated, Plant::header_counted, Plant::counter}) {
    const CheckResult result = count_report(1, plant);
    EXPECT_EQ(result.verdict, Verdict::fail) << static_cast<int>(plant);
    EXPECT_FALSE(result.why.empty());
    EXPECT_NEAR(result.smallest_defect, 1 / 2e6, 1e-12);
  }
}

TEST(ThroughputCount, AChangedByteThatKeepsTheCountFlipsIt) {
  std::vector<CountEvidence> restarts(10, counted(3, Plant::none));
  restarts[4].reader_sum ^= 1;
  EXPECT_EQ(check_throughput_count(kHere, restarts, {}).verdict, Verdict::fail);
}

TEST(ThroughputCount, AControlRowThatDoesNotAddUpIsInvalid) {
  const CheckResult result = count_report(1, Plant::none, Plant::counter);
  EXPECT_EQ(result.verdict, Verdict::invalid);
  EXPECT_THAT(result.why, HasSubstr("control row"));
}

TEST(ThroughputCount, FewerThanAMillionMessagesProveLittle) {
  const CheckResult result = check_throughput_count(kHere, {counted(1, Plant::none)}, {});
  EXPECT_EQ(result.verdict, Verdict::inconclusive);
  EXPECT_NEAR(result.seconds_needed, 4 * 5, 1e-9);
}

// A run of 10 s at 4 M/s through a ring of 64 KiB; clocks 50 ppm apart, a full ring at one end.
struct RatePlant {
  double tsc_scale = 1;
  double false_counter = 1;
  bool from_offered = false;
  bool one_clock = false;
};

RateEvidence rated(std::uint64_t seed, const RatePlant& plant) {
  std::mt19937_64 random(seed);
  const double bytes = 64;
  const double rate = 4e6;
  const double seconds = 10;
  const double ring = 65536;
  const double left = std::uniform_real_distribution<double>(-ring, ring)(random);
  const double drift = 1 + std::uniform_real_distribution<double>(-5e-5, 5e-5)(random);
  RateEvidence found;
  found.publisher = {rate * seconds * plant.false_counter, seconds * drift * plant.tsc_scale,
                     plant.from_offered ? Instrument::schedule : Instrument::publisher_counter,
                     TimeSource::tsc};
  found.mean_bytes = bytes;
  found.reader = {rate * seconds * bytes + left, seconds, Instrument::reader_counter,
                  plant.one_clock ? TimeSource::tsc : TimeSource::monotonic};
  found.unsure_bytes = ring;
  return found;
}

CheckResult rate_report(std::uint64_t seed, const RatePlant& plant, const RatePlant& control = {}) {
  std::vector<RateEvidence> restarts;
  std::vector<RateEvidence> bare;
  for (std::uint64_t restart = 0; restart < kRestarts; ++restart) {
    restarts.push_back(rated(seed * 100 + restart, plant));
    bare.push_back(rated(seed * 100 + restart + 50, control));
  }
  return check_throughput_rate(kHere, restarts, bare);
}

TEST(ThroughputRate, AClockOrACounterThatIsOffFlipsItAndNothingElseDoes) {
  const auto healthy = [](std::uint64_t seed) { return rate_report(seed, {}); };
  EXPECT_EQ(reports(Verdict::pass, healthy), kReports);
  const auto clock = [](std::uint64_t seed) { return rate_report(seed, {.tsc_scale = 1.001}); };
  EXPECT_EQ(reports(Verdict::fail, clock), kReports);
  const auto counter = [](std::uint64_t seed) {
    return rate_report(seed, {.false_counter = 1.01});
  };
  EXPECT_EQ(reports(Verdict::fail, counter), kReports);
}

TEST(ThroughputRate, TheOfferedRateOrOneClockForBothIsNoMeasurement) {
  EXPECT_EQ(rate_report(1, {.from_offered = true}).verdict, Verdict::invalid);
  EXPECT_EQ(rate_report(1, {.one_clock = true}).verdict, Verdict::invalid);
}

TEST(ThroughputRate, AControlRowThatIsOffIsInvalid) {
  EXPECT_EQ(rate_report(1, {.tsc_scale = 1.001}, {.tsc_scale = 1.001}).verdict, Verdict::invalid);
}

TEST(ThroughputRate, LessThanTwoSecondsSayNothing) {
  RateEvidence brief = rated(1, {});
  brief.reader.seconds = 1;
  brief.reader.count /= 10;
  EXPECT_EQ(check_throughput_rate(kHere, {brief}, {}).verdict, Verdict::inconclusive);
}

// 20 ns a message and 8 GB/s, with what a defect adds at a size.
SizeEvidence sized(Noise& noise, bool second_copy, double fence_ns) {
  const auto time = [&](double bytes) {
    const double copies = second_copy && bytes > 4096 ? 2 : 1;
    return (20 + copies * bytes / 8 + fence_ns * std::floor(bytes / 1024)) * noise();
  };
  const auto point = [&](double bytes) { return SizePoint{bytes, time(bytes)}; };
  return {.ends = {point(64), point(65536)},
          .between = {point(256), point(1024), point(4096), point(16384)},
          .slices = 40};
}

CheckResult size_report(std::uint64_t seed, bool second_copy, double fence_ns) {
  Noise noise(seed, 0.02);
  const auto restarts = restarts_of([&] { return sized(noise, second_copy, fence_ns); });
  const auto control = restarts_of([&] { return sized(noise, false, 0); });
  return check_throughput_size(kHere, restarts, control);
}

TEST(ThroughputSize, ASecondCopyOrAFenceAKibibyteFlipsIt) {
  const auto healthy = [](std::uint64_t seed) { return size_report(seed, false, 0); };
  EXPECT_GE(reports(Verdict::pass, healthy), kReports - 2);
  EXPECT_EQ(reports(Verdict::fail, healthy), 0);
  const auto copy = [](std::uint64_t seed) { return size_report(seed, true, 0); };
  EXPECT_GE(reports(Verdict::fail, copy), kReports - 2);
  const auto fence = [](std::uint64_t seed) { return size_report(seed, false, 400); };
  EXPECT_GE(reports(Verdict::fail, fence), kReports - 2);
}

TEST(ThroughputSize, ABreakThatWasDeclaredIsPartOfTheLaw) {
  const SizeLaw plain({{64, 28}, {65536, 8212}});
  EXPECT_NEAR(plain.message_ns(16384), 2068, 1);
  const SizeLaw broken({{65536, 16404}, {64, 28}, {4096, 532}});
  EXPECT_NEAR(broken.message_ns(1024), 148, 1);
  EXPECT_NEAR(broken.message_ns(16384), 532 + 15872.0 * 12288 / 61440, 1);
}

}  // namespace
}  // namespace millrace::bench
