// Where a journal may lie: judged by file system, never by whether O_DIRECT succeeds.
#include "direct_io.hpp"
#include "disk_fixture.hpp"
#include "support/loop_mount.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <linux/fs.h>
#include <sys/ioctl.h>

namespace millrace {
namespace {

using namespace testing_support;

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;

// The sentence with which it is refused; a complaint if it is not.
std::string refusal(const DiskOptions& options, Errc wanted = Errc::unsupported) {
  const auto opened = open_disk(options);
  if (opened) return "it was not refused";
  EXPECT_EQ(opened.error().code(), wanted);
  return std::string(opened.error().sentence());
}

void expect_said(const std::string& sentence, const std::string& part) {
  EXPECT_NE(sentence.find(part), std::string::npos) << sentence;
}

// Writes a block so that it is durable, in the disk's own mode, and reads it back.
void use(Disk& disk) {
  ASSERT_TRUE(disk.lock(nullptr, nullptr));
  ASSERT_TRUE(disk.make_buffers(2, 4 * disk.facts().block_bytes));
  ASSERT_EQ(prepared(disk, 0), 0) << disk.facts().note;
  const std::size_t block = disk.facts().block_bytes;
  fill(disk.buffer(0), 3);
  disk.write(1, 0, block, 0, block, true);
  ASSERT_EQ(result_of(disk, 1), static_cast<std::int64_t>(block));
  disk.flush(2, 0);
  ASSERT_EQ(result_of(disk, 2), 0);
  EXPECT_TRUE(all_are(read_back(disk, 0, block, block), 3));
}

TEST(DiskPlace, MemoryIsRefusedUnlessItIsAllowed) {
  const ScratchDirectory memory;
  DiskOptions options = disk_options(memory / "journal");
  if (DiskScratch::is_disk(memory.path())) GTEST_SKIP() << "there is no /dev/shm";
  const std::string sentence = refusal(options);
  expect_said(sentence, "tmpfs");
  expect_said(sentence, "power loss");
  options.allow_volatile = true;
  auto opened = open_disk(options);
  ASSERT_TRUE(opened) << said(opened);
  EXPECT_TRUE((*opened)->facts().volatile_memory);
  expect_said((*opened)->facts().note, "memory");
  use(**opened);
  options.allow_volatile = false;
  options.read_only = true;
  const auto reader = open_disk(options);
  EXPECT_TRUE(reader) << "reading promises nothing: " << said(reader);
}

class DiskPlaceOverlay : public ::testing::Test {
 protected:
  // An overlay whose upper directory is below `upper`.
  void SetUp() override {
    if (geteuid() != 0 || !private_mnt()) GTEST_SKIP() << "only root may mount an overlay";
    if (disk_.path().empty()) GTEST_SKIP() << "no directory here is on ext4 or XFS";
  }

  std::string overlay_on(const std::string& below) {
    for (const char* const part : {"/lower", "/upper", "/work", "/point"})
      std::filesystem::create_directories(below + part);
    const std::string options =
        "lowerdir=" + below + "/lower,upperdir=" + below + "/upper,workdir=" + below + "/work";
    point_ = below + "/point";
    if (mount("overlay", point_.c_str(), "overlay", 0, options.c_str()) != 0) point_.clear();
    return point_;
  }

  void TearDown() override {
    if (!point_.empty()) umount2(point_.c_str(), MNT_DETACH);
  }

