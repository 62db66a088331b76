// Damage in every place a slot can have it (D2): recovery refuses it, verify finds all of it,
// repair gives it up and keeps the rest.
#include "hand_made_log.hpp"
#include "lane_history.hpp"
#include "millrace/persist/journal_reader.hpp"
#include "recovered_log.hpp"
#include "verify_log.hpp"

#include <cstring>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace::persist_test {
namespace {

using testing::HasSubstr;

class Repair : public testing::Test {
 protected:
  // Four segments in slots 0 to 3: a head, four items of two messages, a seal.
  void SetUp() override {
    log_.add_lane(1, "alice");
    log_.begin_segment(0, 1);
    log_.batch({log_.catalog(1), log_.run(1, 2)});
    for (std::uint64_t segment = 1;; ++segment) {
      for (int i = segment == 1 ? 1 : 0; i < 4; ++i)
        log_.batch({log_.run(1, 2)});
      if (segment == 4) break;
      log_.item(layout::ItemKind::seal, {});
      log_.begin_segment(static_cast<Disk::File>(segment), segment + 1);
    }
    log_.watermark();
    log_.write_manifest();
  }

  static ItemNumber head_of(std::uint64_t segment) { return (segment - 1) * 6 + 1; }

  Result<RecoveredLog> recover() {
    auto disk = log_.disk();
    return millrace::recover(*disk, RecoverAs::writer);
  }

  std::string refused() {
    auto log = recover();
    if (log) return "recovered up to item " + std::to_string(log->end);
    EXPECT_EQ(log.error().code(), Errc::damaged);
    return std::string(log.error().sentence());
  }

  VerifyReport verified() {
    auto disk = log_.disk();
    const DiskBytes before = *log_.bytes;
    auto report = verify_on(*disk, {});
    EXPECT_TRUE(report) << report.error().sentence();
    EXPECT_TRUE(before == *log_.bytes);
    return report ? std::move(*report) : VerifyReport{};
  }

  VerifyReport repaired() {
    auto disk = log_.disk();
    auto report = repair_on(*disk);
    EXPECT_TRUE(report) << report.error().sentence();
    return report ? std::move(*report) : VerifyReport{};
  }

  // What a reader gets, errors by name with their loss.
  std::string read_all() {
    auto reader = JournalReader::open(log_.disk());
    if (!reader) return std::string(reader.error().sentence());
    std::string text;
    for (int errors = 0; errors < 8;) {
      auto message = reader->next();
      if (message && !*message) break;
      if (message) {
        text += std::to_string((*message)->sequence) + " ";
      } else {
        text += std::string(to_string(message.error().code())) + "(" +
                std::to_string(message.error().lost()) + ") ";
        ++errors;
      }
    }
    return text;
  }

  // What somebody gets who reads a lane from `next` on, as a subscriber does.
  std::string read_lane(const std::string& producer, Sequence next, Sequence end) {
    auto reader = JournalReader::open(log_.disk());
    if (!reader) return std::string(reader.error().sentence());
    LogLaneHistory lane(std::move(*reader), Uuid{0xcc}, producer);
    std::string text;
    while (next < end) {
      const auto message = lane.read(next, end);
      if (message && !*message) return text + "nothing";
      if (message) {
        text += std::to_string((*message)->sequence) + " ";
        next = (*message)->sequence + 1;
        continue;
      }
      const Error& why = message.error();
      text += std::string(to_string(why.code())) + "(" + std::to_string(why.lost()) + ") ";
      if (why.lost() == 0) return text;
      next += why.lost();
    }
    return text;
  }

