// LaneWriter and LaneReader on plain memory, and a reader among hostile bytes. Orders are the
// models' business (tests/model), kills are those of tests/crash.
#include "millrace/core/lane_recovery.hpp"
#include "plain_lane.hpp"

#include <gtest/gtest.h>

namespace millrace {
namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;

Record expect_message(Reader& reader) {
  Record record;
  EXPECT_EQ(reader.poll(record), Poll::message);
  return record;
}

TEST(Lane, DeliversMessagesOfEverySizeInOrder) {
  PlainLane lane;
  Writer writer(lane.view(), {});
  Reader reader(lane.view(), {});
  for (std::uint64_t length = 0; length <= message_bytes_max(kRingBytesMin); ++length) {
    send_freely(writer, length);
    const Record record = expect_message(reader);
    EXPECT_EQ(record.length, length);
    EXPECT_EQ(record.sequence, length);
    EXPECT_TRUE(is_whole(lane.view(), record));
    EXPECT_TRUE(reader.validate());
    reader.advance(record);
    reader.release();
  }
}

TEST(Lane, RevealsABatchAtOnceOrNotAtAll) {
  PlainLane lane;
  Writer writer(lane.view(), {});
  Reader reader(lane.view(), {});
  writer.grant(1024);
  Record record;
  append(writer, 8);
  append(writer, 100);
  EXPECT_EQ(reader.poll(record), Poll::empty);
  EXPECT_EQ(writer.publish(), 0u);
  reader.advance(expect_message(reader));
  reader.advance(expect_message(reader));
  EXPECT_EQ(reader.poll(record), Poll::empty);
}

TEST(Lane, ForgetsAnAbandonedBatch) {
  PlainLane lane;
  Writer writer(lane.view(), {});
  Reader reader(lane.view(), {});
  writer.grant(1024);
  append(writer, 100);
  append(writer, 100);
  writer.abandon();
  Record record;
  EXPECT_EQ(reader.poll(record), Poll::empty);
  send_freely(writer, 3);
  EXPECT_EQ(expect_message(reader).length, 3u);
}

TEST(Lane, PassesOverWhatIsNoMessageAndCountsWhatItDoesNotKnow) {
  PlainLane lane;
  Writer writer(lane.view(), {});
  Reader reader(lane.view(), {});
  writer.grant(1024);
  writer.append(header_of(24, RecordType::aborted));
  writer.publish();
  writer.append(header_of(8, static_cast<RecordType>(9)));
  writer.publish();
  send_freely(writer, 5);
  EXPECT_EQ(expect_message(reader).sequence, 2u);
  EXPECT_EQ(reader.unknown(), 1u);
}

TEST(Lane, RefusesARecordThatMustBeUnderstood) {
  PlainLane lane;
  Writer writer(lane.view(), {});
  writer.grant(1024);
  writer.append(header_of(8, static_cast<RecordType>(12)));
  writer.publish();
  Record record;
  EXPECT_EQ(Reader(lane.view(), {}).poll(record), Poll::broken);
}

TEST(Lane, CountsExactlyWhatALappedReaderLost) {
  PlainLane lane;
  Writer writer(lane.view(), {});
  Reader reader(lane.view(), {});
  std::mt19937_64 random(3);
  std::uint64_t received = 0;
  std::uint64_t lost = 0;
  while (writer.sequence() < 20'000) {
    for (std::uint64_t i = random() % 300; i > 0; --i)
      send_freely(writer, random() % 200);
    Record record;
    for (std::uint64_t i = random() % 300; i > 0; --i) {
      const Poll poll = reader.poll(record);
      ASSERT_NE(poll, Poll::broken);
      if (poll == Poll::overrun) lost += reader.resynchronise();
      if (poll != Poll::message) continue;
      const bool whole = is_whole(lane.view(), record);
      if (!reader.validate()) {  // stale bytes may look like the message we wait for
        lost += reader.resynchronise();
        continue;
      }
      ASSERT_TRUE(whole);
      reader.advance(record);
      reader.release();
      ++received;
    }
    ASSERT_EQ(received + lost, reader.sequence());
  }
  EXPECT_GT(lost, 0u);
  EXPECT_GT(received, 0u);
}

TEST(HostileLane, RefusesALengthBeyondTheRing) {
  PlainLane lane;
  lane.view().limit().store(1024, kRelaxed);
  lane.view().header(0).store(header_of(message_bytes_max(kRingBytesMin) + 1).word(), kRelaxed);
  Record record;
  EXPECT_EQ(Reader(lane.view(), {}).poll(record), Poll::broken);
}

TEST(HostileLane, DoesNotKeepAReaderInARingFullOfPads) {
  PlainLane lane;
  for (Position at = 0; at < kRingBytesMin; at += 8) {
    lane.view().header(at).store(header_of(0, RecordType::pad).word(), kRelaxed);
  }
  Record record;
  for (Position limit = 1024; limit <= kRingBytesMin; limit += 1024) {
    lane.view().limit().store(limit, kRelaxed);
    Reader reader(lane.view(), {});
    EXPECT_EQ(reader.poll(record), limit < kRingBytesMin ? Poll::broken : Poll::empty);
    EXPECT_EQ(reader.poll(record), Poll::broken);
  }
}

// Fills a lane with bytes that make trouble: mostly headers that a reader at `at` might believe.
void poison(const PlainLane& lane, Checkpoint at, std::mt19937_64& random) {
  const LaneView view = lane.view();
  const std::uint64_t believable = random() % 100;
  for (Position p = 0; p < view.capacity(); p += 8) {
    const layout::RecordHeader header{
        .length =
            static_cast<std::uint32_t>(random() % 8 == 0 ? random() % (1u << 28) : random() % 2048),
        .type = static_cast<RecordType>(random() % 3 == 0 ? random() % 16 : 1),
        .sequence = static_cast<std::uint8_t>(at.sequence + random() % 4),
        .flags = static_cast<std::uint8_t>(random() % 16 == 0 ? random() : 0),
        .key = static_cast<std::uint16_t>(random())};
    const std::uint64_t other = random() % 4 == 0 ? 0 : random();
    view.header(p).store(random() % 100 < believable ? header.word() : other, kRelaxed);
  }
  view.limit().store(random() % 2 ? at.position + random() % (2 * view.capacity()) : random(),
                     kRelaxed);
  view.proposed().store(random(), kRelaxed);
  view.version().store(random() % 2 ? random() % 64 : random(), kRelaxed);
  for (std::uint64_t slot = 0; slot < LaneView::kSlots; ++slot) {
    view.checkpoint_position(slot).store(
        random() % 4 ? (at.position + random() % view.capacity()) & ~7ull : random(), kRelaxed);
    view.checkpoint_sequence(slot).store(at.sequence + random() % 64, kRelaxed);
  }
}

// What a caller does, but never for ever. Touches every byte it is given: a byte outside the
// mapping would end the test.
void read_on(Reader& reader, std::uint64_t& sum) {
  for (int step = 0; step < 2000; ++step) {
    Record record;
    const Poll poll = reader.poll(record);
    if (poll == Poll::broken || poll == Poll::empty) return;
    if (poll == Poll::overrun) {
      reader.resynchronise();
      continue;
    }
    const std::byte* const payload = reader.lane().payload(record.position);
    for (std::uint32_t i = 0; i < record.length; ++i)
      sum += std::to_integer<unsigned>(payload[i]);
    if (!reader.validate()) {
      reader.resynchronise();
      continue;
    }
    reader.advance(record);
    reader.release();
  }
}

TEST(HostileLane, NeverLeadsAReaderOutOfTheRing) {
  PlainLane lane;
  std::mt19937_64 random(11);
  std::uint64_t sum = 0;
  std::uint64_t frontiers = 0;
  for (int round = 0; round < 1500; ++round) {
    const Position anywhere = random() % 8 == 0 ? random() : random() % (1u << 20);
    const Checkpoint at{anywhere & ~7ull, random()};
    poison(lane, at, random);
    Reader reader(lane.view(), at);
    read_on(reader, sum);
    frontiers += find_frontier<ProductionMemory>(lane.view()).has_value();
    frontiers += walk_to_frontier<ProductionMemory>(lane.view(), at, ~Sequence{0}).has_value();
    if (const auto oldest = Table::oldest(lane.view())) {
      EXPECT_EQ(oldest->position % kRecordAlign, 0u);
    }
  }
  EXPECT_GT(sum, 0u);
  EXPECT_GT(frontiers, 0u);
}

}  // namespace
}  // namespace millrace
