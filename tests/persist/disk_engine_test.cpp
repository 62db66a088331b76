// Both engines keep the contract of disk.hpp: what is written, flushed and prepared is there, and
// every refusal comes back as the result of the operation that it belongs to.
#include "disk_fixture.hpp"
#include "support/child_process.hpp"

#include <algorithm>
#include <fstream>
#include <ostream>
#include <sys/resource.h>
#include <sys/stat.h>
#include <thread>

namespace millrace {
namespace {

using namespace testing_support;

struct Engine {
  const char* name;
  bool use_io_uring;
  Durability durability;
};

void PrintTo(const Engine& engine, std::ostream* out) {
  *out << engine.name;
}

class DiskEngine : public ::testing::TestWithParam<Engine> {
 protected:
  void SetUp() override {
    if (scratch_.path().empty()) GTEST_SKIP() << "no directory here is on ext4 or XFS";
    disk_ = open();
    ASSERT_NE(disk_, nullptr);
    const auto made = disk_->make_buffers(4, 16 * kBlock);
    ASSERT_TRUE(made) << said(made);
  }

  std::unique_ptr<Disk> open() {
    DiskOptions options = disk_options(scratch_ / "journal");
    options.use_io_uring = GetParam().use_io_uring;
    options.durability = GetParam().durability;
    auto opened = open_disk(options);
    EXPECT_TRUE(opened) << said(opened);
    return opened ? std::move(*opened) : nullptr;
  }

  DiskScratch scratch_;
  std::unique_ptr<Disk> disk_;
};

TEST_P(DiskEngine, SaysWhatItIs) {
  EXPECT_EQ(disk_->facts().durability, GetParam().durability);
  EXPECT_FALSE(disk_->facts().volatile_memory);
  EXPECT_FALSE(disk_->facts().copy_on_write);
  EXPECT_GE(disk_->facts().block_bytes, kBlock);
  if (GetParam().use_io_uring && disk_->facts().engine != "io_uring") {
    GTEST_SKIP() << "io_uring is refused here: " << disk_->facts().note;
  }
  EXPECT_EQ(disk_->facts().engine, GetParam().use_io_uring ? "io_uring" : "pwritev2");
}

TEST_P(DiskEngine, PreparesASlotFullOfThePattern) {
  ASSERT_EQ(prepared(*disk_, 3), 0);
  const auto slots = disk_->slots();
  ASSERT_TRUE(slots) << said(slots);
  ASSERT_EQ(slots->size(), 1U);
  EXPECT_EQ((*slots)[0].file, 3U);
  EXPECT_EQ((*slots)[0].bytes, kSlotBytes);
  EXPECT_FALSE((*slots)[0].doubtful);
  const auto bytes = read_back(*disk_, 3, 0, kSlotBytes);
  for (std::size_t at = 0; at < bytes.size(); at += sizeof kPreparedPattern) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data() + at, sizeof word);
    ASSERT_EQ(word, kPreparedPattern) << "at " << at;
  }

  struct stat facts {};

