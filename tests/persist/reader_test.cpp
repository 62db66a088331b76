// Reading a log that somebody else writes: what is proven, all of it, once, in order.
#include "hand_made_log.hpp"
#include "millrace/persist/journal_reader.hpp"

#include <cstring>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace::persist_test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class Reader : public testing::Test {
 protected:
  void SetUp() override {
    log_.add_lane(1, "alice");
    log_.add_lane(2, "bob");
    log_.begin_segment(0, 1);
    log_.batch({log_.catalog(1), log_.catalog(2), log_.run(1, 2)});
    log_.write_manifest();
  }

  JournalReader open() {
    auto reader = JournalReader::open(log_.disk());
    EXPECT_TRUE(reader) << reader.error().sentence();
    return std::move(*reader);
  }

  // "1:0 1:1 2:0", and what ended it where that is an error.
  static std::string read_all(JournalReader& reader) {
    std::string text;
    for (;;) {
      auto message = reader.next();
      if (!message) return text + to_string(message.error().code());
      if (!*message) return text;
      text += std::to_string((*message)->lane) + ":" + std::to_string((*message)->sequence) + " ";
      EXPECT_EQ((*message)->key, (*message)->sequence * 3);
      for (std::size_t i = 0; i < (*message)->bytes.size(); ++i)
        EXPECT_EQ((*message)->bytes[i], static_cast<std::byte>((*message)->sequence + i));
    }
  }

  void seal_with_index() {
    std::vector<layout::IndexRecord> stops;
    for (ItemNumber item = 2; item < log_.next_item; ++item)
      stops.push_back({.offset = log_.place(item).offset,
                       .item = item,
                       .boot_ns = 0,
                       .lane = 1,
                       .reserved = 0,
                       .first = (item - 2) * 2});
    MadeEntry entry;
    entry.row.kind = static_cast<std::uint16_t>(layout::EntryKind::index);
    entry.row.count = static_cast<std::uint32_t>(stops.size());
    entry.row.bytes = static_cast<std::uint32_t>(stops.size() * sizeof stops[0]);
    entry.payload.resize(entry.row.bytes);
    std::memcpy(entry.payload.data(), stops.data(), entry.row.bytes);
    log_.item(layout::ItemKind::seal, {entry});
  }

  HandMadeLog log_;
};

TEST_F(Reader, ReadsEveryLaneInTheOrderOfTheLog) {
  log_.batch({log_.run(2, 1), log_.run(1, 1)});
  log_.batch({log_.run(2, 2, 100)});
  log_.watermark();
  JournalReader reader = open();
  EXPECT_EQ(read_all(reader), "1:0 1:1 2:0 1:2 2:1 2:2 ");
  ASSERT_EQ(reader.lanes().size(), 2U);
  EXPECT_EQ(reader.lanes()[1].producer, "bob");
  EXPECT_EQ(reader.lanes()[1].end, 3U);
}

TEST_F(Reader, EndsWhereDurabilityIsProvenAndGoesOnWhenMoreIs) {
  log_.batch({log_.run(1, 1)});
  JournalReader reader = open();
  EXPECT_EQ(read_all(reader), "1:0 1:1 ");
  EXPECT_EQ(reader.unproven_bytes(), 4096U);
  log_.batch({log_.run(1, 1)});
  EXPECT_EQ(read_all(reader), "") << "nobody looked again";
  ASSERT_TRUE(reader.refresh());
  EXPECT_EQ(read_all(reader), "1:2 ");
  EXPECT_EQ(reader.lanes()[0].end, 3U);
}

TEST_F(Reader, ACleanEndIsProven) {
  log_.manifest.clean_end = 2;
  log_.write_manifest();
  JournalReader reader = open();
  EXPECT_EQ(read_all(reader), "1:0 1:1 ");
  EXPECT_EQ(reader.unproven_bytes(), 0U);
}

