// What is refused by kernels, containers and limits, and what is done instead.
#include "calibration.hpp"
#include "disk_fixture.hpp"
#include "support/child_process.hpp"
#include "support/refuse_call.hpp"

#include <sys/resource.h>
#include <sys/syscall.h>

namespace millrace {
namespace {

using namespace testing_support;

class DiskFallback : public ::testing::Test {
 protected:
  void SetUp() override {
    if (scratch_.path().empty()) GTEST_SKIP() << "no directory here is on ext4 or XFS";
  }

  // Opens, prepares, writes and reads one block; empty if all that works. `look` judges the disk.
  template <class Look>
  std::string use(const DiskOptions& options, Look look, std::size_t buffer_bytes = kBlock) {
    auto opened = open_disk(options);
    if (!opened) return said(opened);
    Disk& disk = **opened;
    if (auto locked = disk.lock(nullptr, nullptr); !locked) return said(locked);
    if (auto made = disk.make_buffers(4, buffer_bytes); !made) return said(made);
    if (prepared(disk, 0) != 0) return "not prepared";
    fill(disk.buffer(0), 7);
    disk.write(1, 0, kBlock, 0, kBlock, true);
    if (result_of(disk, 1) != std::int64_t{kBlock}) return "not written";
    disk.flush(2, 0);
    if (result_of(disk, 2) != 0) return "not flushed";
    if (!all_are(read_back(disk, 0, kBlock, kBlock), 7)) return "not read back";
    return look(disk.facts());
  }

