// The values of asleep_at. That no wake-up is lost in a race is shown by
// tests/model/sleep_model.cpp.
#include "millrace/core/sleep.hpp"

#include <gtest/gtest.h>

namespace millrace {
namespace {

using Sleeping = Sleep<ProductionMemory>;

constexpr std::uint64_t kRingBytes = 4096;

class Asleep : public testing::Test {
 protected:
  void announce(Position awaited) { Sleeping::announce(asleep_at_, awaited, kRingBytes); }

  bool wanted(Position committed, Position frontier) {
    const bool light = Sleeping::wanted(asleep_at_, committed, frontier, false);
    EXPECT_EQ(Sleeping::wanted(asleep_at_, committed, frontier, true), light);
    return light;
  }

  std::uint64_t value() const { return asleep_at_.load(std::memory_order_relaxed); }

  layout::Word asleep_at_{0};
};

TEST_F(Asleep, NobodyIsAtFirst) {
  EXPECT_FALSE(wanted(0, 64));
}

TEST_F(Asleep, IsWokenByTheCommitAtItsPlaceAndByNoOther) {
  announce(640);
  EXPECT_FALSE(wanted(512, 576));
  EXPECT_TRUE(wanted(640, 704));
  EXPECT_FALSE(wanted(704, 768));
}

TEST_F(Asleep, IsNotForgottenWhenAnotherHasGoneOnAndAnnouncesItself) {
  announce(640);
  announce(704);  // it has seen the commit at 640 that the publisher is about to look for
  EXPECT_TRUE(wanted(640, 704));
  EXPECT_TRUE(wanted(704, 768));
}

TEST_F(Asleep, KeepsTheHigherOfTwoPlaces) {
  announce(704);
  announce(640);
  EXPECT_EQ(value(), 705u);
}

TEST_F(Asleep, OverwritesAPlaceThatLiesFurtherAheadThanARing) {
  announce(640 + kRingBytes + 8);
  announce(640);
  EXPECT_EQ(value(), 641u);
}

TEST_F(Asleep, DoesNotMakeThePublisherWakeForALie) {
  asleep_at_.store(~std::uint64_t{0}, std::memory_order_relaxed);
  EXPECT_FALSE(wanted(640, 704));
}

}  // namespace
}  // namespace millrace