TEST_F(Reader, WhatSharedMemoryKnowsToBeDurableIsProven) {
  log_.batch({log_.run(1, 1)});
  log_.batch({log_.run(1, 1)});
  JournalReader reader = open();
  ASSERT_TRUE(reader.seek(1, 2, 4));
  EXPECT_EQ(read_all(reader), "1:2 1:3 ");
}

TEST_F(Reader, RefreshFollowsIntoTheNextSegment) {
  JournalReader reader = open();
  seal_with_index();
  log_.begin_segment(1, 2);
  log_.batch({log_.run(2, 1)});
  log_.batch({log_.run(1, 1)});
  log_.watermark();
  ASSERT_TRUE(reader.refresh());
  EXPECT_EQ(read_all(reader), "1:0 1:1 2:0 1:2 ");
}

TEST_F(Reader, RefreshFollowsAnotherWriter) {
  JournalReader reader = open();
  log_.manifest.epoch = log_.epoch = 2;
  log_.write_manifest();
  log_.begin_segment(1, 2);
  log_.batch({log_.run(2, 1)});
  log_.watermark();
  ASSERT_TRUE(reader.refresh());
  EXPECT_EQ(read_all(reader), "1:0 1:1 2:0 ");
  EXPECT_EQ(reader.epoch(), 2U);
}

TEST_F(Reader, ACutTailIsNeverRead) {
  log_.durable = 2;
  log_.batch({log_.run(1, 1)});
  log_.batch({log_.run(1, 1)});
  log_.next_sequence[1] = 2;
  log_.continue_after(2);
  log_.manifest.epoch = log_.epoch = 2;
  log_.write_manifest();
  log_.begin_segment(1, 2);
  log_.durable.reset();
  log_.batch({log_.run(1, 1, 50)});
  log_.watermark();
  JournalReader reader = open();
  EXPECT_EQ(read_all(reader), "1:0 1:1 1:2 ");
}

TEST_F(Reader, AMessageInPartsIsOne) {
  log_.batch({log_.part(1, 0, 8192, 20480), log_.run(2, 1)});
  log_.batch({log_.part(1, 8192, 8192, 20480)});
  log_.batch({log_.part(1, 16384, 4096, 20480)});
  log_.watermark();
  JournalReader reader = open();
  EXPECT_EQ(read_all(reader), "1:0 1:1 2:0 1:2 ");
  ASSERT_TRUE(reader.seek(1, 2));
  EXPECT_EQ(read_all(reader), "2:0 1:2 ");
}

TEST_F(Reader, AMessageInPartsIsFoundWhereItBeginsThoughItEndsInTheNextSegment) {
  log_.batch({log_.part(1, 0, 8192, 20480), log_.run(2, 1)});
  seal_with_index();
  log_.begin_segment(1, 2);
  log_.batch({log_.part(1, 8192, 8192, 20480)});
  log_.batch({log_.part(1, 16384, 4096, 20480)});
  log_.watermark();
  JournalReader reader = open();
  ASSERT_TRUE(reader.seek(1, 2));
  EXPECT_EQ(read_all(reader), "2:0 1:2 ");
}

TEST_F(Reader, AMessageWhoseFirstPartIsTrimmedIsTrimmed) {
  log_.batch({log_.part(1, 0, 8192, 12288)});
  seal_with_index();
  log_.begin_segment(1, 2);
  log_.batch({log_.part(1, 8192, 4096, 12288)});
  log_.batch({log_.run(1, 1)});
  log_.watermark();
  JournalReader reader = open();
  log_.manifest.first_live = 2;
  log_.write_manifest();
  log_.fill(1, kPreparedPattern);
  ASSERT_TRUE(reader.refresh());
  auto seek = reader.seek(1, 2);
  ASSERT_FALSE(seek);
  EXPECT_EQ(seek.error().code(), Errc::trimmed);
  EXPECT_EQ(seek.error().lost(), 1U);
}

