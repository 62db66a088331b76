// How a load is written down, and the moments that come of it.
#include "millrace/bench/load_schedule.hpp"
#include "support/scratch_directory.hpp"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <string>

#include <gtest/gtest.h>

namespace millrace::bench {
namespace {

using Kind = LoadShape::Kind;

LoadShape shape_of(std::string_view text) {
  const auto shape = parse_load(text);
  EXPECT_TRUE(shape) << text;
  return shape.value_or(LoadShape{});
}

std::string refusal_of(std::string_view text) {
  const auto shape = parse_load(text);
  return shape ? "" : std::string(shape.error().sentence());
}

Schedule schedule_of(std::string_view text, std::uint64_t duration_ns, std::uint64_t seed = 1) {
  const auto made = make_schedule(shape_of(text), {}, duration_ns, seed);
  EXPECT_TRUE(made) << text;
  return made.value_or(Schedule{});
}

// Variance over mean of the arrivals in windows: 1 for Poisson, 0 for an even rate.
double dispersion(const Schedule& schedule, std::uint64_t window_ns) {
  std::vector<double> counts(schedule.back() / window_ns, 0);
  for (const std::uint64_t at : schedule) {
    if (at / window_ns < counts.size()) ++counts[at / window_ns];
  }
  double mean = 0;
  for (const double one : counts)
    mean += one / static_cast<double>(counts.size());
  double squares = 0;
  for (const double one : counts)
    squares += (one - mean) * (one - mean) / static_cast<double>(counts.size());
  return squares / mean;
}

TEST(LoadShape, EveryFormIsReadBackFromItsText) {
  for (const char* text :
       {"constant:rate=100000", "poisson:rate=2.5", "burst:rate=1000,on=1000000ns,off=9000000ns",
        "burst:rate=1000,size=16", "replay:a.csv", "replay:a,b=c.csv,column=2,unit=us,speed=2"}) {
    EXPECT_EQ(to_string(shape_of(text)), text);
  }
  EXPECT_EQ(shape_of("poisson:rate=100k").rate, 1e5);
  EXPECT_EQ(shape_of("constant:rate=1.5M").rate, 1.5e6);
  EXPECT_EQ(shape_of("burst:rate=1k,on=1ms,off=2s").off_ns, 2e9);
  EXPECT_EQ(shape_of("replay:a,b=c.csv,speed=2").path, "a,b=c.csv");
  EXPECT_EQ(shape_of("burst:rate=1k,size=16").kind, Kind::batch);
}

TEST(LoadShape, WhatCannotBeIsRefusedWithTheFormsThatCan) {
  for (const char* text : {"",
                           "poisson",
                           "poisson:",
                           "poisson:rate=0",
                           "poisson:rate=-5",
                           "poisson:rate=abc",
                           "poisson:rate=2000M",
                           "poisson:rate=1e400",
                           "poisson:rate=nan",
                           "poisson:rate=5x",
                           "constant:rate=1k,on=1ms",
                           "burst:rate=1k",
                           "burst:rate=1k,on=1ms",
                           "burst:rate=1k,size=0",
                           "burst:rate=1k,size=4,on=1ms,off=1ms",
                           "replay:",
                           "replay",
                           "storm:rate=1k",
                           "poisson:rate",
                           "burst:rate=1k,on=0ms,off=1ms",
                           "poisson:rate=1k,rate"}) {
    const std::string refusal = refusal_of(text);
    EXPECT_NE(refusal.find("poisson:rate=100k"), std::string::npos) << text << ": " << refusal;
  }
  EXPECT_NE(refusal_of("poisson:rate=0").find("\"0\" is no rate"), std::string::npos);
}

TEST(LoadSchedule, TheSameSeedGivesTheSameMomentsAndAnotherSeedOthers) {
  EXPECT_EQ(schedule_of("poisson:rate=100k", 100'000'000),
            schedule_of("poisson:rate=100k", 100'000'000));
  EXPECT_NE(schedule_of("poisson:rate=100k", 100'000'000, 1),
            schedule_of("poisson:rate=100k", 100'000'000, 2));
  // The distributions are ours, so these are the same on every machine.
  const Schedule first = schedule_of("poisson:rate=1k", 10'000'000, 7);
  ASSERT_GE(first.size(), 2U);
  EXPECT_EQ(first[0], schedule_of("poisson:rate=1k", 20'000'000, 7)[0]);
}

TEST(LoadSchedule, ConstantIsEvenAndPoissonHasItsDispersion) {
  const Schedule even = schedule_of("constant:rate=100k", 1'000'000'000);
  EXPECT_EQ(even.size(), 100'000U);
  EXPECT_EQ(even[1] - even[0], 10'000U);
  EXPECT_LT(dispersion(even, 1'000'000), 0.01);
  const Schedule random = schedule_of("poisson:rate=100k", 1'000'000'000);
  EXPECT_NEAR(static_cast<double>(random.size()), 1e5, 2e3);
  EXPECT_NEAR(dispersion(random, 1'000'000), 1, 0.25);
  EXPECT_TRUE(std::is_sorted(random.begin(), random.end()));
}

TEST(LoadSchedule, BurstsKeepTheAverageRateAndClusterTheMessages) {
  const Schedule bursts = schedule_of("burst:rate=100k,on=1ms,off=9ms", 4'000'000'000);
  EXPECT_NEAR(static_cast<double>(bursts.size()), 4e5, 6e4);
  EXPECT_GT(dispersion(bursts, 1'000'000), 100);
  const Schedule batches = schedule_of("burst:rate=100k,size=16", 1'000'000'000);
  EXPECT_NEAR(static_cast<double>(batches.size()), 1e5, 6e3);
  for (std::size_t at = 0; at + 16 <= batches.size(); at += 16)
    ASSERT_EQ(batches[at], batches[at + 15]);
}

TEST(LoadSchedule, AnImpossibleLoadIsRefusedWithWhatWouldFit) {
  const auto made = make_schedule(shape_of("poisson:rate=100M"), {}, 10'000'000'000, 1);
  ASSERT_FALSE(made);
  EXPECT_NE(made.error().sentence().find("measure 0.08 s at most"), std::string::npos)
      << made.error().sentence();
}

TEST(LoadSchedule, EvenTheSlowestLoadHasOneMessage) {
  EXPECT_EQ(schedule_of("poisson:rate=0.001", 1000).size(), 1U);
}

class Arrivals : public ::testing::Test {
 protected:
  Result<std::vector<std::uint64_t>> read(const std::string& text, const std::string& words = "") {
    const std::string path = scratch_ / "arrivals.csv";
    std::ofstream(path) << text;
    return read_arrivals(shape_of("replay:" + path + words));
  }

  testing_support::ScratchDirectory scratch_;
};

TEST_F(Arrivals, ComeFromAColumnInItsUnitAndBeginAtZero) {
  EXPECT_EQ(read("100\n150\n400\n").value(), (std::vector<std::uint64_t>{0, 50, 300}));
  EXPECT_EQ(read("name,time\na,0.5\r\nb,0.75\r\n\n", ",column=2,unit=s").value(),
            (std::vector<std::uint64_t>{0, 250'000'000}));
}

TEST_F(Arrivals, ThatGoBackOrAreNoNumbersAreRefusedWithTheirLine) {
  const auto back = read("100\n90\n");
  ASSERT_FALSE(back);
  EXPECT_NE(back.error().sentence().find("line 2: column 1 goes back"), std::string::npos);
  const auto word = read("100\nhundred\n");
  ASSERT_FALSE(word);
  EXPECT_NE(word.error().sentence().find("line 2: column 1 holds no number"), std::string::npos);
  EXPECT_FALSE(read("time\n"));
  EXPECT_FALSE(read(""));
  EXPECT_FALSE(read("1\n2\n", ",column=3"));
  EXPECT_EQ(read_arrivals(shape_of("replay:" + (scratch_ / "none.csv"))).error().code(),
            Errc::not_found);
}

TEST_F(Arrivals, AreReplayedFasterAndAgainUntilTheTimeIsOver) {
  const std::vector<std::uint64_t> recorded{0, 100, 300};
  LoadShape shape = shape_of("replay:x,speed=2");
  // The second round begins a mean gap (150 ns) behind the last arrival.
  EXPECT_EQ(make_schedule(shape, recorded, 400, 1).value(), (Schedule{0, 50, 150, 225, 275, 375}));
  EXPECT_EQ(mean_rate(recorded), 2 / 300e-9);
  EXPECT_FALSE(make_schedule(shape, {}, 400, 1));
}

}  // namespace
}  // namespace millrace::bench
