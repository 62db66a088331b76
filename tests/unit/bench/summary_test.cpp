// Rows from slices whose truth is known, because we make them.
#include "summary.hpp"

#include <cmath>
#include <random>

#include <gtest/gtest.h>

namespace millrace::bench {
namespace {

constexpr double kNear = 121;
constexpr double kFar = 552;

// Slices of one subject that takes `ratio` times its baseline, half of them in each placement.
void add(std::vector<SliceSample>& samples, Subject subject, double ratio, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> noise(0, 0.01);
  for (std::uint32_t restart = 0; restart < 10; ++restart) {
    for (int slice = 0; slice < 40; ++slice) {
      const double bare = slice < 20 ? kNear : kFar;
      const double base = info(subject).is_stream ? 12.0 : bare;
      SliceSample sample;
      sample.subject = subject;
      sample.restart = restart;
      sample.bare_before_ns = bare * std::exp(noise(random));
      sample.bare_after_ns = bare * std::exp(noise(random));
      sample.base_before_ns = base * std::exp(noise(random));
      sample.base_after_ns = base * std::exp(noise(random));
      sample.median_ns = sample.mean_ns = base * ratio * std::exp(noise(random));
      samples.push_back(sample);
    }
  }
}

std::vector<Row> rows_of(const Summary& summary, const std::string& key) {
  std::vector<Row> found;
  for (const Row& row : summary.rows) {
    if (row.key == key) found.push_back(row);
  }
  return found;
}

TEST(Summary, JudgesEveryPlacementByItself) {
  std::vector<SliceSample> samples;
  add(samples, Subject::round_trip_32, 1.10, 1);
  const auto rows = rows_of(summarise(samples), "round_trip_32");
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_NEAR(rows[0].state_bare_ns, kNear, 2);
  EXPECT_NEAR(rows[1].state_bare_ns, kFar, 8);
  for (const Row& row : rows) {
    EXPECT_NEAR(row.kept.ratio, 1.10, 0.01);
    EXPECT_EQ(row.kept.restarts, 10U);
    EXPECT_EQ(row.met, Met::yes);
  }
}

TEST(Summary, ASubjectThatGetsAThirdSlowerMissesItsGoal) {
  std::vector<SliceSample> samples;
  add(samples, Subject::round_trip_32, 1.10 * 1.3, 2);
  const Summary summary = summarise(samples);
  for (const Row& row : rows_of(summary, "round_trip_32"))
    EXPECT_EQ(row.met, Met::no);
  EXPECT_TRUE(summary.missed());
}

TEST(Summary, DropsSlicesBetweenBareSlicesThatDisagreeButShowsThem) {
  std::vector<SliceSample> samples;
  add(samples, Subject::round_trip_32, 1.0, 3);
  const std::size_t good = samples.size();
  for (std::size_t i = 0; i < good; i += 2) {
    SliceSample moved = samples[i];
    moved.bare_after_ns *= 1.2;
    moved.median_ns *= 3;
    samples.push_back(moved);
  }
  const Summary summary = summarise(samples);
  EXPECT_EQ(summary.slices, samples.size());
  EXPECT_EQ(summary.kept, good);
  for (const Row& row : rows_of(summary, "round_trip_32")) {
    EXPECT_NEAR(row.kept.ratio, 1.0, 0.01);
    EXPECT_GT(row.all.slices, row.kept.slices);
  }
}

TEST(Summary, MeasuresStreamsAgainstTheBestRingOfTheSameRestart) {
  std::vector<SliceSample> samples;
  add(samples, Subject::stream, 1 / 1.5, 4);        // 1.5 times as fast as the baseline
  add(samples, Subject::boost_stream, 1 / 1.2, 5);  // the best of the rings: 1.2 times
  add(samples, Subject::sequencer, 1 / 0.7, 6);
  const Summary summary = summarise(samples);
  for (const Row& row : rows_of(summary, "stream"))
    EXPECT_NEAR(row.kept.ratio, 1.5, 0.02);
  const auto best = rows_of(summary, "stream_to_best");
  ASSERT_FALSE(best.empty());
  for (const Row& row : best) {
    EXPECT_NEAR(row.kept.ratio, 1.25, 0.02);
    EXPECT_EQ(row.met, Met::yes);
  }
}

TEST(Summary, TheBaselineCountsAmongTheRings) {
  std::vector<SliceSample> samples;
  add(samples, Subject::stream, 1 / 0.9, 7);
  add(samples, Subject::boost_stream, 1 / 0.5, 8);
  for (const Row& row : rows_of(summarise(samples), "stream_to_best")) {
    EXPECT_NEAR(row.kept.ratio, 0.9, 0.02);
    EXPECT_EQ(row.met, Met::no);
  }
}

TEST(Summary, ANullRowThatLeansIsAMiss) {
  std::vector<SliceSample> samples;
  add(samples, Subject::bare_null, 1.0, 9);
  EXPECT_FALSE(summarise(samples).missed());
  samples.clear();
  add(samples, Subject::bare_null, 1.05, 9);
  EXPECT_TRUE(summarise(samples).missed());
}

TEST(Summary, NothingMeasuredIsNoRow) {
  EXPECT_TRUE(summarise({}).rows.empty());
}

}  // namespace
}  // namespace millrace::bench