TEST_F(Reader, AMessageWhosePartsWereBegunAgainIsOne) {
  log_.batch({log_.part(1, 0, 8192, 16384)});
  log_.batch({log_.part(1, 0, 8192, 16384)});
  log_.batch({log_.part(1, 8192, 8192, 16384)});
  log_.watermark();
  JournalReader reader = open();
  EXPECT_EQ(read_all(reader), "1:0 1:1 1:2 ");
}

TEST_F(Reader, AGapIsToldWithTheMessageBehindIt) {
  log_.batch({log_.gap(1, 10), log_.run(1, 1)});
  log_.watermark();
  JournalReader reader = open();
  ASSERT_TRUE(reader.seek(1, 5));
  std::optional<JournaledMessage> last;
  for (auto message = reader.next(); message && *message; message = reader.next())
    last = **message;
  ASSERT_TRUE(last);
  EXPECT_EQ(last->sequence, 10U);
  EXPECT_EQ(last->gap_from, 2U);
  EXPECT_EQ(last->gap_to, 10U);
}

TEST_F(Reader, SeeksWithAndWithoutAnIndex) {
  for (int i = 0; i < 8; ++i)
    log_.batch({log_.run(1, 2)});
  seal_with_index();
  log_.begin_segment(1, 2);
  for (int i = 0; i < 4; ++i)
    log_.batch({log_.run(1, 2)});
  log_.watermark();
  JournalReader reader = open();
  for (Sequence sequence = 0; sequence < 26; ++sequence) {
    ASSERT_TRUE(reader.seek(1, sequence));
    Sequence found = 0;
    int before = 0;
    for (auto message = reader.next(); message && *message; message = reader.next()) {
      found = (*message)->sequence;
      if (found >= sequence) break;
      ++before;
    }
    EXPECT_EQ(found, sequence);
    EXPECT_LE(before, 1) << "it began before the item that holds it";
  }
  ASSERT_TRUE(reader.seek(1, 26));
  EXPECT_EQ(read_all(reader), "");
}

TEST_F(Reader, AWrongIndexCostsTimeOnly) {
  log_.batch({log_.run(1, 2)});
  MadeEntry entry;
  layout::IndexRecord stop{};
  stop.offset = log_.place(3).offset;
  stop.item = 99;
  stop.lane = 1;
  entry.row.kind = static_cast<std::uint16_t>(layout::EntryKind::index);
  entry.row.count = 1;
  entry.row.bytes = sizeof stop;
  entry.payload.resize(sizeof stop);
  std::memcpy(entry.payload.data(), &stop, sizeof stop);
  log_.item(layout::ItemKind::seal, {entry});
  log_.begin_segment(1, 2);
  log_.watermark();
  JournalReader reader = open();
  ASSERT_TRUE(reader.seek(1, 1));
  EXPECT_EQ(read_all(reader), "1:0 1:1 1:2 1:3 ");
}

TEST_F(Reader, TrimmedSegmentsAreToldWithTheLoss) {
  seal_with_index();
  log_.begin_segment(1, 2);
  log_.batch({log_.run(1, 2)});
  log_.watermark();
  JournalReader reader = open();
  auto first = reader.next();
  ASSERT_TRUE(first && *first);
  log_.manifest.first_live = 2;
  log_.write_manifest();
  log_.fill(1, kPreparedPattern);
  ASSERT_TRUE(reader.refresh());
  EXPECT_EQ(reader.lanes()[0].first, 2U);
  EXPECT_EQ(read_all(reader), "1:1 trimmed") << "what was copied is still whole";
  EXPECT_EQ(read_all(reader), "1:2 1:3 ");
  auto seek = reader.seek(1, 0);
  ASSERT_FALSE(seek);
  EXPECT_EQ(seek.error().code(), Errc::trimmed);
  EXPECT_EQ(seek.error().lost(), 2U);
}