  ASSERT_EQ(stat((scratch_ / "journal/seg-0003.log").c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 07777, 0600U);
  ASSERT_EQ(stat((scratch_ / "journal").c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 07777, 0700U);
}

TEST_P(DiskEngine, WritesFromItsBuffersAndOverwritesWhatWasThere) {
  ASSERT_EQ(prepared(*disk_, 0), 0);
  for (unsigned round = 1; round <= 3; ++round) {
    fill(disk_->buffer(round % 4), round);
    disk_->write(round, 0, 4 * kBlock, round % 4, 2 * kBlock, true);
    ASSERT_EQ(result_of(*disk_, round), std::int64_t{2 * kBlock});
    EXPECT_TRUE(all_are(read_back(*disk_, 0, 4 * kBlock, 2 * kBlock), round));
  }
  // Before it and behind it stands what stood there.
  const auto before = read_back(*disk_, 0, 3 * kBlock, kBlock);
  EXPECT_EQ(std::memcmp(before.data(), &kPreparedPattern, sizeof kPreparedPattern), 0);
  const auto behind = read_back(*disk_, 0, 6 * kBlock, kBlock);
  EXPECT_EQ(std::memcmp(behind.data(), &kPreparedPattern, sizeof kPreparedPattern), 0);
}

TEST_P(DiskEngine, HasSeveralWritesInFlightAndLosesNone) {
  ASSERT_EQ(prepared(*disk_, 0), 0);
  constexpr std::uint64_t kRounds = 64;
  std::vector<bool> seen(kRounds * 4);
  for (std::uint64_t round = 0; round < kRounds; ++round) {
    for (std::uint64_t index = 0; index < 4; ++index) {
      const std::uint64_t id = round * 4 + index;
      fill(disk_->buffer(index), static_cast<unsigned>(id % 251 + 1));
      disk_->write(id, 0, id % 256 * kBlock, index, kBlock, true);
    }
    for (int ended = 0; ended < 4; ++ended) {
      const auto done = next_done(*disk_);
      ASSERT_TRUE(done);
      ASSERT_EQ(done->result, std::int64_t{kBlock});
      ASSERT_FALSE(seen[done->id]) << "reported twice";
      seen[done->id] = true;
    }
  }
  EXPECT_EQ(std::ranges::count(seen, true), std::ptrdiff_t{kRounds * 4});
  for (unsigned id = 0; id < kRounds * 4; ++id)
    EXPECT_TRUE(all_are(read_back(*disk_, 0, id * kBlock, kBlock), id % 251 + 1));
}

TEST_P(DiskEngine, FlushesWhatWasWrittenVolatile) {
  ASSERT_EQ(prepared(*disk_, 0), 0);
  fill(disk_->buffer(0), 9);
  disk_->write(1, 0, 0, 0, kBlock, false);
  ASSERT_EQ(result_of(*disk_, 1), std::int64_t{kBlock});
  disk_->flush(2, 0);
  EXPECT_EQ(result_of(*disk_, 2), 0);
  const auto flushed = disk_->flush_all();
  EXPECT_TRUE(flushed) << said(flushed);
}

TEST_P(DiskEngine, PreparesBesideWritesAndReportsBoth) {
  constexpr std::uint64_t kPreparation = 1000;
  constexpr std::uint64_t kWrites = 20;
  ASSERT_EQ(prepared(*disk_, 0), 0);
  disk_->prepare(kPreparation, 1, 8 * kSlotBytes);
  disk_->write(0, 0, 0, 0, kBlock, true);
  std::uint64_t started = 1;
  std::uint64_t preparations = 0;
  for (std::uint64_t ended = 0; ended < kWrites + 1; ++ended) {
    const auto done = next_done(*disk_);
    ASSERT_TRUE(done);
    if (done->id == kPreparation) {
      EXPECT_EQ(done->result, 0);
      ++preparations;
    } else {
      EXPECT_EQ(done->result, std::int64_t{kBlock});
      if (started < kWrites) disk_->write(started++, 0, 0, 0, kBlock, true);
    }
  }
  EXPECT_EQ(preparations, 1U);
  EXPECT_EQ(disk_->slots()->size(), 2U);
}

TEST_P(DiskEngine, ManifestsAreMadeByTheirFirstWrite) {
  std::vector<std::byte> block(kBlock);
  const auto missing = disk_->read(Disk::kManifestA, 0, block);
  EXPECT_EQ(code_of(missing), Errc::not_found) << said(missing);
  for (unsigned generation = 1; generation <= 2; ++generation) {
    fill(block, generation);
    const auto written = disk_->write_block(Disk::kManifestA, 0, block);
    ASSERT_TRUE(written) << said(written);
    EXPECT_TRUE(all_are(read_back(*disk_, Disk::kManifestA, 0, kBlock), generation));
  }
  EXPECT_TRUE(disk_->slots()->empty()) << "a manifest is no slot";
}

TEST_P(DiskEngine, RefusalsComeBackAsResults) {
  disk_->write(1, 5, 0, 0, kBlock, true);
  EXPECT_EQ(result_of(*disk_, 1), -ENOENT);
  disk_->flush(2, 5);
  EXPECT_EQ(result_of(*disk_, 2), -ENOENT);
  ASSERT_EQ(prepared(*disk_, 0), 0);
  disk_->write(3, 0, 0, 99, kBlock, true);
  EXPECT_EQ(result_of(*disk_, 3), -EINVAL) << "no such buffer";
  disk_->write(4, 0, 0, 0, 17 * kBlock, true);
  EXPECT_EQ(result_of(*disk_, 4), -EINVAL) << "longer than the buffer";
  disk_->prepare(5, Disk::kManifestA, kSlotBytes);
  EXPECT_EQ(result_of(*disk_, 5), -EINVAL) << "a manifest is no slot";
  std::vector<std::byte> block(kBlock);
  EXPECT_EQ(code_of(disk_->read(0, kSlotBytes, block)), Errc::damaged);
  EXPECT_EQ(code_of(disk_->read(9, 0, block)), Errc::not_found);
}

TEST_P(DiskEngine, ARemovedSlotIsGoneAndItsNumberCanBeUsedAgain) {
  ASSERT_EQ(prepared(*disk_, 0), 0);
  fill(disk_->buffer(0), 5);
  disk_->write(1, 0, 0, 0, kBlock, true);
  ASSERT_EQ(result_of(*disk_, 1), std::int64_t{kBlock});
  const std::uint64_t before = disk_->free_bytes();
  ASSERT_TRUE(disk_->remove(0));
  EXPECT_TRUE(disk_->slots()->empty());
  EXPECT_EQ(code_of(disk_->remove(0)), Errc::not_found);
  EXPECT_GT(before, 0U);
  ASSERT_EQ(prepared(*disk_, 0), 0);
  disk_->write(2, 0, 0, 0, kBlock, true);
  ASSERT_EQ(result_of(*disk_, 2), std::int64_t{kBlock});
  // As others see it: a disk that kept the old file open would deceive itself.
  std::ifstream file(scratch_ / "journal/seg-0000.log", std::ios::binary);
  EXPECT_EQ(file.get(), 5) << "the write went to the removed file";
}

TEST_P(DiskEngine, MoreSlotsThanItKeepsOpen) {
  constexpr Disk::File kSlots = 40;
  for (Disk::File slot = 0; slot < kSlots; ++slot)
    ASSERT_EQ(prepared(*disk_, slot, 4 * kBlock), 0);
  for (unsigned round = 1; round <= 2; ++round) {
    for (Disk::File slot = 0; slot < kSlots; ++slot) {
      fill(disk_->buffer(0), slot + round);
      disk_->write(slot, slot, 0, 0, kBlock, true);
      ASSERT_EQ(result_of(*disk_, slot), std::int64_t{kBlock});
    }
  }
  for (Disk::File slot = 0; slot < kSlots; ++slot)
    EXPECT_TRUE(all_are(read_back(*disk_, slot, 0, kBlock), slot + 2));
}

TEST_P(DiskEngine, AWaitEndsWithItsTime) {
  std::array<Disk::Done, 4> done{};
  EXPECT_EQ(disk_->wait(done, 0), 0U);
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_EQ(disk_->wait(done, 20'000'000), 0U);
  EXPECT_GE(std::chrono::steady_clock::now() - begun, std::chrono::milliseconds(20));
}

std::chrono::microseconds own_processor_time() {
  rusage used{};
  getrusage(RUSAGE_THREAD, &used);
  return std::chrono::seconds(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
         std::chrono::microseconds(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
}

TEST_P(DiskEngine, SleepsWhileItWaits) {
  std::array<Disk::Done, 1> done{};
  const auto before = own_processor_time();
  EXPECT_EQ(disk_->wait(done, 200'000'000), 0U);
  // A sleep costs microseconds; a spinner gets a share of the 200 ms on the busiest machine.
  EXPECT_LT(own_processor_time() - before, std::chrono::milliseconds(5));
}

TEST_P(DiskEngine, AForkedChildIsRefusedEverything) {
  ASSERT_EQ(prepared(*disk_, 0), 0);
  const auto outcome = run_in_child([&] {
    std::vector<std::byte> block(kBlock);
    std::array<Disk::Done, 1> done{};
    disk_->write(1, 0, 0, 0, kBlock, true);
    if (disk_->wait(done, 10'000'000) != 0) return std::string("a write of the child completed");
    if (code_of(disk_->read(0, 0, block)) != Errc::foreign) return std::string("read");
    if (code_of(disk_->write_block(0, 0, block)) != Errc::foreign) return std::string("write");
    if (code_of(disk_->slots()) != Errc::foreign) return std::string("slots");
    if (code_of(disk_->lock(nullptr, nullptr)) != Errc::foreign) return std::string("lock");
    disk_.reset();
    return std::string();
  });
  EXPECT_EQ(outcome.said, "");
  EXPECT_EQ(outcome.signal, 0);
  // And the parent's goes on.
  disk_->write(2, 0, 0, 0, kBlock, true);
  EXPECT_EQ(result_of(*disk_, 2), std::int64_t{kBlock});
}

INSTANTIATE_TEST_SUITE_P(All, DiskEngine,
                         ::testing::Values(Engine{"UringDsync", true, Durability::dsync},
                                           Engine{"UringFlush", true, Durability::flush},
                                           Engine{"UringBuffered", true, Durability::buffered},
                                           Engine{"ThreadsDsync", false, Durability::dsync},
                                           Engine{"ThreadsFlush", false, Durability::flush},
                                           Engine{"ThreadsBuffered", false, Durability::buffered}),
                         [](const auto& tested) { return std::string(tested.param.name); });

}  // namespace
}  // namespace millrace