  DiskScratch disk_;
  std::string point_;
};

TEST_F(DiskPlaceOverlay, OverMemoryIsMemory) {
  if (overlay_on("/mnt/overlaid").empty()) GTEST_SKIP() << "overlays are refused here";
  const std::string sentence = refusal(disk_options(point_ + "/journal"));
  expect_said(sentence, "overlay on tmpfs");
  expect_said(sentence, "power loss");
}

TEST_F(DiskPlaceOverlay, OverADiskIsADisk) {
  if (overlay_on(disk_ / "overlaid").empty()) GTEST_SKIP() << "overlays are refused here";
  auto opened = open_disk(disk_options(point_ + "/journal"));
  ASSERT_TRUE(opened) << said(opened);
  EXPECT_TRUE((*opened)->facts().file_system.starts_with("overlay on "));
  EXPECT_FALSE((*opened)->facts().volatile_memory);
  use(**opened);
}

TEST_F(DiskPlaceOverlay, WhoseUpperDirectoryCannotBeSeenMustBeTrusted) {
  if (overlay_on(disk_ / "hidden,with=comma").empty()) {
    if (overlay_on(disk_ / "hidden").empty()) GTEST_SKIP() << "overlays are refused here";
  }
  // As in a container: the overlay is there, the path it was made from is not.
  const std::string inside = "/mnt/inside";
  std::filesystem::create_directory(inside);
  ASSERT_EQ(mount(point_.c_str(), inside.c_str(), nullptr, MS_BIND, nullptr), 0);
  ASSERT_EQ(mount("hide", disk_.path().c_str(), "tmpfs", 0, nullptr), 0);
  DiskOptions options = disk_options(inside + "/journal");
  const std::string sentence = refusal(options);
  options.trust_file_system = true;
  {
    auto opened = open_disk(options);
    EXPECT_TRUE(opened) << said(opened);
  }
  umount2(disk_.path().c_str(), MNT_DETACH);
  umount2(inside.c_str(), MNT_DETACH);
  expect_said(sentence, "cannot be seen from here");
  expect_said(sentence, "volume");
}

TEST(DiskPlace, AFileSystemNobodyKnowsMustBeTrusted) {
  // Not a place for files at all, but a file system of a kind that is in no table.
  expect_said(refusal(disk_options("/proc")), "nobody knows");
}

TEST(DiskPlace, BtrfsIsFlushedAndSaysWhatMayHappen) {
  const LoopMount disk({.type = "btrfs", .bytes = 160 * kMiB});
  if (!disk.ok()) GTEST_SKIP() << disk.why_not();
  DiskOptions options = disk_options(disk / "journal");
  options.durability.reset();
  auto opened = open_disk(options);
  ASSERT_TRUE(opened) << said(opened);
  EXPECT_EQ((*opened)->facts().file_system, "btrfs");
  EXPECT_TRUE((*opened)->facts().copy_on_write);
  EXPECT_EQ((*opened)->facts().durability, Durability::flush);
  expect_said((*opened)->facts().note, "copies on write");
  use(**opened);
}

// A copy with shared blocks: the live slot's next overwrite allocates.
void reflink(const std::string& from, const std::string& to) {
  const Descriptor source(open(from.c_str(), O_RDONLY | O_CLOEXEC));
  const Descriptor copy(open(to.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  ASSERT_EQ(ioctl(copy.get(), FICLONE, source.get()), 0) << strerror(errno);
  ASSERT_EQ(fsync(copy.get()), 0);
}

TEST(DiskPlace, AReflinkedSlotIsDoubtfulUntilItIsPreparedAgain) {
  const LoopMount disk({.type = "xfs", .bytes = 320 * kMiB});
  if (!disk.ok()) GTEST_SKIP() << disk.why_not();
  auto opened = open_disk(disk_options(disk / "journal"));
  ASSERT_TRUE(opened) << said(opened);
  EXPECT_EQ((*opened)->facts().file_system, "xfs");
  use(**opened);
  EXPECT_FALSE((*opened)->slots()->at(0).doubtful);
  EXPECT_EQ((*opened)->facts().note, "");
  reflink(disk / "journal/seg-0000.log", disk / "copy");
  EXPECT_TRUE((*opened)->slots()->at(0).doubtful);
  expect_said((*opened)->facts().note, "shared with a copy");
  ASSERT_EQ(prepared(**opened, 0), 0);
  EXPECT_FALSE((*opened)->slots()->at(0).doubtful);
}

TEST(DiskPlace, ASparseOrReservedSlotIsDoubtful) {
  const DiskScratch scratch;
  if (scratch.path().empty()) GTEST_SKIP() << "no directory here is on ext4 or XFS";
  auto opened = open_disk(disk_options(scratch / "journal"));
  ASSERT_TRUE(opened) << said(opened);
  std::ofstream(scratch / "journal/seg-0000.log");
  std::filesystem::resize_file(scratch / "journal/seg-0000.log", kMiB);
  const Descriptor reserved(
      open((scratch / "journal/seg-0001.log").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  ASSERT_EQ(fallocate(reserved.get(), 0, 0, kMiB), 0);
  const auto slots = (*opened)->slots();
  ASSERT_TRUE(slots) << said(slots);
  ASSERT_EQ(slots->size(), 2U);
  EXPECT_TRUE(slots->at(0).doubtful) << "a hole";
  EXPECT_TRUE(slots->at(1).doubtful) << "reserved, never written";
}

TEST(DiskPlace, ADeviceWithLargeSectorsGetsBlocksThatFit) {
  const LoopMount disk({.sector_bytes = 4096});
  if (!disk.ok()) GTEST_SKIP() << disk.why_not();
  auto opened = open_disk(disk_options(disk / "journal"));
  ASSERT_TRUE(opened) << said(opened);
  EXPECT_EQ((*opened)->facts().block_bytes, 4096U);
  use(**opened);
  // The device is what we think it is: half a block is refused.
  (*opened)->write(9, 0, 512, 0, 512, true);
  EXPECT_EQ(result_of(**opened, 9), -EINVAL);
}

TEST(DiskPlace, TheBlockIsTheLargestThatAnybodyAsksForUpTo64KiB) {
  EXPECT_EQ(*block_for(0, 0, 0, "x"), 4096U);
  EXPECT_EQ(*block_for(512, 512, 4096, "x"), 4096U);
  EXPECT_EQ(*block_for(4, 8192, 4096, "x"), 8192U);
  EXPECT_EQ(*block_for(4, 512, 16384, "x"), 16384U);
  EXPECT_EQ(*block_for(4, 512, 20480, "x"), 32768U) << "a power of two";
  EXPECT_EQ(*block_for(4, 512, 65536, "x"), 65536U);
  const auto refused = block_for(4, 512, 131072, "x");
  ASSERT_EQ(code_of(refused), Errc::unsupported);
  expect_said(said(refused), "131072");
  expect_said(said(refused), "65536");
}

TEST(DiskPlace, AFullDiskLeavesNothingOfASlotBehind) {
  const LoopMount disk({.bytes = 24 * kMiB});
  if (!disk.ok()) GTEST_SKIP() << disk.why_not();
  auto opened = open_disk(disk_options(disk / "journal"));
  ASSERT_TRUE(opened) << said(opened);
  ASSERT_EQ(prepared(**opened, 0), 0);
  const std::uint64_t free_before = (*opened)->free_bytes();
  EXPECT_EQ(prepared(**opened, 1, 32 * kMiB), -ENOSPC);
  EXPECT_EQ((*opened)->slots()->size(), 1U);
  // Blocks of the journal come back when it commits, not at once.
  sync();
  EXPECT_GE((*opened)->free_bytes() + kMiB, free_before);
  EXPECT_EQ(prepared(**opened, 1), 0) << "with room for it, it works again";
}

}  // namespace
}  // namespace millrace