TEST_F(Reader, ASlotThatIsUsedAgainUnderTheReaderIsTrimmedNotDamaged) {
  seal_with_index();
  log_.begin_segment(1, 2);
  log_.batch({log_.run(1, 2)});
  log_.watermark();
  JournalReader reader = open();
  log_.manifest.first_live = 2;
  log_.write_manifest();
  log_.fill(2, kPreparedPattern);
  EXPECT_EQ(read_all(reader), "trimmed");
  EXPECT_EQ(read_all(reader), "1:2 1:3 ");
}

TEST_F(Reader, DamageIsToldAtItsPlace) {
  log_.batch({log_.run(1, 1)});
  log_.batch({log_.run(1, 1)});
  log_.watermark();
  log_.damage_payload(4);
  JournalReader reader = open();
  EXPECT_EQ(read_all(reader), "1:0 1:1 1:2 damaged");
  EXPECT_EQ(read_all(reader), "damaged") << "not passed over in silence";
}

TEST_F(Reader, DamageThatCameAfterTheLastLookIsToldToo) {
  log_.batch({log_.run(1, 1)});
  log_.watermark();
  JournalReader reader = open();
  log_.damage_payload(3);
  EXPECT_EQ(read_all(reader), "1:0 1:1 damaged");
}

TEST_F(Reader, AnotherReaderHasAPlaceOfItsOwn) {
  log_.watermark();
  JournalReader reader = open();
  EXPECT_EQ(read_all(reader), "1:0 1:1 ");
  const std::uint64_t looked = log_.bytes->read_bytes;
  auto other = reader.another();
  ASSERT_TRUE(other);
  EXPECT_EQ(log_.bytes->read_bytes, looked);
  EXPECT_EQ(read_all(*other), "1:0 1:1 ");
}

TEST_F(Reader, SeeksATime) {
  constexpr std::uint64_t kSecond = 1'000'000'000;
  const std::uint64_t begin = log_.wall_ns;
  for (int i = 1; i <= 5; ++i) {
    log_.wall_ns = begin + static_cast<std::uint64_t>(i) * kSecond;
    log_.boot_ns += kSecond;
    log_.batch({log_.run(1, 1)});
  }
  log_.watermark();
  JournalReader reader = open();
  ASSERT_TRUE(reader.seek_time(begin + 3 * kSecond));
  EXPECT_EQ(read_all(reader), "1:4 1:5 1:6 ");
  ASSERT_TRUE(reader.seek_time(begin + 3 * kSecond + 1));
  EXPECT_EQ(read_all(reader), "1:5 1:6 ");
  ASSERT_TRUE(reader.seek_time(begin - kSecond));
  EXPECT_EQ(read_all(reader), "1:0 1:1 1:2 1:3 1:4 1:5 1:6 ");
  ASSERT_TRUE(reader.seek_time(begin + 60 * kSecond));
  EXPECT_EQ(read_all(reader), "");
}

// An hour that the clock showed twice means the first time; a jump to 2036 that was corrected
// does not swallow everything after it.
TEST_F(Reader, ATimeThatCameTwiceIsTheEarlierOne) {
  constexpr std::uint64_t kHour = 3'600'000'000'000;
  const std::uint64_t begin = log_.wall_ns;
  const auto at = [&](std::uint64_t wall_ns) {
    log_.wall_ns = wall_ns;
    log_.boot_ns += kHour / 2;
    log_.batch({log_.run(1, 1)});
  };
  at(begin + kHour / 2);       // 2
  at(begin + kHour);           // 3
  at(begin + kHour / 2);       // 4: set back
  at(begin + kHour);           // 5
  at(begin + 90'000 * kHour);  // 6: far ahead
  at(begin + 2 * kHour);       // 7: corrected
  log_.watermark();
  JournalReader reader = open();
  ASSERT_TRUE(reader.seek_time(begin + kHour));
  EXPECT_THAT(read_all(reader), testing::StartsWith("1:3 "));
}

}  // namespace
}  // namespace millrace::persist_test
