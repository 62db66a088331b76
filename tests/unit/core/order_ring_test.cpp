#include "millrace/core/order_ring.hpp"

#include "millrace/core/lane_recovery.hpp"
#include "plain_lane.hpp"
#include "plain_order.hpp"

#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace millrace {
namespace {

constexpr std::uint64_t kWords = layout::kOrderWordsMin;

// Publish number `turn` of the tests reveals this many messages.
std::uint32_t count_of(std::uint64_t turn) {
  return turn % 5 == 0 ? layout::kOrderCountMax : static_cast<std::uint32_t>(turn % 5);
}

// Publishes `turns` times, in turn by each of the writers, and returns how many messages that made.
Sequence publish_in_turn(std::vector<Orderer>& writers, std::uint64_t turns) {
  Sequence messages = 0;
  for (std::uint64_t turn = 0; turn < turns; ++turn) {
    const auto placed = writers[turn % writers.size()].publish(turn % kWords, count_of(turn));
    EXPECT_TRUE(placed);
    if (!placed) break;
    EXPECT_EQ(placed->ordinal, turn);
    EXPECT_EQ(placed->sequence, messages);
    messages += count_of(turn);
  }
  return messages;
}

TEST(OrderRing, GivesEveryPublishTheNextNumberWhoeverMadeIt) {
  const PlainOrder order;
  std::vector<Orderer> writers(3, Orderer(order.view()));
  publish_in_turn(writers, 5 * kWords + 3);
  EXPECT_EQ(TotalOrder::frontier(order.view()), 5 * kWords + 3);
  EXPECT_EQ(writers[0].messages(), writers[2].messages());
}

TEST(OrderRing, SaysWhatEachWordRevealsUntilItIsALapOld) {
  const PlainOrder order;
  std::vector<Orderer> writers(1, Orderer(order.view()));
  publish_in_turn(writers, kWords + 7);
  const layout::OrderShape& shape = order.view().shape();
  for (std::uint64_t at = 0; at < 2 * kWords; ++at) {
    const std::uint64_t word = TotalOrder::look(order.view(), at);
    EXPECT_EQ(shape.is(word, at), at >= 7 && at < kWords + 7) << at;
    EXPECT_EQ(shape.reached(word, at), at < kWords + 7) << at;
    if (!shape.is(word, at)) continue;
    EXPECT_EQ(shape.block(word), at % kWords);
    EXPECT_EQ(shape.count(word), count_of(at));
  }
}

TEST(OrderRing, CountsTheMessagesBeforeAWordForAsLongAsItCan) {
  const PlainOrder order;
  std::vector<Orderer> writers(1, Orderer(order.view()));
  const std::uint64_t turns = 3 * kWords + 5;
  publish_in_turn(writers, turns);
  Sequence messages = 0;
  std::size_t known = 0;
  for (std::uint64_t at = 0; at <= turns; ++at) {
    const auto before = TotalOrder::before(order.view(), at);
    EXPECT_EQ(before.value_or(messages), messages) << at;
    known += before ? 1 : 0;
    EXPECT_TRUE(before || at + kWords <= turns + 2 * OrderView::kGroup) << at;
    messages += count_of(at);
  }
  EXPECT_GT(known, kWords - 2 * OrderView::kGroup);
  EXPECT_FALSE(TotalOrder::before(order.view(), turns + 1)) << "nobody knows the future";
}

TEST(OrderRing, BelievesNoHint) {
  const PlainOrder order;
  std::vector<Orderer> writers(2, Orderer(order.view()));
  Sequence messages = publish_in_turn(writers, 2 * kWords);
  const std::uint64_t lies[] = {
      0, 1, kWords, 3 * kWords, 3 * kWords - 1, ~std::uint64_t{0}, std::uint64_t{1} << 56};
  std::uint64_t at = 2 * kWords;
  for (const std::uint64_t lie : lies) {
    order.view().hint().store(lie, std::memory_order_relaxed);
    EXPECT_EQ(TotalOrder::frontier(order.view()), at) << lie;
    order.view().hint().store(lie, std::memory_order_relaxed);
    const auto placed = writers[at % 2].publish(1, 2);
    ASSERT_TRUE(placed) << lie;
    EXPECT_EQ(placed->ordinal, at) << lie;
    EXPECT_EQ(placed->sequence, messages) << lie;
    messages += 2;
    ++at;
  }
}

TEST(OrderRing, FindsItsPlaceAfterSleepingForManyLaps) {
  const PlainOrder order;
  std::vector<Orderer> writers(1, Orderer(order.view()));
  Orderer sleeper(order.view());
  ASSERT_EQ(sleeper.publish(3, 1)->ordinal, 0U);
  for (int turn = 0; turn < 1000; ++turn)
    ASSERT_TRUE(writers[0].publish(5, 2));
  order.view().hint().store(0, std::memory_order_relaxed);
  const auto placed = sleeper.publish(4, 1);
  ASSERT_TRUE(placed);
  EXPECT_EQ(placed->ordinal, 1001U);
  EXPECT_EQ(placed->sequence, 2001U);
}

TEST(OrderRing, SaysSoWhenItsWordsContradictEachOther) {
  const PlainOrder order;
  std::vector<Orderer> writers(1, Orderer(order.view()));
  publish_in_turn(writers, kWords + 20);
  Orderer late(order.view());
  const std::uint64_t last = kWords + 18;  // of the same group as the newest
  order.view().word(last).store(0, std::memory_order_relaxed);
  EXPECT_FALSE(late.publish(0, 1));
  for (std::uint64_t at = 0; at < kWords; ++at)
    order.view().word(at).store(~std::uint64_t{0}, std::memory_order_relaxed);
  EXPECT_FALSE(late.publish(0, 1));
  EXPECT_FALSE(Orderer(order.view()).publish(0, 1));
}

TEST(OrderRing, ANoteThatComesALapLateChangesNothing) {
  const PlainOrder order;
  std::vector<Orderer> writers(1, Orderer(order.view()));
  publish_in_turn(writers, kWords + 4);
  const Sequence noted = order.view().first(0).load(std::memory_order_relaxed);
  EXPECT_EQ(noted, *TotalOrder::before(order.view(), kWords));
  EXPECT_GT(noted, 0U);
}

// One thread's publishes come one after the other, and all threads' together without a gap.
TEST(OrderRing, ThreadsMakeOneOrder) {
  constexpr std::uint64_t kThreads = 3;
  constexpr std::uint64_t kEach = 5000;
  const PlainOrder order(std::uint64_t{1} << 14);
  std::vector<std::thread> threads;
  std::vector<std::vector<Ordered>> placed(kThreads);
  for (std::uint64_t me = 0; me < kThreads; ++me) {
    threads.emplace_back([&, me] {
      Orderer writer(order.view());
      for (std::uint64_t turn = 0; turn < kEach; ++turn)
        placed[me].push_back(writer.publish(me * 4096 + turn % 4096, count_of(turn)).value());
    });
  }
  std::vector<std::uint64_t> next(kThreads);
  Sequence messages = 0;
  for (Ordinal at = 0; at < kThreads * kEach;) {
    const std::uint64_t word = TotalOrder::look(order.view(), at);
    if (!order.view().shape().is(word, at)) {
      std::this_thread::yield();
      continue;
    }
    const std::uint64_t who = order.view().shape().block(word) / 4096;
    ASSERT_LT(who, kThreads);
    ASSERT_EQ(order.view().shape().block(word) % 4096, next[who] % 4096);
    ASSERT_EQ(order.view().shape().count(word), count_of(next[who]));
    ASSERT_EQ(TotalOrder::before(order.view(), at), messages);
    messages += count_of(next[who]++);
    ++at;
  }
  for (std::thread& thread : threads)
    thread.join();
  for (const auto& mine : placed) {
    for (const Ordered& one : mine)
      EXPECT_EQ(TotalOrder::before(order.view(), one.ordinal), one.sequence);
  }
}

// A small ring that nobody guards: who reads is overtaken all the time, and told nothing wrong.
TEST(OrderRing, AReaderThatIsLappedIsToldNothingWrong) {
  const PlainOrder order;
  std::atomic<bool> done{false};
  std::atomic<std::uint64_t> answers{0};
  std::thread publisher([&] {
    Orderer writer(order.view());
    // On a busy machine the reader may be late: it is waited for, though not for ever.
    for (std::uint64_t turn = 0; turn < 200'000 || (answers == 0 && turn < 100'000'000); ++turn)
      EXPECT_EQ(writer.publish(0, 3)->sequence, 3 * turn);
    done = true;
  });
  while (!done) {
    const Ordinal at = TotalOrder::frontier(order.view());
    for (Ordinal back = 0; back < 2 * kWords && back <= at; ++back) {
      const auto before = TotalOrder::before(order.view(), at - back);
      if (!before) continue;
      ASSERT_EQ(*before, 3 * (at - back));
      ++answers;
    }
  }
  publisher.join();
  EXPECT_GT(answers, 0U);
}

// The records of an ordered channel begin at blocks; a reader of the lane passes over what fills up
// between, and so does a successor.
TEST(OrderedLane, PublishesBeginAtBlocks) {
  PlainLane lane(16 * kRingBytesMin);
  Writer writer(lane.view(), {0, 0}, layout::kBlockBytes);
  Reader reader(lane.view(), {0, 0});
  for (std::uint64_t turn = 0; turn < 3000; ++turn) {
    const std::uint64_t messages = turn % 7 == 0 ? 3 : 1;
    for (std::uint64_t i = 0; i < messages; ++i) {
      const std::uint64_t length = (turn * 13 + i * 29) % 200;
      if (!writer.has_room(length)) writer.grant(writer.limit_needed(length));
      append(writer, length);
    }
    const Position at = writer.show_unordered();
    ASSERT_EQ(at % layout::kBlockBytes, 0U);
    ASSERT_LE(writer.position() + kHeaderBytes, writer.limit());
    writer.ordered(turn + 1);
    for (std::uint64_t i = 0; i < messages; ++i) {
      Record record;
      ASSERT_EQ(reader.poll(record), Poll::message);
      ASSERT_TRUE(is_whole(lane.view(), record));
      if (i == 0) {
        ASSERT_EQ(record.position, at);
      }
      reader.advance(record);
    }
    reader.release();
  }
  const auto newest = Table::newest(lane.view());
  ASSERT_TRUE(newest);
  EXPECT_GT(newest->ordinal, 2900U);
  EXPECT_LT(Table::ordered_before(lane.view(), newest->ordinal - 1)->ordinal, newest->ordinal);
  const auto frontier = find_frontier<ProductionMemory>(lane.view());
  ASSERT_TRUE(frontier);
  EXPECT_EQ(frontier->position, writer.position());
}

}  // namespace
}  // namespace millrace
