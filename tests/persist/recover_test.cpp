// What recovery says of a log that ends in good order, in a torn item, or in the middle (D1).
#include "hand_made_log.hpp"
#include "recovered_log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace::persist_test {
namespace {

using testing::HasSubstr;

std::string sentence(const Result<RecoveredLog>& log) {
  return log ? "recovered up to item " + std::to_string(log->end)
             : std::string(log.error().sentence());
}

class Recover : public testing::Test {
 protected:
  // Segment 1: head 1, a first item of lane 1, then as many of three messages as asked for.
  void SetUp() override {
    log_.add_lane(1, "alice");
    log_.begin_segment(0, 1);
    log_.batch({log_.catalog(1), log_.run(1, 3)});
    log_.write_manifest();
  }

  void batches(int count) {
    for (int i = 0; i < count; ++i)
      log_.batch({log_.run(1, 3)});
  }

  Result<RecoveredLog> recover(const std::vector<DurableWitness>& witnesses = {}) {
    auto disk = log_.disk();
    return millrace::recover(*disk, RecoverAs::writer, witnesses);
  }

  // Recovers twice and expects the same both times.
  RecoveredLog recovered(const std::vector<DurableWitness>& witnesses = {}) {
    const DiskBytes before = *log_.bytes;
    auto log = recover(witnesses);
    EXPECT_TRUE(log) << sentence(log);
    EXPECT_TRUE(before == *log_.bytes) << "recovery wrote something";
    auto again = recover(witnesses);
    if (!log || !again) return {};
    EXPECT_EQ(log->end, again->end);
    EXPECT_EQ(log->report.cut_bytes, again->report.cut_bytes);
    EXPECT_EQ(log->report.window, again->report.window);
    return std::move(*log);
  }

  void expect_damage(const std::string& what, const std::vector<DurableWitness>& witnesses = {}) {
    const DiskBytes before = *log_.bytes;
    auto log = recover(witnesses);
    ASSERT_FALSE(log) << sentence(log);
    EXPECT_EQ(log.error().code(), Errc::damaged);
    EXPECT_THAT(sentence(log), HasSubstr(what));
    EXPECT_TRUE(before == *log_.bytes);
  }

  [[nodiscard]] DurableWitness memory(Sequence durable) const {
    DurableWitness witness;
    witness.channel[0] = 0xcc;
    witness.producer = "alice";
    witness.epoch = 101;
    witness.durable = durable;
    return witness;
  }

