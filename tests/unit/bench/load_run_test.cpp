// A measured run with real processes. No time is judged: it may be as slow as it likes.
#include "millrace/bench/load_run.hpp"

#include "support/scratch_directory.hpp"

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <string>
#include <unistd.h>

#include <gtest/gtest.h>

namespace millrace::bench {
namespace {

class LoadRun : public ::testing::Test {
 protected:
  LoadPlan plan_of(const std::string& load, const std::string& handler = "deadline:2us") {
    LoadPlan plan;
    plan.shape = parse_load(load).value();
    plan.handler = parse_handler(handler).value();
    plan.seconds = 0.2;
    plan.domain = scratch_ / "domain";
    plan.cpus = choose_load_cpus("").value();
    return plan;
  }

  static LoadEvidence run(const LoadPlan& plan) {
    auto evidence = run_load(plan, 3);
    EXPECT_TRUE(evidence) << (evidence ? "" : evidence.error().sentence());
    return evidence.value_or(LoadEvidence{});
  }

  // What every whole run must show, however slow the machine.
  static void expect_whole(const LoadPlan& plan, const LoadEvidence& evidence) {
    const LoadCounts& counts = evidence.counts;
    EXPECT_EQ(counts.sent, evidence.visible.size());
    EXPECT_EQ(counts.received, counts.sent);
    EXPECT_EQ(counts.received_bytes, counts.sent_bytes);
    EXPECT_EQ(counts.lost + counts.duplicated + counts.reordered + counts.wrong, 0U);
    std::uint64_t sum = 0;
    std::uint64_t bytes = 0;
    for (std::uint64_t each = 0; each < counts.sent; ++each) {
      sum += load_sum(plan, each);
      bytes += load_length(plan, each);
    }
    EXPECT_EQ(counts.received_sum, sum);
    EXPECT_EQ(counts.received_bytes, bytes);
  }