  DiskScratch scratch_;
};

// An empty answer means that the note names the cause and the remedy.
std::string fell_back_to_threads(const DiskFacts& facts, const char* cause, const char* remedy) {
  if (facts.engine != "pwritev2") return "the engine is " + facts.engine;
  if (facts.note.find(cause) == std::string::npos) return "no cause: " + facts.note;
  if (facts.note.find(remedy) == std::string::npos) return "no remedy: " + facts.note;
  return {};
}

TEST_F(DiskFallback, WhereAContainerForbidsIoUringThreadsWrite) {
  const auto outcome = run_in_child([&]() -> std::string {
    if (!refuse_call(SYS_io_uring_setup, EPERM)) return "no filter";
    return use(disk_options(scratch_ / "journal"), [](const DiskFacts& facts) {
      return fell_back_to_threads(facts, "not permitted", "seccomp");
    });
  });
  EXPECT_EQ(outcome.said, "");
}

TEST_F(DiskFallback, WhereTheKernelHasNoIoUringThreadsWrite) {
  const auto outcome = run_in_child([&]() -> std::string {
    if (!refuse_call(SYS_io_uring_setup, ENOSYS)) return "no filter";
    return use(disk_options(scratch_ / "journal"), [](const DiskFacts& facts) {
      return fell_back_to_threads(facts, "not implemented", "Linux 5.11");
    });
  });
  EXPECT_EQ(outcome.said, "");
}

TEST_F(DiskFallback, WhereTheRingKeepsNoFilesThreadsWrite) {
  const auto outcome = run_in_child([&]() -> std::string {
    if (!refuse_call(SYS_io_uring_register, ENOMEM)) return "no filter";
    return use(disk_options(scratch_ / "journal"), [](const DiskFacts& facts) {
      return fell_back_to_threads(facts, "table of files", "ulimit -l");
    });
  });
  EXPECT_EQ(outcome.said, "");
}

TEST_F(DiskFallback, WithoutLockedMemoryItGoesOnUnregistered) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can give up its right to lock memory";
  ASSERT_EQ(chown(scratch_.path().c_str(), kNobody, kNobody), 0);
  const auto outcome = run_in_child([&]() -> std::string {
    const rlimit little{65536, 65536};
    if (setrlimit(RLIMIT_MEMLOCK, &little) != 0 || !become_nobody()) return "cannot become nobody";
    return use(
        disk_options(scratch_ / "journal"),
        [](const DiskFacts& facts) -> std::string {
          if (facts.engine != "io_uring") return "the engine is " + facts.engine + facts.note;
          if (facts.note.find("LimitMEMLOCK") != std::string::npos) return {};
          return "the note says: " + facts.note;
        },
        std::size_t{256} << 10);
  });
  EXPECT_EQ(outcome.said, "");
}

TEST_F(DiskFallback, WithLockedMemoryThereIsNothingToSay) {
  EXPECT_EQ(
      use(disk_options(scratch_ / "journal"), [](const DiskFacts& facts) { return facts.note; }),
      "");
}

TEST_F(DiskFallback, TheDiskIsMeasuredOnceAndBothWaysAreCounted) {
  const Descriptor directory(open(scratch_.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const auto measured = calibrate(directory.get(), scratch_.path().string(), kBlock);
  ASSERT_TRUE(measured) << said(measured);
  EXPECT_GT(measured->samples, 0U);
  EXPECT_GT(measured->dsync_ns_p50, 0U);
  EXPECT_GT(measured->flush_ns_p50, 0U);
  EXPECT_LE(measured->dsync_ns_p50, measured->dsync_ns_p99);
  EXPECT_LE(measured->flush_ns_p50, measured->flush_ns_p99);
  EXPECT_LE(measured->dsync_ns_best, measured->dsync_ns_p50);
  EXPECT_LE(measured->flush_ns_best, measured->flush_ns_p50);
  // Never flush for less than a clear gain, in the best case as in the usual one.
  const auto gain = [](std::uint64_t flush, std::uint64_t dsync) {
    return static_cast<double>(flush) < 0.8 * static_cast<double>(dsync);
  };
  const bool flush_wins = gain(measured->flush_ns_p50, measured->dsync_ns_p50) &&
                          gain(measured->flush_ns_best, measured->dsync_ns_best);
  EXPECT_EQ(measured->better, flush_wins ? Durability::flush : Durability::dsync);
  EXPECT_TRUE(std::filesystem::is_empty(scratch_.path())) << "the scratch file has no name";
}

TEST_F(DiskFallback, OnlyAJournalThatIsNotThereYetIsMeasured) {
  DiskOptions options = disk_options(scratch_ / "journal");
  options.durability.reset();
  {
    const auto fresh = open_disk(options);
    ASSERT_TRUE(fresh) << said(fresh);
    EXPECT_NE((*fresh)->facts().durability, Durability::buffered);
  }
  options.create = false;
  EXPECT_EQ(code_of(open_disk(options)), Errc::not_found) << "an empty directory is no journal";
  options.directory = scratch_ / "nowhere";
  EXPECT_EQ(code_of(open_disk(options)), Errc::not_found);
  options.create = true;
  options.directory = scratch_ / "no/parent";
  EXPECT_EQ(code_of(open_disk(options)), Errc::not_found);
}

TEST_F(DiskFallback, WrongUseIsRefused) {
  DiskOptions options = disk_options(scratch_ / "journal");
  options.depth = 0;
  EXPECT_EQ(code_of(open_disk(options)), Errc::bad_argument);
  options.depth = 33;
  EXPECT_EQ(code_of(open_disk(options)), Errc::bad_argument);
  EXPECT_EQ(code_of(open_disk(disk_options(""))), Errc::bad_argument);
  std::filesystem::create_directory(scratch_ / "open");
  std::filesystem::permissions(scratch_ / "open", std::filesystem::perms::all);
  EXPECT_EQ(code_of(open_disk(disk_options(scratch_ / "open"))), Errc::no_permission);
}

TEST_F(DiskFallback, AReaderNeitherLocksNorWrites) {
  {
    auto writer = open_disk(disk_options(scratch_ / "journal"));
    ASSERT_TRUE(writer) << said(writer);
    ASSERT_EQ(prepared(**writer, 0), 0);
  }
  DiskOptions options = disk_options(scratch_ / "journal");
  options.read_only = true;
  options.durability.reset();
  auto opened = open_disk(options);
  ASSERT_TRUE(opened) << said(opened);
  Disk& reader = **opened;
  EXPECT_EQ(reader.facts().engine, "pread");
  std::vector<std::byte> block(kBlock);
  EXPECT_TRUE(reader.read(0, 0, block));
  EXPECT_EQ(code_of(reader.lock(nullptr, nullptr)), Errc::no_permission);
  EXPECT_EQ(code_of(reader.write_block(0, 0, block)), Errc::no_permission);
  EXPECT_EQ(code_of(reader.remove(0)), Errc::no_permission);
  EXPECT_EQ(code_of(reader.make_buffers(1, kBlock)), Errc::no_permission);
  EXPECT_EQ(prepared(reader, 1), -EROFS);
  EXPECT_FALSE(std::filesystem::exists(scratch_ / "journal/lock"));
}

TEST_F(DiskFallback, OnlyRegularFilesWithTheirOneNameAreSlots) {
  auto opened = open_disk(disk_options(scratch_ / "journal"));
  ASSERT_TRUE(opened) << said(opened);
  ASSERT_EQ(prepared(**opened, 12345, 4 * kBlock), 0);
  for (const char* const name : {"seg-1.log", "seg-00002.log", "seg-.log", "seg-12x4.log", "other",
                                 "seg-0001.log.old", "seg--001.log", "seg-9999999999999.log"}) {
    std::ofstream(scratch_ / ("journal/" + std::string(name))) << "x";
  }
  const auto slots = (*opened)->slots();
  ASSERT_TRUE(slots) << said(slots);
  ASSERT_EQ(slots->size(), 1U);
  EXPECT_EQ((*slots)[0].file, 12345U);
  std::filesystem::create_symlink("other", scratch_ / "journal/seg-0001.log");
  EXPECT_FALSE((*opened)->slots()) << "a symbolic link where a slot should be";
  std::filesystem::remove(scratch_ / "journal/seg-0001.log");
  std::filesystem::create_directory(scratch_ / "journal/seg-0002.log");
  EXPECT_FALSE((*opened)->slots()) << "a directory where a slot should be";
}

}  // namespace
}  // namespace millrace
