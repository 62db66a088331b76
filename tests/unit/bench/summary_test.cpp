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
      const double base = info(subject).kind == Kind::stream ? 12.0 : bare;
      SliceSample sample;
      sample.subject = subject;
      sample.restart = restart;
      sample.bare_before_ns = bare * std::exp(noise(random));
      sample.bare_after_ns = bare * std::exp(noise(random));
      sample.base_before.median_ns = base * std::exp(noise(random));
      sample.base_after.median_ns = base * std::exp(noise(random));
      sample.timing.median_ns = sample.timing.mean_ns = base * ratio * std::exp(noise(random));
      samples.push_back(sample);
    }
  }
}

std::vector<Row> rows_of(const Summary& summary, const std::string& name) {
  std::vector<Row> found;
  for (const Row& row : summary.rows) {
    if (row.name == name) found.push_back(row);
  }
  return found;
}

TEST(Summary, JudgesEveryPlacementByItself) {
  std::vector<SliceSample> samples;
  add(samples, Subject::round_trip_32, 1.10, 1);
  const auto rows = rows_of(summarise(samples), "round-trip/32");
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
  for (const Row& row : rows_of(summary, "round-trip/32"))
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
    moved.timing.median_ns *= 3;
    samples.push_back(moved);
  }
  const Summary summary = summarise(samples);
  EXPECT_EQ(summary.slices, samples.size());
  EXPECT_EQ(summary.kept, good);
  for (const Row& row : rows_of(summary, "round-trip/32")) {
    EXPECT_NEAR(row.kept.ratio, 1.0, 0.01);
    EXPECT_GT(row.all.slices, row.kept.slices);
  }
}

TEST(Summary, MeasuresStreamsAgainstTheBestRingOfTheSameRestart) {
  std::vector<SliceSample> samples;
  add(samples, Subject::stream, 1 / 1.5, 4);        // 1.5 times as fast as the bracket
  add(samples, Subject::boost_stream, 1 / 1.2, 5);  // the best of the rings: 1.2 times
  add(samples, Subject::sequencer, 1 / 0.7, 6);
  const auto rows = rows_of(summarise(samples), "stream/32");
  ASSERT_EQ(rows.size(), 2U);
  for (const Row& row : rows) {
    EXPECT_NEAR(row.kept.ratio, 1.25, 0.02);
    EXPECT_EQ(row.met, Met::yes);
  }
}

TEST(Summary, TheBracketCountsAmongTheRings) {
  std::vector<SliceSample> samples;
  add(samples, Subject::stream, 1 / 0.9, 7);
  add(samples, Subject::boost_stream, 1 / 0.5, 8);
  const auto rows = rows_of(summarise(samples), "stream/32");
  ASSERT_EQ(rows.size(), 2U);
  for (const Row& row : rows) {
    EXPECT_NEAR(row.kept.ratio, 0.9, 0.02);
    EXPECT_EQ(row.met, Met::no);
  }
}

TEST(Summary, MeasuresRoundTripsAgainstTheBestBareVariant) {
  std::vector<SliceSample> samples;
  add(samples, Subject::round_trip_32, 1.10, 10);
  add(samples, Subject::bare_pause, 1.3, 11);
  add(samples, Subject::bare_walk, 0.8, 12);  // plain bare words were slow
  const auto rows = rows_of(summarise(samples), "round-trip/32");
  ASSERT_EQ(rows.size(), 2U);
  for (const Row& row : rows)
    EXPECT_NEAR(row.kept.ratio, 1.10 / 0.8, 0.02);
}

TEST(Summary, MeasuresBatchesAgainstTheLoneStreamAndTheBestRing) {
  std::vector<SliceSample> samples;
  add(samples, Subject::stream, 1 / 1.5, 13);
  add(samples, Subject::stream_batch, 1 / 3.3, 14);
  add(samples, Subject::boost_stream, 1 / 1.2, 15);
  const auto rows = rows_of(summarise(samples), "stream/32x16");
  ASSERT_EQ(rows.size(), 2U);
  for (const Row& row : rows) {
    EXPECT_NEAR(row.kept.ratio, 2.2, 0.03);
    ASSERT_TRUE(row.to_best.has_value());
    EXPECT_NEAR(row.to_best->ratio, 2.75, 0.04);
    EXPECT_EQ(row.met, Met::yes);
  }
}

TEST(Summary, APlantedDefectIsMeasuredAgainstTheHealthyRow) {
  std::vector<SliceSample> samples;
  add(samples, Subject::stream_fence, 1.3, 16);
  const auto rows = rows_of(summarise(samples), "plant/fence");
  ASSERT_EQ(rows.size(), 2U);
  for (const Row& row : rows)
    EXPECT_LT(row.kept.high, 0.8);  // a stream: less is worse
}

TEST(Summary, SlicesWithoutAResultAreNone) {
  std::vector<SliceSample> samples;
  add(samples, Subject::wake, 1.0, 17);
  const std::size_t good = samples.size();
  for (std::size_t i = 0; i < good; ++i) {
    SliceSample awake = samples[i];
    awake.timing.median_ns = 0;  // nobody slept
    samples.push_back(awake);
  }
  std::size_t counted = 0;
  for (const Row& row : rows_of(summarise(samples), "wake")) {
    EXPECT_NEAR(row.kept.ratio, 1.0, 0.01);
    counted += row.kept.slices;
  }
  EXPECT_EQ(counted, good);
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