  testing_support::ScratchDirectory scratch_;
};

TEST_F(LoadRun, StampsAndChecksEveryMessage) {
  LoadPlan plan = plan_of("poisson:rate=20k");
  plan.length_min = 8;
  plan.length_max = 100;
  const LoadEvidence evidence = run(plan);
  expect_whole(plan, evidence);
  EXPECT_EQ(evidence.restart, 3U);
  EXPECT_EQ(evidence.gaps_lost, 0U);
  for (const LoadSlice& slice : evidence.slices) {
    for (std::uint64_t each = slice.first; each < slice.first + slice.count; ++each) {
      ASSERT_NE(evidence.processed[each], 0U);
      ASSERT_GE(evidence.processed[each], evidence.visible[each]);
      if (slice.kind == SliceKind::drain) continue;
      ASSERT_GE(evidence.began[each], evidence.intended[each]) << "nothing is sent early";
      ASSERT_GE(evidence.published[each], evidence.began[each]);
    }
  }
  // The channel is gone, the domain stays.
  for (const auto& entry : std::filesystem::directory_iterator(plan.domain))
    EXPECT_EQ(entry.path().filename().string().find("profile-"), std::string::npos);
}

TEST_F(LoadRun, CalibratesBeforeTheLoad) {
  const LoadEvidence evidence = run(plan_of("constant:rate=10k"));
  const auto& slices = evidence.slices;
  ASSERT_GT(slices.size(), 10U);
  EXPECT_EQ(slices[0].kind, SliceKind::drain);
  EXPECT_EQ(slices[1].kind, SliceKind::idle);
  EXPECT_EQ(slices[8].kind, SliceKind::warm);
  EXPECT_EQ(slices[9].kind, SliceKind::still);
  EXPECT_EQ(slices[10].kind, SliceKind::load);
  EXPECT_GT(evidence.enqueue_ns, 0);
  if (choose_load_cpus("")->apart()) {
    EXPECT_GT(slices[9].bare_before_ns, 0);
    EXPECT_EQ(slices[9].bare_before_ns, slices[8].bare_after_ns);
    EXPECT_GT(slices[10].bare_before_ns, 0);
  }
}

TEST_F(LoadRun, OnOneProcessorItRunsWithoutBareSlices) {
  LoadPlan plan = plan_of("constant:rate=1k", "none");
  plan.cpus = {};
  plan.calibrate = plan.warm = false;
  const LoadEvidence evidence = run(plan);
  expect_whole(plan, evidence);
  EXPECT_TRUE(evidence.bare_ns.empty());
}

TEST_F(LoadRun, OverBareWordsItIsTheSameLoad) {
  LoadPlan plan = plan_of("poisson:rate=20k");
  plan.bare = true;
  expect_whole(plan, run(plan));
  plan.length_max = 100;
  EXPECT_EQ(run_load(plan, 0).error().code(), Errc::bad_argument);
}

TEST_F(LoadRun, EachPlantShowsInTheCounts) {
  const auto counts_with = [&](LoadPlant plant) {
    LoadPlan plan = plan_of("constant:rate=20k", "none");
    plan.calibrate = plan.warm = false;
    plan.plant = plant;
    return run(plan).counts;
  };
  const LoadCounts dropped = counts_with(LoadPlant::drop);
  EXPECT_GT(dropped.lost, 0U);
  EXPECT_EQ(dropped.received + dropped.lost, dropped.sent);
  EXPECT_GT(counts_with(LoadPlant::duplicate).duplicated, 0U);
  const LoadCounts counted = counts_with(LoadPlant::counter);
  EXPECT_EQ(counted.sent, counted.received + 1);
}

TEST_F(LoadRun, ALossyChannelCountsWhatWasOverwritten) {
  LoadPlan plan = plan_of("burst:rate=50k,size=2000", "work:20us");
  plan.policy = Policy::lossy;
  plan.ring_bytes = 16384;
  plan.calibrate = plan.warm = false;
  const LoadCounts counts = run(plan).counts;
  EXPECT_GT(counts.lost, 0U);
  EXPECT_EQ(counts.lost, counts.transport_lost);
  EXPECT_EQ(counts.received + counts.lost, counts.sent);
  EXPECT_EQ(counts.blocked, 0U);
}

TEST_F(LoadRun, AFullRingBlocksAndLosesNothing) {
  LoadPlan plan = plan_of("burst:rate=20k,size=1000", "work:20us");
  plan.ring_bytes = 16384;
  plan.calibrate = plan.warm = false;
  const LoadEvidence evidence = run(plan);
  expect_whole(plan, evidence);
  EXPECT_GT(evidence.counts.blocked, 0U);
}

TEST_F(LoadRun, RefusesWhatCannotBe) {
  LoadPlan plan = plan_of("constant:rate=1k");
  plan.length_min = 4;
  EXPECT_EQ(run_load(plan, 0).error().code(), Errc::bad_argument);
  plan = plan_of("constant:rate=1k");
  plan.length_max = 1 << 20;
  EXPECT_EQ(run_load(plan, 0).error().code(), Errc::bad_argument);
  plan = plan_of("constant:rate=100M");
  plan.seconds = 10;
  EXPECT_EQ(run_load(plan, 0).error().code(), Errc::bad_argument);
  EXPECT_FALSE(std::filesystem::exists(plan.domain)) << "nothing is left behind";
}

TEST_F(LoadRun, EndsWhenItIsTold) {
  LoadPlan plan = plan_of("constant:rate=1k");
  plan.seconds = 60;
  plan.give_up = [] { return true; };
  EXPECT_EQ(run_load(plan, 0).error().code(), Errc::closed);
}

TEST_F(LoadRun, AProcessThatDiesEndsTheRunWithItsSignal) {
  LoadPlan plan = plan_of("constant:rate=1k");
  plan.handler.kind = LoadHandler::Kind::user;
  plan.handler.function = [](std::span<const std::byte>) { raise(SIGKILL); };
  const auto evidence = run_load(plan, 0);
  ASSERT_FALSE(evidence);
  EXPECT_NE(evidence.error().sentence().find("subscriber of the load was killed by signal 9"),
            std::string_view::npos)
      << evidence.error().sentence();
}

}  // namespace
}  // namespace millrace::bench
