#include "millrace/core/histogram.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace millrace {
namespace {

using layout::HistogramBytes;
using layout::kHistogramCells;
using layout::kHistogramSaturation;

constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();

// Bytes on the heap: 28 KiB is a lot for a stack. All zero, as a fresh file would be.
struct Fixture {
  std::unique_ptr<HistogramBytes> bytes = std::make_unique<HistogramBytes>();
  Histogram histogram{*bytes};
};

std::uint64_t seed() {
  const char* const given = std::getenv("MILLRACE_TEST_SEED");
  return given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
}

// Nearest rank in whole numbers: percent is given in thousandths.
std::uint64_t exact_percentile(const std::vector<std::uint64_t>& sorted,
                               std::uint64_t thousandths) {
  const std::uint64_t rank = (sorted.size() * thousandths + 99'999) / 100'000;
  return sorted[std::max<std::uint64_t>(rank, 1) - 1];
}

void expect_percentiles_of(std::vector<std::uint64_t> values) {
  Fixture fixture;
  for (const std::uint64_t value : values)
    fixture.histogram.record(value);
  std::ranges::sort(values);
  ASSERT_EQ(fixture.histogram.count(), values.size());
  EXPECT_EQ(fixture.histogram.min_ns(), values.front());
  EXPECT_EQ(fixture.histogram.max_ns(), values.back());
  for (const std::uint64_t thousandths :
       {1U, 1'000U, 10'000U, 25'000U, 50'000U, 90'000U, 99'000U, 99'900U, 99'990U, 100'000U}) {
    const std::uint64_t exact = exact_percentile(values, thousandths);
    const std::uint64_t got =
        fixture.histogram.percentile_ns(static_cast<double>(thousandths) / 1000);
    EXPECT_GE(got, exact) << "at " << thousandths << "/1000 %";
    EXPECT_LE(got - exact, exact / 128) << "at " << thousandths << "/1000 %";
  }
}

TEST(Histogram, AllZeroBytesAreAnEmptyOne) {
  const Fixture fixture;
  EXPECT_EQ(fixture.histogram.count(), 0U);
  EXPECT_EQ(fixture.histogram.min_ns(), 0U);
  EXPECT_EQ(fixture.histogram.max_ns(), 0U);
  EXPECT_EQ(fixture.histogram.percentile_ns(50), 0U);
  EXPECT_EQ(fixture.histogram.mean_ns(), 0);
}

TEST(Histogram, CellsFollowEachOtherWithoutGapOrOverlap) {
  EXPECT_EQ(HistogramView::cell_first_ns(0), 0U);
  for (std::size_t cell = 0; cell + 1 < kHistogramCells; ++cell) {
    const std::uint64_t first = HistogramView::cell_first_ns(cell);
    const std::uint64_t last = HistogramView::cell_last_ns(cell);
    ASSERT_EQ(HistogramView::cell_of(first), cell);
    ASSERT_EQ(HistogramView::cell_of(last), cell);
    ASSERT_EQ(HistogramView::cell_first_ns(cell + 1), last + 1);
    ASSERT_LE((last - first) * 128, first) << "a cell wider than 1/128 of its values";
  }
  EXPECT_EQ(HistogramView::cell_of(kHistogramSaturation - 1), kHistogramCells - 2);
  EXPECT_EQ(HistogramView::cell_of(kHistogramSaturation), kHistogramCells - 1);
  EXPECT_EQ(HistogramView::cell_of(kMost), kHistogramCells - 1);
}

TEST(Histogram, ValuesBelow256AreExact) {
  Fixture fixture;
  for (std::uint64_t value = 0; value < 256; ++value)
    fixture.histogram.record(value);
  for (std::uint64_t rank = 1; rank <= 256; ++rank) {
    ASSERT_EQ(fixture.histogram.percentile_ns(static_cast<double>(rank) * 100 / 256), rank - 1);
  }
}

TEST(Histogram, RandomPercentilesAreNeverBelowTheExactOneAndAtMost128thAbove) {
  const std::uint64_t used = seed();
  SCOPED_TRACE("MILLRACE_TEST_SEED=" + std::to_string(used));
  std::mt19937_64 random(used);
  for (int round = 0; round < 20; ++round) {
    std::uniform_int_distribution<std::size_t> sizes(1, 5000);
    std::uniform_real_distribution<double> exponents(0, 33.9);
    std::vector<std::uint64_t> values(sizes(random));
    for (std::uint64_t& value : values) {
      value = static_cast<std::uint64_t>(std::exp2(exponents(random)));
    }
    expect_percentiles_of(values);
  }
}

TEST(Histogram, AdversarialPercentilesAreNeverBelowTheExactOneAndAtMost128thAbove) {
  expect_percentiles_of({0});
  expect_percentiles_of({kHistogramSaturation - 1});
  expect_percentiles_of(std::vector<std::uint64_t>(1000, 257));
  std::vector<std::uint64_t> edges;
  for (unsigned bit = 0; bit < layout::kHistogramTopBit; ++bit) {
    const std::uint64_t power = std::uint64_t{1} << bit;
    edges.insert(edges.end(), {power - 1, power, power + 1});
  }
  expect_percentiles_of(edges);
  std::vector<std::uint64_t> one_far_away(999, 100);
  one_far_away.push_back(5'000'000'000);
  expect_percentiles_of(one_far_away);
}

TEST(Histogram, CountsWhatIsTooLongAsSaturatedAndKeepsTheMaximum) {
  Fixture fixture;
  fixture.histogram.record(10);
  fixture.histogram.record(kHistogramSaturation);
  fixture.histogram.record(kMost);
  EXPECT_EQ(fixture.histogram.count(), 3U);
  EXPECT_EQ(fixture.histogram.saturated(), 2U);
  EXPECT_EQ(fixture.histogram.max_ns(), kMost);
  EXPECT_EQ(fixture.histogram.percentile_ns(100), kMost);
  EXPECT_EQ(fixture.histogram.sum_ns(), 10 + 2 * kHistogramSaturation);
}

TEST(Histogram, RecordingManyAtOnceIsRecordingOneManyTimes) {
  Fixture once;
  Fixture many;
  for (int i = 0; i < 77; ++i)
    many.histogram.record(12'345);
  once.histogram.record(12'345, 77);
  EXPECT_EQ(std::memcmp(once.bytes.get(), many.bytes.get(), sizeof(HistogramBytes)), 0);
}

TEST(Histogram, AddingTwoEqualsRecordingAllIntoOne) {
  const std::uint64_t used = seed();
  SCOPED_TRACE("MILLRACE_TEST_SEED=" + std::to_string(used));
  std::mt19937_64 random(used);
  Fixture left;
  Fixture right;
  Fixture all;
  for (int i = 0; i < 10'000; ++i) {
    const std::uint64_t value = random() >> (random() % 64);
    (i % 3 == 0 ? left : right).histogram.record(value);
    all.histogram.record(value);
  }
  left.histogram.add(right.histogram);
  EXPECT_EQ(std::memcmp(left.bytes.get(), all.bytes.get(), sizeof(HistogramBytes)), 0);
}

TEST(Histogram, AddingAnEmptyOneChangesNothing) {
  Fixture fixture;
  fixture.histogram.record(1000);
  const Fixture empty;
  fixture.histogram.add(empty.histogram);
  EXPECT_EQ(fixture.histogram.count(), 1U);
  EXPECT_EQ(fixture.histogram.min_ns(), 1000U);
}

TEST(Histogram, ClearLeavesAllZeroBytes) {
  Fixture fixture;
  fixture.histogram.record(1);
  fixture.histogram.record(kMost);
  fixture.histogram.clear();
  const Fixture empty;
  EXPECT_EQ(std::memcmp(fixture.bytes.get(), empty.bytes.get(), sizeof(HistogramBytes)), 0);
}

TEST(Histogram, AnObserverOfGarbageNeitherCrashesNorHangs) {
  const std::uint64_t used = seed();
  SCOPED_TRACE("MILLRACE_TEST_SEED=" + std::to_string(used));
  std::mt19937_64 random(used);
  Fixture fixture;
  for (int round = 0; round < 50; ++round) {
    auto* const raw = reinterpret_cast<unsigned char*>(fixture.bytes.get());
    std::generate_n(raw, sizeof(HistogramBytes),
                    [&] { return static_cast<unsigned char>(round == 0 ? 0xff : random()); });
    const HistogramView view(*fixture.bytes);
    // So many values cannot have been counted: the total stops at the largest number.
    EXPECT_EQ(view.count(), kMost);
    EXPECT_LE(view.percentile_ns(50), view.max_ns());
    EXPECT_GT(view.mean_ns(), 0);
    Fixture sum;
    sum.histogram.add(view);
  }
}

TEST(Histogram, OddPercentagesAreCutToTheRange) {
  Fixture fixture;
  fixture.histogram.record(5);
  fixture.histogram.record(9);
  EXPECT_EQ(fixture.histogram.percentile_ns(-1), 5U);
  EXPECT_EQ(fixture.histogram.percentile_ns(0), 5U);
  EXPECT_EQ(fixture.histogram.percentile_ns(std::nan("")), 5U);
  EXPECT_EQ(fixture.histogram.percentile_ns(1e300), 9U);
}

TEST(Histogram, AnObserverSeesCountsOnlyGrowWhileTheWriterRecords) {
  Fixture fixture;
  std::atomic<bool> done{false};
  constexpr std::uint64_t kValues = 300'000;
  std::thread writer([&] {
    for (std::uint64_t i = 0; i < kValues; ++i)
      fixture.histogram.record(i % 100'000);
    done.store(true, std::memory_order_relaxed);
  });
  const HistogramView view(*fixture.bytes);
  std::uint64_t seen = 0;
  while (!done.load(std::memory_order_relaxed)) {
    const std::uint64_t now = view.count();
    EXPECT_GE(now, seen);
    EXPECT_LT(view.percentile_ns(99), 100'000U);
    seen = now;
  }
  writer.join();
  EXPECT_EQ(view.count(), kValues);
}

}  // namespace
}  // namespace millrace
