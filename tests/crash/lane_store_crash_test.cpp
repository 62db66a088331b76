// Every store of every operation on a lane is a kill point: LaneWriter, LimitKeeper, Checkpoints
// and find_frontier on a memory whose stores can be cut off. The flawed variants must fail, or the
// test could not see what it is there for.
#include "crashing_lane.hpp"

#include <gtest/gtest.h>

namespace millrace::crash {
namespace {

constexpr int kOperations = 60;

struct Outcome {
  std::uint64_t kills = 0;
  std::string broken;
  std::uint64_t seed = 0;
};

// Stops at the first lane that breaks.
Outcome kill_lanes(Flaw flaw, std::uint64_t kills) {
  Outcome outcome;
  for (std::uint64_t seed = 1; outcome.kills < kills; ++seed) {
    CrashingLane lane(flaw, 256ull << seed % 3, seed);
    const bool good = lane.run(kOperations);
    outcome.kills += lane.kills();
    if (good) continue;
    outcome.broken = lane.broken();
    outcome.seed = seed;
    break;
  }
  return outcome;
}

std::string broken_by(Flaw flaw) {
  const Outcome outcome = kill_lanes(flaw, 100'000);
  std::printf("  caught after %lu kills: %s\n", static_cast<unsigned long>(outcome.kills),
              outcome.broken.c_str());
  return outcome.broken;
}

TEST(LaneStoreCrash, LosesNothingAndTearsNothingAtAnyStore) {
  const Outcome outcome = kill_lanes(Flaw::none, 120'000);
  EXPECT_EQ(outcome.broken, "") << "seed " << outcome.seed;
  EXPECT_GE(outcome.kills, 120'000u);
}

TEST(LaneStoreCrash, CatchesALaneThatDoesNotZeroTheNextHeader) {
  EXPECT_NE(broken_by(Flaw::no_zero), "");
}

TEST(LaneStoreCrash, CatchesALaneThatWritesNoCheckpoint) {
  EXPECT_NE(broken_by(Flaw::no_checkpoint), "");
}

TEST(LaneStoreCrash, CatchesALaneThatForgetsTheRoomForTheZero) {
  EXPECT_NE(broken_by(Flaw::no_room_for_zero), "");
}

TEST(LaneStoreCrash, CatchesACheckpointWrittenInPlace) {
  EXPECT_NE(broken_by(Flaw::checkpoint_in_place), "");
}

}  // namespace
}  // namespace millrace::crash