  HandMadeLog log_;
};

TEST_F(Recover, NothingAtAllIsNotFound) {
  HandMadeLog empty;
  auto disk = empty.disk();
  auto log = millrace::recover(*disk, RecoverAs::writer);
  ASSERT_FALSE(log);
  EXPECT_EQ(log.error().code(), Errc::not_found);
}

TEST_F(Recover, SlotsWithoutAManifestAreNotTakenForEmpty) {
  log_.bytes->files.erase(Disk::kManifestA);
  expect_damage("both copies of the journal's manifest");
}

TEST_F(Recover, PreparedSlotsWithoutAManifestAreACreationThatWasCutShort) {
  HandMadeLog begun;
  begun.prepare(0);
  begun.prepare_half(1);
  auto disk = begun.disk();
  EXPECT_EQ(millrace::recover(*disk, RecoverAs::writer).error().code(), Errc::not_found);
}

TEST_F(Recover, AManifestWithoutSegmentsIsAnEmptyLog) {
  HandMadeLog empty;
  empty.write_manifest();
  empty.prepare(0);
  auto disk = empty.disk();
  auto log = millrace::recover(*disk, RecoverAs::writer);
  ASSERT_TRUE(log) << sentence(log);
  EXPECT_EQ(log->end, 0U);
  EXPECT_EQ(log->spares, std::vector<Disk::File>{0});
}

TEST_F(Recover, ACleanEndIsTheEnd) {
  batches(5);
  log_.manifest.clean_end = log_.next_item - 1;
  log_.write_manifest();
  const RecoveredLog log = recovered();
  EXPECT_TRUE(log.report.clean);
  EXPECT_FALSE(log.report.window);
  EXPECT_EQ(log.end, 7U);
  EXPECT_EQ(log.end_crc, log_.place(7).crc);
  ASSERT_EQ(log.segments.size(), 1U);
  EXPECT_EQ(log.segments[0].first_item, 1U);
  EXPECT_EQ(log.segments[0].last_item, 7U);
  EXPECT_EQ(log.segments[0].end, log_.place(7).offset + log_.place(7).bytes);
  EXPECT_EQ(log.segments[0].lane_ends.at(1), 18U);
  ASSERT_EQ(log.catalog.lanes().size(), 1U);
  EXPECT_EQ(log.catalog.lanes()[0].end, 18U);
  EXPECT_EQ(log.catalog.lanes()[0].first, 0U);
  EXPECT_EQ(log.catalog.lanes()[0].producer, "alice");
}

TEST_F(Recover, AWriterFlushesBeforeItReads) {
  static_cast<void>(recovered());
  EXPECT_EQ(log_.bytes->flushes, 2U);
}

TEST_F(Recover, TheNewerManifestCountsAndABadOneDoesNot) {
  log_.manifest.generation = 2;
  log_.manifest.boot = 7;
  log_.manifest_to_b = true;
  log_.write_manifest();
  EXPECT_EQ(recovered().manifest.boot, 7U);
  EXPECT_TRUE(recovered().manifest_is_b);
  *log_.at(Disk::kManifestB, 100) ^= std::byte{1};
  EXPECT_EQ(recovered().manifest.boot, 1U);
}

TEST_F(Recover, AnOpenEndIsNoDamage) {
  batches(3);
  const RecoveredLog log = recovered();
  EXPECT_EQ(log.end, 5U);
  EXPECT_EQ(log.report.cut_bytes, 0U);
  EXPECT_FALSE(log.report.window) << "nothing was ever written behind the end";
}

TEST_F(Recover, ATornPayloadAtTheEndIsCut) {
  batches(3);
  log_.damage_payload(5);
  const RecoveredLog log = recovered();
  EXPECT_EQ(log.end, 4U);
  EXPECT_EQ(log.report.cut_bytes, 4096U);
  EXPECT_EQ(log.report.cut_items, 0U);
  EXPECT_TRUE(log.report.window);
  EXPECT_EQ(log.catalog.lanes()[0].end, 9U);
}

// With four in flight, item n+1 to n+3 may be whole although n never came.
TEST_F(Recover, WholeItemsBehindATornOneAreCutIfNobodyWasTold) {
  batches(2);
  const ItemNumber told = log_.next_item - 1;
  log_.durable = told;
  batches(4);
  log_.damage_payload(told + 1);
  const RecoveredLog log = recovered();
  EXPECT_EQ(log.end, told);
  EXPECT_EQ(log.report.cut_items, 3U);
  EXPECT_EQ(log.report.cut_bytes, 4 * 4096U);
  EXPECT_EQ(log.highest_item, told + 4);
}

TEST_F(Recover, ALaterWatermarkMakesItDamage) {
  batches(4);
  log_.damage_payload(4);
  expect_damage("journal item 4 is damaged (segment 1, slot 0, offset 12288)");
  expect_damage("messages 6 to 8 of \"alice\" in \"orders\"");
}

// The header alone suffices: its payload may be torn.
TEST_F(Recover, TheWatermarkOfATornItemCounts) {
  batches(3);
  log_.damage_payload(4);
  log_.damage_payload(5);
  expect_damage("journal item 4 is damaged");
}

TEST_F(Recover, AnItemThatCouldNotHaveBeenInFlightMakesItDamage) {
  log_.durable = 0;
  batches(6);  // items 3 to 8: 8 - 4 were durable, whatever its header says
  log_.damage_payload(4);
  expect_damage("an item that was written later");
}

TEST_F(Recover, TheCleanEndMakesItDamage) {
  batches(3);
  log_.manifest.clean_end = 5;
  log_.write_manifest();
  log_.damage_payload(5);
  expect_damage("in good order");
}

TEST_F(Recover, TheLowerBoundMakesItDamage) {
  batches(3);
  log_.manifest.lower_bound = 5;
  log_.write_manifest();
  log_.damage_header(5);
  expect_damage("the manifest proves");
}

TEST_F(Recover, ALaterOpeningMakesItDamage) {
  batches(3);
  log_.manifest.epoch = log_.epoch = 2;
  log_.write_manifest();
  log_.durable = 0;
  log_.begin_segment(1, 2);
  log_.damage_payload(5);
  expect_damage("a later opening");
}

TEST_F(Recover, SharedMemoryMakesItDamage) {
  batches(3);
  EXPECT_EQ(recovered({memory(12)}).end, 5U);
  EXPECT_FALSE(recovered({memory(12)}).report.window);
  log_.damage_payload(5);
  EXPECT_EQ(recovered({memory(9)}).end, 4U);
  expect_damage("producer \"alice\" of channel \"orders\" misses messages 9 to 11", {memory(12)});
}

// An accepted end below what memory knows is damage, although no item looks wrong.
TEST_F(Recover, SharedMemoryMissesWhatLeftNoTrace) {
  batches(3);
  log_.fill(5, kPreparedPattern);
  EXPECT_EQ(recovered().end, 4U);
  expect_damage("misses messages 9 to 11; bring back the newest copy", {memory(12)});
}

// The record of its newest life may be what is lost; a clock that was set back makes its epoch the
// lower one.
TEST_F(Recover, AnotherLifeOfTheLaneIsAWitness) {
  batches(3);
  for (const std::uint64_t epoch : {std::uint64_t{55}, std::uint64_t{205}}) {
    DurableWitness other = memory(12);
    other.epoch = epoch;
    EXPECT_EQ(recovered({other}).end, 5U);
    other.durable = 100;
    expect_damage("misses messages 12 to 99", {other});
  }
}

TEST_F(Recover, GarbageZeroesAndUnreadableBlocksAtTheEndAreCut) {
  batches(3);
  log_.fill(5, 0);
  EXPECT_EQ(recovered().end, 4U);
  EXPECT_TRUE(recovered().report.window);
  log_.fill(5, 0x1234'5678'9abc'def0);
  EXPECT_EQ(recovered().end, 4U);
  EXPECT_TRUE(recovered().report.window);
  log_.make_unreadable(5);
  const RecoveredLog log = recovered();
  EXPECT_EQ(log.end, 4U);
  EXPECT_EQ(log.quarantined, std::vector<Disk::File>{0});
  EXPECT_EQ(log.report.unreadable_slots, 1U);
}

TEST_F(Recover, AHigherEpochThanTheManifestsIsRefused) {
  log_.epoch = 9;
  batches(1);
  expect_damage("items of epoch 9, but its manifest knows only 1");
}

TEST_F(Recover, AMissingSequenceIsADefectAndNotCut) {
  log_.batch({log_.run_from(1, 7, 2)});
  expect_damage("begins with sequence 7, but the log goes on at 3");
}

TEST_F(Recover, ASequenceThatComesTwiceIsADefectAndNotCut) {
  log_.batch({log_.run_from(1, 2, 2)});
  expect_damage("begins with sequence 2, but the log goes on at 3");
}

TEST_F(Recover, AGapThatIsSaidIsContinuous) {
  log_.batch({log_.gap(1, 10), log_.run(1, 2)});
  EXPECT_EQ(recovered().catalog.lanes()[0].end, 12U);
}

TEST_F(Recover, AMessageWithoutItsLastPartIsDropped) {
  log_.batch({log_.part(1, 0, 8192, 24576)});
  log_.batch({log_.part(1, 8192, 8192, 24576)});
  log_.watermark();
  EXPECT_EQ(recovered().catalog.lanes()[0].end, 3U);
  EXPECT_EQ(recovered({memory(3)}).end, 5U);
  log_.batch({log_.part(1, 16384, 8192, 24576)});
  EXPECT_EQ(recovered().catalog.lanes()[0].end, 4U);
}

TEST_F(Recover, AcknowledgementsAreKept) {
  log_.batch({HandMadeLog::acknowledgement(1, 2, "billing")});
  EXPECT_EQ(recovered().catalog.acknowledged("billing", 1), 2U);
}

TEST_F(Recover, AnEntryThatMustBeUnderstoodIsAFormatError) {
  MadeEntry entry;
  entry.row.kind = 40;
  log_.batch({entry});
  auto log = recover();
  ASSERT_FALSE(log);
  EXPECT_EQ(log.error().code(), Errc::format);
  EXPECT_THAT(sentence(log), HasSubstr("kind 40"));
}

TEST_F(Recover, AnEntryThatMayBePassedOverIs) {
  MadeEntry entry;
  entry.row.kind = 64;
  entry.row.bytes = 5;
  entry.payload.resize(5);
  log_.batch({entry, log_.run(1, 1)});
  EXPECT_EQ(recovered().catalog.lanes()[0].end, 4U);
}

// D3: in this boot the cache may call pages clean that never reached the disk.
TEST_F(Recover, ABufferedLogBelievesOnlyWhatIsProvenUntilTheNextBoot) {
  log_.manifest.durability = static_cast<std::uint32_t>(Durability::buffered);
  log_.bytes->now.boot_id[0] = 0xa0;
  log_.write_manifest();
  batches(3);  // the last one, item 5, says that 4 was durable
  const RecoveredLog same_boot = recovered();
  EXPECT_EQ(same_boot.end, 4U);
  EXPECT_EQ(same_boot.report.cut_items, 1U);
  EXPECT_EQ(same_boot.report.cut_bytes, 4096U);
  EXPECT_EQ(recovered({memory(12)}).end, 5U) << "shared memory is proof";
  log_.bytes->now.boot_id[0] = 0xb0;
  EXPECT_EQ(recovered().end, 5U);
}

TEST_F(Recover, AReaderStopsAtWhatIsProven) {
  batches(3);
  auto disk = log_.disk();
  auto log = millrace::recover(*disk, RecoverAs::reader);
  ASSERT_TRUE(log) << sentence(log);
  EXPECT_EQ(log->end, 4U);
  EXPECT_EQ(log_.bytes->flushes, 0U);
}

}  // namespace
}  // namespace millrace::persist_test