  HandMadeLog log_;
};

TEST_F(Repair, AWholeLogHasNothingToRepair) {
  const VerifyReport report = verified();
  EXPECT_TRUE(report.damages.empty());
  EXPECT_EQ(report.segments, 4U);
  EXPECT_EQ(report.messages, 32U);
  EXPECT_EQ(report.items, 23U);
  EXPECT_EQ(report.bytes, 23 * 4096U);
  EXPECT_EQ(report.unproven_bytes, 4096U);
  auto disk = log_.disk();
  const DiskBytes before = *log_.bytes;
  auto repair = repair_on(*disk);
  ASSERT_FALSE(repair);
  EXPECT_EQ(repair.error().code(), Errc::bad_argument);
  EXPECT_TRUE(before == *log_.bytes);
}

TEST_F(Repair, FindsEveryDamagedItem) {
  log_.damage_payload(3);
  log_.damage_header(9);
  log_.damage_payload(10);
  log_.make_unreadable(21);
  const VerifyReport report = verified();
  ASSERT_EQ(report.damages.size(), 3U);
  EXPECT_EQ(report.damages[0].segment, 1U);
  EXPECT_EQ(report.damages[0].slot, 0U);
  EXPECT_EQ(report.damages[0].offset, 2 * 4096U);
  EXPECT_EQ(report.damages[0].bytes, 4096U);
  EXPECT_EQ(report.damages[0].item, 3U);
  EXPECT_THAT(report.damages[0].what, HasSubstr("checksum of its payload"));
  ASSERT_EQ(report.damages[0].sequences.size(), 1U);
  EXPECT_EQ(report.damages[0].sequences[0].lane.producer, "alice");
  EXPECT_EQ(report.damages[0].sequences[0].from, 2U);
  EXPECT_EQ(report.damages[0].sequences[0].to, 4U);
  EXPECT_EQ(report.damages[1].item, 9U);
  EXPECT_EQ(report.damages[1].bytes, 2 * 4096U);
  EXPECT_EQ(report.damages[2].item, 21U);
}

TEST_F(Repair, KeepsWhatIsIntactBehindAHole) {
  log_.damage_payload(20);
  EXPECT_THAT(refused(), HasSubstr("item 20"));
  const VerifyReport report = repaired();
  ASSERT_EQ(report.damages.size(), 1U);
  auto log = recover();
  ASSERT_TRUE(log) << log.error().sentence();
  EXPECT_EQ(log->end, 23U + 1);
  EXPECT_EQ(log->catalog.lanes()[0].end, 32U);
  EXPECT_EQ(verified().damages.size(), 0U);
  EXPECT_THAT(read_all(), HasSubstr("23 damaged(2) 26 27"));
}

TEST_F(Repair, AHoleInTheMiddleIsFoundAndKeptByReaders) {
  log_.damage_payload(9);
  EXPECT_THAT(read_all(), HasSubstr("9 damaged(0) damaged(0)"));
  ASSERT_EQ(repaired().damages.size(), 1U);
  EXPECT_THAT(read_all(), HasSubstr("9 damaged(2) 12 13"));
}

TEST_F(Repair, WhoReadsALaneGoesOnBehindAHole) {
  log_.add_lane(2, "bob");
  log_.batch({log_.catalog(2), log_.run(2, 2)});
  log_.batch({log_.run(1, 2)});
  log_.batch({log_.run(2, 2)});
  log_.watermark();
  log_.damage_payload(9);
  log_.damage_payload(26);
  EXPECT_EQ(read_lane("alice", 8, 13), "8 9 damaged(0) ");
  ASSERT_EQ(repaired().damages.size(), 2U);
  EXPECT_EQ(read_lane("alice", 8, 13), "8 9 gap(2) 12 ");
  EXPECT_EQ(read_lane("alice", 11, 13), "gap(1) 12 ") << "begins within the hole";
  EXPECT_EQ(read_lane("bob", 0, 4), "0 1 2 3 ") << "lost nothing";
}

TEST_F(Repair, WhoReadsALaneGoesOnBehindAMissingSegment) {
  log_.bytes->files.erase(1);
  ASSERT_EQ(repaired().damages.size(), 1U);
  EXPECT_EQ(read_lane("alice", 6, 18), "6 7 gap(8) 16 17 ");
  EXPECT_EQ(read_lane("alice", 10, 18), "gap(6) 16 17 ");
}

TEST_F(Repair, ADamagedEndIsGivenUpAndNumbersGoOnAboveIt) {
  log_.manifest.clean_end = 24;
  log_.write_manifest();
  log_.damage_payload(23);
  log_.fill(24, 0);
  EXPECT_THAT(refused(), HasSubstr("item 23"));
  ASSERT_EQ(repaired().damages.size(), 1U);
  auto log = recover();
  ASSERT_TRUE(log) << log.error().sentence();
  EXPECT_EQ(log->end, 24U) << "the next item is 25";
  EXPECT_FALSE(log->report.clean);
  EXPECT_EQ(log->end_crc, log_.place(22).crc);
  // The log goes on, and what was given up stays so.
  log_.continue_after(22);
  log_.next_item = 25;
  log_.next_sequence[1] = 30;
  log_.manifest = log->manifest;
  log_.manifest.epoch = log_.epoch = 2;
  ++log_.manifest.generation;
  log_.write_manifest();
  log_.begin_segment(4, 5);
  log_.batch({log_.run(1, 2)});
  log_.watermark();
  auto again = recover();
  ASSERT_TRUE(again) << again.error().sentence();
  EXPECT_EQ(again->end, 27U);
  EXPECT_EQ(again->catalog.lanes()[0].end, 32U);
  EXPECT_EQ(verified().damages.size(), 0U);
}

// D2: a head that cannot be read is no unused slot.
TEST_F(Repair, ALostHeadInTheMiddleIsDamage) {
  log_.damage_payload(head_of(3));
  EXPECT_THAT(refused(), HasSubstr("the head of journal segment 3 (slot 2, offset 0)"));
  const VerifyReport report = repaired();
  ASSERT_EQ(report.damages.size(), 1U);
  EXPECT_EQ(report.damages[0].segment, 3U);
  EXPECT_EQ(report.damages[0].slot, 2U);
  EXPECT_EQ(report.damages[0].item, head_of(3));
  auto log = recover();
  ASSERT_TRUE(log) << log.error().sentence();
  EXPECT_EQ(log->segments.size(), 3U);
  EXPECT_EQ(log->end, 24U);
  EXPECT_THAT(read_all(), HasSubstr("15 damaged(8) 24 25"));
}

TEST_F(Repair, ALostHeadOfTheNewestSegmentIsDamageIfItsItemsSaySo) {
  log_.damage_header(head_of(4));
  EXPECT_THAT(refused(), HasSubstr("the head of journal segment 4 (slot 3, offset 0)"));
  ASSERT_EQ(repaired().damages.size(), 1U);
  auto log = recover();
  ASSERT_TRUE(log) << log.error().sentence();
  EXPECT_EQ(log->end, 24U);
  EXPECT_EQ(log->catalog.lanes()[0].end, 24U);
}

TEST_F(Repair, ASegmentThatIsInNoSlotIsDamage) {
  log_.bytes->files.erase(1);
  EXPECT_THAT(refused(), HasSubstr("journal segment 2 is in no slot"));
  ASSERT_EQ(repaired().damages.size(), 1U);
  ASSERT_TRUE(recover());
  EXPECT_THAT(read_all(), HasSubstr("7 damaged(8) 16 17"));
}

TEST_F(Repair, ATornSwitchIsCut) {
  log_.durable = 24;  // what stands at the end now was reported, and nothing after it
  log_.item(layout::ItemKind::seal, {});
  const ItemNumber seal = log_.next_item - 1;
  log_.begin_segment(4, 5);
  log_.batch({log_.run(1, 2)});
  log_.damage_payload(seal + 1);
  auto log = recover();
  ASSERT_TRUE(log) << log.error().sentence();
  EXPECT_EQ(log->end, seal);
  EXPECT_EQ(log->report.cut_items, 2U);
  EXPECT_TRUE(log->report.window);
  EXPECT_EQ(log->unprepared, std::vector<Disk::File>{4});
  EXPECT_EQ(log->highest_segment, 5U);
}

// J3b: the head of a new segment landed, an item of the old one did not. The next opening's segment
// has a number with a gap before it, and that is no damage.
TEST_F(Repair, AnOrphanedHeadIsACutTail) {
  log_.durable = 24;
  log_.batch({log_.run(1, 2)});
  const ItemNumber torn = log_.next_item - 1;
  log_.begin_segment(4, 5);
  log_.damage_payload(torn);
  auto log = recover();
  ASSERT_TRUE(log) << log.error().sentence();
  EXPECT_EQ(log->end, 24U);
  EXPECT_EQ(log->spares, std::vector<Disk::File>{4}) << "to be used last";
  log_.continue_after(24);
  log_.next_sequence[1] = 32;
  log_.manifest.epoch = log_.epoch = 2;
  log_.durable.reset();
  log_.write_manifest();
  log_.begin_segment(5, 6);
  log_.batch({log_.run(1, 2)});
  log_.watermark();
  auto again = recover();
  ASSERT_TRUE(again) << again.error().sentence();
  EXPECT_EQ(again->end, 27U);
  EXPECT_EQ(again->segments.size(), 5U);
  EXPECT_EQ(again->segments.back().segment, 6U);
  EXPECT_EQ(verified().damages.size(), 0U);
  // The slot of the orphan is used for the next one, and only half of that landed.
  std::memset(log_.at(4, 0), 0x12, 4096);
  EXPECT_TRUE(recover());
}

TEST_F(Repair, SlotsAreSortedByWhatTheyAreGoodFor) {
  log_.prepare(7);
  log_.prepare_half(8);
  log_.bytes->files[9].resize(4096);
  log_.prepare(10);
  log_.bytes->unreadable.insert({10, 0});
  log_.manifest.first_live = 2;
  log_.write_manifest();
  auto log = recover();
  ASSERT_TRUE(log) << log.error().sentence();
  EXPECT_EQ(log->segments.size(), 3U);
  EXPECT_EQ(log->spares, (std::vector<Disk::File>{0, 7}));
  EXPECT_EQ(log->unprepared, (std::vector<Disk::File>{8, 9}));
  EXPECT_EQ(log->quarantined, (std::vector<Disk::File>{10}));
  EXPECT_EQ(log->catalog.lanes()[0].first, 8U);
  EXPECT_EQ(log->segments[0].lane_ends.at(1), 16U);
  EXPECT_EQ(log->segments[0].last_item, head_of(3) - 1);
}

TEST_F(Repair, BothManifestsAreMadeAnewFromTheSegments) {
  const layout::Manifest before = log_.manifest;
  log_.bytes->files.erase(Disk::kManifestA);
  EXPECT_THAT(refused(), HasSubstr("both copies"));
  const VerifyReport report = repaired();
  ASSERT_EQ(report.damages.size(), 1U);
  EXPECT_THAT(report.damages[0].what, HasSubstr("manifest"));
  auto log = recover();
  ASSERT_TRUE(log) << log.error().sentence();
  EXPECT_EQ(log->end, 24U);
  EXPECT_EQ(log->catalog.lanes()[0].end, 32U);
  EXPECT_EQ(log->manifest.salt, before.salt);
  EXPECT_EQ(log->manifest.segment_bytes, before.segment_bytes);
  EXPECT_TRUE(log_.bytes->files.contains(Disk::kManifestB)) << "both copies are whole again";
}

TEST_F(Repair, AManifestThatWasRolledBackIsMadeToFit) {
  log_.manifest.epoch = 0;
  log_.write_manifest();
  EXPECT_THAT(refused(), HasSubstr("epoch 1"));
  ASSERT_EQ(repaired().damages.size(), 1U);
  EXPECT_TRUE(recover());
}

TEST_F(Repair, WhatWasGivenUpIsNotAskedForByShortMemory) {
  DurableWitness witness;
  witness.channel[0] = 0xcc;
  witness.producer = "alice";
  witness.epoch = 101;
  witness.durable = 32;
  log_.damage_payload(23);
  log_.damage_payload(24);
  ASSERT_FALSE(recover());
  static_cast<void>(repaired());
  auto disk = log_.disk();
  EXPECT_TRUE(millrace::recover(*disk, RecoverAs::writer, {witness}));
}

TEST_F(Repair, ABusyLogIsLeftAlone) {
  log_.damage_payload(20);
  auto writer = log_.disk();
  ASSERT_TRUE(writer->lock(nullptr, nullptr));
  auto disk = log_.disk();
  EXPECT_EQ(repair_on(*disk).error().code(), Errc::busy);
}

TEST_F(Repair, ProgressMayStopIt) {
  auto disk = log_.disk();
  int calls = 0;
  auto report = verify_on(*disk, [&](std::uint64_t done, std::uint64_t all) {
    EXPECT_LE(done, all);
    return ++calls < 2;
  });
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code(), Errc::timeout);
  EXPECT_EQ(calls, 2);
}

}  // namespace
}  // namespace millrace::persist_test
