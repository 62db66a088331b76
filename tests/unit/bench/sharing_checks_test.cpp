#include "millrace/bench/sharing_checks.hpp"

#include "simulated_reports.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace::bench {
namespace {

enum class Share { healthy, twice, lost, false_counter };

// 100,000 messages to four parties, each of which writes down what it was given.
SharingCountEvidence shared(std::uint64_t seed, Sharing sharing, Share plant) {
  std::mt19937_64 random(seed);
  SharingCountEvidence found;
  found.sharing = sharing;
  found.parties.resize(4);
  for (std::uint64_t sequence = 0; sequence < 100'000; ++sequence) {
    const std::uint64_t word = random();
    ++found.published;
    found.sum += word;
    const bool hit = sequence == 77'777;
    for (std::size_t at = 0; at < 4; ++at) {
      if (sharing == Sharing::divided && word % 4 != at) continue;
      if (hit && plant == Share::lost && at == word % 4) continue;
      Party& party = found.parties[at];
      const std::uint64_t times = hit && plant == Share::twice && at == word % 4 ? 2 : 1;
      party.delivered += times;
      party.distinct += 1;
      party.sum += times * word;
    }
  }
  if (plant == Share::false_counter) {
    ++found.parties[2].delivered;
    ++found.parties[2].distinct;
  }
  return found;
}

TEST(SharingCount, OneMessageTwiceOneLostOrOneMiscountedFlipsIt) {
  for (const Sharing sharing : {Sharing::divided, Sharing::broadcast}) {
    const auto healthy = shared(1, sharing, Share::healthy);
    EXPECT_EQ(check_sharing_count(kHere, {healthy}, {healthy}).verdict, Verdict::pass);
    for (const Share plant : {Share::twice, Share::lost, Share::false_counter}) {
      const auto defective = shared(1, sharing, plant);
      EXPECT_EQ(check_sharing_count(kHere, {healthy, defective}, {healthy}).verdict, Verdict::fail)
          << static_cast<int>(plant);
      EXPECT_EQ(check_sharing_count(kHere, {defective}, {defective}).verdict, Verdict::invalid);
    }
  }
}

TEST(SharingCount, WhatTheTransportCountedAsMissedIsNotLost) {
  auto evicted = shared(1, Sharing::broadcast, Share::healthy);
  evicted.parties[1].delivered = evicted.parties[1].distinct -= 500;
  evicted.parties[1].sum -= 12345;
  EXPECT_EQ(check_sharing_count(kHere, {evicted}, {}).verdict, Verdict::fail);
  evicted.parties[1].missed = 500;
  EXPECT_EQ(check_sharing_count(kHere, {evicted}, {}).verdict, Verdict::pass);
}

TEST(SharingCount, NothingDeliveredIsInconclusive) {
  EXPECT_EQ(check_sharing_count(kHere, {}, {}).verdict, Verdict::inconclusive);
}

// Competing readers: each time the one that is ready first takes the next message.
BalanceEvidence competed(Noise& noise, double slower) {
  std::vector<double> service = {1000, 1000, 1300, 1000};
  BalanceEvidence found;
  found.slices = 40;
  for (const double one : service)
    found.weights.push_back(1e9 / (one * noise()));
  service[0] *= slower;
  std::vector<double> free_at(4, 0);
  found.counts.assign(4, 0);
  for (int message = 0; message < 20'000; ++message) {
    std::size_t first = 0;
    for (std::size_t at = 1; at < 4; ++at) {
      if (free_at[at] < free_at[first]) first = at;
    }
    free_at[first] += service[first] * noise();
    found.counts[first] += 1;
  }
  return found;
}

CheckResult balance_report(std::uint64_t seed, double slower, double control_slower = 1) {
  Noise noise(seed, 0.01);
  const auto restarts = restarts_of([&] { return competed(noise, slower); });
  const auto control = restarts_of([&] { return competed(noise, control_slower); });
  return check_sharing_balance(kHere, restarts, control);
}

TEST(SharingBalance, AReaderTenPercentSlowerFlipsIt) {
  const auto healthy = [](std::uint64_t seed) { return balance_report(seed, 1); };
  EXPECT_EQ(reports(Verdict::pass, healthy, 10), 10);
  const auto slow = [](std::uint64_t seed) { return balance_report(seed, 1 / 0.9); };
  EXPECT_EQ(reports(Verdict::fail, slow, 10), 10);
  EXPECT_EQ(balance_report(1, 1 / 0.9, 1 / 0.9).verdict, Verdict::invalid);
}

TEST(SharingBalance, ItIsInvalidUnlessTheQueueWasNeverEmpty) {
  Noise noise(1, 0.01);
  auto restarts = restarts_of([&] { return competed(noise, 1); });
  restarts[3].saturated = false;
  EXPECT_EQ(check_sharing_balance(kHere, restarts, restarts).verdict, Verdict::invalid);
}

TEST(SharingBalance, AKeyThatIsRoutedTwiceFlipsAPartition) {
  BalanceEvidence keyed{.counts = {500, 300, 200}, .weights = {500, 300, 200}, .by_key = true};
  EXPECT_EQ(check_sharing_balance(kHere, {keyed}, {}).verdict, Verdict::pass);
  keyed.counts[1] += 7;
  const CheckResult result = check_sharing_balance(kHere, {keyed}, {});
  EXPECT_EQ(result.verdict, Verdict::fail);
  EXPECT_EQ(check_sharing_balance(kHere, {keyed}, {keyed}).verdict, Verdict::invalid);
  EXPECT_EQ(result.prediction, 300);
  EXPECT_EQ(result.measurement, 307);
}

TEST(SharingBalance, JainsIndexPassesWhatTheCheckDoesNot) {
  const std::vector<double> half = {1, 1, 1, 1, 1, 1, 1, 0.5};
  EXPECT_NEAR(jain_index(half), 0.970, 0.001);
}

SharingRateEvidence rated(Noise& noise, double lost) {
  return {.solo = 1e6 * noise(),
          .two = 1.8e6 * noise(),
          .all = 3.6e6 * (1 - lost) * noise(),
          .parties = 4,
          .producers = 1,
          .cores = 8,
          .slices = 40};
}

TEST(SharingRate, APartyThatSlowsTheOthersFlipsItAndTooFewCoresAreInvalid) {
  Noise noise(5, 0.02);
  const auto healthy = restarts_of([&] { return rated(noise, 0); });
  EXPECT_EQ(check_sharing_rate(kHere, healthy, healthy).verdict, Verdict::pass);
  auto slow = restarts_of([&] { return rated(noise, 0.3); });
  EXPECT_EQ(check_sharing_rate(kHere, slow, healthy).verdict, Verdict::fail);
  for (SharingRateEvidence& one : slow)
    one.cores = 2;
  const CheckResult result = check_sharing_rate(kHere, slow, healthy);
  EXPECT_EQ(result.verdict, Verdict::invalid);
  EXPECT_EQ(result.why, "oversubscribed");
}

}  // namespace
}  // namespace millrace::bench
