// Checkpoints on plain memory: which one is found, and what is refused.
#include "plain_lane.hpp"

#include <gtest/gtest.h>

namespace millrace {
namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;

TEST(Checkpoints, FindsNoneInALaneThatHasNone) {
  PlainLane lane;
  EXPECT_FALSE(Table::newest(lane.view()));
  EXPECT_FALSE(Table::oldest(lane.view()));
  EXPECT_FALSE(Table::at_or_before(lane.view(), 7));
}

TEST(Checkpoints, FindsTheNewestAtOrBeforeASequence) {
  PlainLane lane;
  for (Sequence s = 0; s < 100; s += 10)
    Table::write(lane.view(), {s * 64, s});
  EXPECT_EQ(Table::newest(lane.view()), (Checkpoint{90 * 64, 90}));
  EXPECT_EQ(Table::at_or_before(lane.view(), 47), (Checkpoint{40 * 64, 40}));
  EXPECT_EQ(Table::at_or_before(lane.view(), 40), (Checkpoint{40 * 64, 40}));
  EXPECT_EQ(Table::at_or_before(lane.view(), 9'999), (Checkpoint{90 * 64, 90}));
}

TEST(Checkpoints, DoesNotGoBackBeyondItsSlots) {
  PlainLane lane;
  for (Sequence s = 1; s <= 100; ++s)
    Table::write(lane.view(), {s * 8, s});
  EXPECT_FALSE(Table::at_or_before(lane.view(), 100 - kCheckpointSlots));
  EXPECT_TRUE(Table::at_or_before(lane.view(), 100 - kCheckpointSlots + 3));
}

TEST(Checkpoints, TakesTheOldestWhoseRecordsAreAllThere) {
  PlainLane lane;
  for (Sequence s = 0; s < 20; ++s)
    Table::write(lane.view(), {s * 256, s});
  lane.view().limit().store(kRingBytesMin + 3 * 256, kRelaxed);
  EXPECT_EQ(Table::oldest(lane.view())->sequence, 3u);
  lane.view().limit().store(kRingBytesMin + 3 * 256 + 8, kRelaxed);
  EXPECT_EQ(Table::oldest(lane.view())->sequence, 4u);
}

TEST(Checkpoints, TakesTheNewestIfNoneIsWhole) {
  PlainLane lane;
  for (Sequence s = 0; s < 20; ++s)
    Table::write(lane.view(), {s * 256, s});
  lane.view().limit().store(~Position{0}, kRelaxed);
  EXPECT_EQ(Table::oldest(lane.view())->sequence, 19u);
}

TEST(Checkpoints, RefusesAPlaceThatIsNoRecordBoundary) {
  PlainLane lane;
  Table::write(lane.view(), {12, 1});
  EXPECT_FALSE(Table::newest(lane.view()));
}

TEST(Checkpoints, AreWrittenOnceAStep) {
  PlainLane lane;
  Writer writer(lane.view(), {});
  for (int i = 0; i < 1000; ++i) {
    send_freely(writer, 40);
    const Position behind = writer.position() - Table::newest(lane.view())->position;
    EXPECT_LT(behind, lane.view().step() + layout::record_bytes(40));
  }
}

TEST(Checkpoints, BeginEveryLifeOfALane) {
  PlainLane lane;
  Writer first(lane.view(), {});
  EXPECT_EQ(Table::newest(lane.view()), (Checkpoint{0, 0}));
  send_freely(first, 8);
  Writer second(lane.view(), {first.position(), first.sequence()});
  EXPECT_EQ(Table::newest(lane.view()), (Checkpoint{16, 1}));
  Writer third(lane.view(), {first.position(), first.sequence()});
  EXPECT_EQ(lane.view().version().load(kRelaxed), 2u);  // it stands there already
}

}  // namespace
}  // namespace millrace
