// Where a joining reader is placed. That nobody is missed in a race is shown by
// tests/model/join_model.cpp.
#include "millrace/core/join.hpp"

#include "plain_lane.hpp"

#include <gtest/gtest.h>

namespace millrace {
namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;

struct Own {
  Checkpoint stands_at;
  int announced = 0;

  void stand_at(Checkpoint at) { stands_at = at; }

  void announce() { ++announced; }
};

using Joining = Join<ProductionMemory, Own>;

class Joined : public testing::Test {
 protected:
  void send(Sequence until) {
    while (writer_.sequence() < until)
      send_freely(writer_, 24);
  }

  std::optional<Checkpoint> join(From from) {
    return Joining::take_place(lane_.view(), from, own_);
  }

  PlainLane lane_;
  Writer writer_{lane_.view(), {}};
  Own own_;
};

TEST_F(Joined, NowWaitsForTheNextMessage) {
  send(77);
  const auto place = join(From::now());
  EXPECT_EQ(place, (Checkpoint{writer_.position(), 77}));
  EXPECT_EQ(own_.stands_at, *place);
  EXPECT_GE(own_.announced, 1);
}

TEST_F(Joined, OldestTakesMostOfALap) {
  send(1000);
  const auto place = join(From::oldest());
  ASSERT_TRUE(place);
  EXPECT_GE(place->position + kRingBytesMin, lane_.view().limit().load(kRelaxed));
  EXPECT_GT(writer_.position() - place->position, kRingBytesMin / 2);
  EXPECT_EQ(place->position, 32 * place->sequence);
}

TEST_F(Joined, AtASequenceBeginsWithThatVeryMessage) {
  send(1000);
  const auto place = join(From::at(955));
  EXPECT_EQ(place, (Checkpoint{955 * 32, 955}));
  EXPECT_EQ(own_.stands_at, *place);
}

TEST_F(Joined, AtASequenceThatIsGoneBeginsWithTheOldest) {
  send(1000);
  const auto oldest = join(From::oldest());
  EXPECT_EQ(join(From::at(3)), oldest);
}

TEST_F(Joined, AtASequenceYetToComeWaitsAtTheEnd) {
  send(100);
  EXPECT_EQ(join(From::at(5000)), (Checkpoint{writer_.position(), 100}));
}

TEST_F(Joined, TakesALaterPlaceThanACandidateOfTheProducer) {
  send(60);  // nothing is overwritten yet
  EXPECT_EQ(join(From::oldest())->sequence, 0u);
  lane_.view().proposed().store(kRingBytesMin + 256, kRelaxed);
  EXPECT_GE(join(From::oldest())->position, 256u);
}

TEST_F(Joined, GivesUpOnWordsThatMakeNoSense) {
  send(60);
  lane_.view().limit().store(~Position{0}, kRelaxed);
  EXPECT_FALSE(join(From::oldest()));
  EXPECT_FALSE(join(From::now()));
  lane_.view().limit().store(0, kRelaxed);
  lane_.view().version().store(0, kRelaxed);
  EXPECT_FALSE(join(From::at(3)));
}

}  // namespace
}  // namespace millrace
