// The bound on the offset of two counters, the line that says it, and what it lets be shown.
#include "millrace/core/clock_line.hpp"

#include <algorithm>
#include <random>
#include <sched.h>
#include <vector>

#include <gtest/gtest.h>

namespace millrace {
namespace {

// Round trips of a counter that is ahead by `offset` ticks, with transfers of at least `forth` and
// `back` ticks.
std::vector<RoundTrip> trips_with(std::int64_t offset, unsigned forth, unsigned back) {
  std::mt19937_64 random(1);
  std::vector<RoundTrip> trips;
  std::uint64_t now = 1'000'000'000;
  for (int i = 0; i < 1000; ++i) {
    const std::uint64_t there = now + forth + random() % 100;
    const std::uint64_t answered = there + 10;
    const std::uint64_t here = answered + back + random() % 100;
    const auto shift = static_cast<std::uint64_t>(offset);
    trips.push_back({now, there + shift, answered + shift, here});
    now = here + 50;
  }
  return trips;
}

TEST(ClockOffset, LiesInTheIntervalWhateverTheTransfersTake) {
  for (const std::int64_t offset : {-1000, -60, 0, 60, 1000}) {
    for (const unsigned forth : {20U, 300U}) {
      const auto found = offset_of(trips_with(offset, forth, 50), 0.5, 0);
      EXPECT_LE(found.low_ns, static_cast<double>(offset) * 0.5);
      EXPECT_GE(found.high_ns, static_cast<double>(offset) * 0.5);
      EXPECT_NEAR(found.half_width_ns(), (forth + 50) * 0.5 / 2, 2);
    }
  }
}

TEST(ClockOffset, IsWidenedByTheStepsOfTheCounter) {
  const auto fine = offset_of(trips_with(0, 50, 50), 1, 0);
  const auto coarse = offset_of(trips_with(0, 50, 50), 1, 10);
  EXPECT_DOUBLE_EQ(coarse.low_ns, fine.low_ns - 10);
  EXPECT_DOUBLE_EQ(coarse.high_ns, fine.high_ns + 10);
}

TEST(ClockOffset, IsIntersectedOverSlicesOfDifferentPlacements) {
  OffsetTrack track;
  EXPECT_TRUE(track.add(offset_of(trips_with(5, 20, 300), 1, 0)));
  EXPECT_TRUE(track.add(offset_of(trips_with(5, 300, 20), 1, 0)));
  EXPECT_EQ(track.slices(), 2U);
  EXPECT_EQ(track.changes(), 0U);
  EXPECT_NEAR(track.interval().middle_ns(), 5, 3);
  EXPECT_LT(track.interval().half_width_ns(), 25) << "better than each slice alone";
}

TEST(ClockOffset, NoticesThatTheCountersMoved) {
  OffsetTrack track;
  EXPECT_TRUE(track.add(offset_of(trips_with(0, 20, 20), 1, 0)));
  EXPECT_FALSE(track.add(offset_of(trips_with(500, 20, 20), 1, 0)));
  EXPECT_EQ(track.changes(), 1U);
  EXPECT_GE(track.interval().high_ns, 500);
  EXPECT_LE(track.interval().low_ns, 500);
}

TEST(ClockOffset, IsMeasuredBetweenTwoProcessors) {
  cpu_set_t allowed;
  ASSERT_EQ(sched_getaffinity(0, sizeof allowed, &allowed), 0);
  std::vector<unsigned> cpus;
  for (unsigned cpu = 0; cpu < CPU_SETSIZE; ++cpu)
    if (CPU_ISSET(cpu, &allowed)) cpus.push_back(cpu);
  if (cpus.size() < 2) GTEST_SKIP() << "this process may use one processor only";
  const Clock clock = Clock::local();
  const auto track = measure_offset(clock, cpus[0], cpus[1], std::chrono::milliseconds(20));
  ASSERT_TRUE(track) << track.error().sentence();
  EXPECT_GE(track->slices(), 1U);
  EXPECT_FALSE(track->interval().empty());
  const auto same = measure_offset(clock, cpus[0], cpus[0], std::chrono::milliseconds(1));
  EXPECT_EQ(same.error().code(), Errc::bad_argument);
}

TEST(ClockOffset, OfAProcessorThatMayNotBeUsedIsRefused) {
  cpu_set_t allowed;
  ASSERT_EQ(sched_getaffinity(0, sizeof allowed, &allowed), 0);
  unsigned none = 0;
  while (CPU_ISSET(none, &allowed))
    ++none;
  unsigned one = 0;
  while (!CPU_ISSET(one, &allowed))
    ++one;
  const auto track = measure_offset(Clock::local(), one, none, std::chrono::milliseconds(1));
  ASSERT_FALSE(track);
  EXPECT_EQ(track.error().code(), Errc::no_permission);
}

// A clock with steps of 10 ns, and an offset of -35 to +20 ns: what was measured on such a machine.
ClockLine line() {
  ClockLine line;
  line.clock.source = ClockSource::tsc;
  line.clock.granularity_ns = 10;
  line.clock.stamp_cost_ns = 9.1;
  line.offset.emplace();
  line.offset->add({-35, 20});
  return line;
}

TEST(ClockLine, SaysWhatTimesWereMeasuredWith) {
  EXPECT_EQ(to_text(line()),
            "clock: tsc, steps of 10 ns, 9.1 ns a stamp, offset -35 to +20 ns (half-width 28 ns, 1 "
            "slices, 0 changes)");
  ClockLine unmeasured = line();
  unmeasured.offset.reset();
  EXPECT_NE(to_text(unmeasured).find("offset not measured"), std::string::npos);
}

TEST(ClockLine, LetsAStageBelowTenStepsBeAMeanOnly) {
  EXPECT_EQ(resolve_stage(99.9, line()), Resolved::mean_only);
  EXPECT_EQ(resolve_stage(100, line()), Resolved::fully);
}

TEST(ClockLine, LetsAOneWayTimeBelowFourHalfWidthsBeNotResolved) {
  EXPECT_EQ(resolve_one_way(109.9, line()), Resolved::not_resolved);
  EXPECT_EQ(resolve_one_way(110, line()), Resolved::fully);
  ClockLine unmeasured = line();
  unmeasured.offset.reset();
  EXPECT_EQ(resolve_one_way(1e6, unmeasured), Resolved::unknown);
}

TEST(ClockLine, IsInvalidOnceTheClockHasMoved) {
  std::string why;
  EXPECT_FALSE(invalid(line()));
  ClockLine moved = line();
  moved.offset->add({400, 500});
  EXPECT_TRUE(invalid(moved, &why));
  EXPECT_EQ(resolve_one_way(1e6, moved), Resolved::not_resolved);
  EXPECT_NE(to_text(moved).find("INVALID: " + why), std::string::npos);
  ClockLine drifted = line();
  drifted.clock.within_bounds = false;
  EXPECT_TRUE(invalid(drifted));
}

}  // namespace
}  // namespace millrace
