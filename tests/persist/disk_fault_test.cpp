// What the device does and refuses: flushes that are really sent, errors that are really told.
#include "disk_fixture.hpp"
#include "support/loop_mount.hpp"
#include "write_operation.hpp"

#include <fstream>
#include <sys/ioctl.h>
#include <vector>

namespace millrace {
namespace {

using namespace testing_support;

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;

// Flushes that a block device has completed; nothing where the kernel does not count them.
std::optional<std::uint64_t> flushes_of(const std::string& device) {
  constexpr std::size_t kFlushField = 15;  // Documentation/block/stat.rst, since Linux 5.5
  std::ifstream file("/sys/block/" + device + "/stat");
  std::vector<std::uint64_t> fields;
  for (std::uint64_t field = 0; file >> field;)
    fields.push_back(field);
  if (fields.size() <= kFlushField) return std::nullopt;
  return fields[kFlushField];
}

std::unique_ptr<Disk> open_on(const LoopMount& loop, bool use_io_uring, Durability durability) {
  DiskOptions options = disk_options(loop / "journal");
  options.use_io_uring = use_io_uring;
  options.durability = durability;
  auto opened = open_disk(options);
  EXPECT_TRUE(opened) << said(opened);
  if (!opened) return nullptr;
  EXPECT_TRUE((*opened)->make_buffers(1, 4 * kBlock));
  EXPECT_EQ(prepared(**opened, 0, 4 * kMiB), 0);
  return std::move(*opened);
}

class DiskFlushes : public ::testing::TestWithParam<bool> {};

TEST_P(DiskFlushes, OneForEachDurableWriteAndNoneForOthers) {
  constexpr std::uint64_t kWrites = 200;
  // The file system's own, from its commit every few seconds.
  constexpr std::uint64_t kForeign = 20;
  const LoopMount loop({});
  if (!loop.ok()) GTEST_SKIP() << loop.why_not();
  const auto disk = open_on(loop, GetParam(), Durability::dsync);
  ASSERT_NE(disk, nullptr);
  ASSERT_TRUE(disk->flush_all());
  const auto flushed_by = [&](bool durable) -> std::optional<std::uint64_t> {
    const auto before = flushes_of(loop.device());
    for (std::uint64_t id = 0; id < kWrites; ++id) {
      disk->write(id, 0, id * kBlock, 0, kBlock, durable);
      EXPECT_EQ(result_of(*disk, id), std::int64_t{kBlock});
    }
    const auto after = flushes_of(loop.device());
    if (!before || !after) return std::nullopt;
    return *after - *before;
  };
  const auto durable = flushed_by(true);
  if (!durable) GTEST_SKIP() << "this kernel does not count flushes";
  EXPECT_GE(*durable, kWrites) << "reported durable without a flush";
  EXPECT_LE(*durable, kWrites + kForeign) << "a prewritten block needs one flush, and no more";
  EXPECT_LE(*flushed_by(false), kForeign);
}

TEST_P(DiskFlushes, AFlushOfItsOwnIsSentToo) {
  constexpr std::uint64_t kRounds = 50;
  constexpr std::uint64_t kForeign = 20;
  const LoopMount loop({});
  if (!loop.ok()) GTEST_SKIP() << loop.why_not();
  const auto disk = open_on(loop, GetParam(), Durability::flush);
  ASSERT_NE(disk, nullptr);
  ASSERT_TRUE(disk->flush_all());
  const auto before = flushes_of(loop.device());
  if (!before) GTEST_SKIP() << "this kernel does not count flushes";
  for (std::uint64_t id = 0; id < kRounds; ++id) {
    // In this mode `durable` is not honoured: the caller flushes, once for several writes.
    for (std::uint64_t part = 0; part < 4; ++part) {
      disk->write(id, 0, (4 * id + part) * kBlock, 0, kBlock, true);
      EXPECT_EQ(result_of(*disk, id), std::int64_t{kBlock});
    }
    disk->flush(id, 0);
    EXPECT_EQ(result_of(*disk, id), 0);
  }
  const std::uint64_t flushed = *flushes_of(loop.device()) - *before;
  EXPECT_GE(flushed, kRounds);
  EXPECT_LE(flushed, kRounds + kForeign);
}

// From here on every write and flush of this file system fails with EIO.
bool shut_down(const LoopMount& loop) {
  constexpr std::uint32_t kNoLogFlush = 2;
  const Descriptor root(open(loop.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  std::uint32_t how = kNoLogFlush;
  return ioctl(root.get(), _IOR('X', 125, std::uint32_t), &how) == 0;
}

TEST_P(DiskFlushes, ADeadFileSystemIsToldOnEveryOperation) {
  const LoopMount loop({});
  if (!loop.ok()) GTEST_SKIP() << loop.why_not();
  const auto disk = open_on(loop, GetParam(), Durability::dsync);
  ASSERT_NE(disk, nullptr);
  ASSERT_TRUE(shut_down(loop));
  disk->write(1, 0, 0, 0, kBlock, true);
  EXPECT_EQ(result_of(*disk, 1), -EIO);
  disk->flush(2, 0);
  EXPECT_EQ(result_of(*disk, 2), -EIO);
  EXPECT_LT(prepared(*disk, 1), 0);
  EXPECT_EQ(code_of(disk->flush_all()), Errc::system);
  const std::vector<std::byte> block(kBlock);
  EXPECT_FALSE(disk->write_block(0, 0, block));
}

TEST_P(DiskFlushes, ADeviceThatRunsDryFailsThePreparationAndLeavesNothing) {
  if (!private_mnt()) GTEST_SKIP() << "only root may mount";
  const std::string small = "/mnt/small";
  std::filesystem::create_directory(small);
  ASSERT_EQ(mount("small", small.c_str(), "tmpfs", 0, "size=24m"), 0);
  {
    // Thin storage: the file system believes in 96 MiB, and there are 24.
    const LoopMount loop({.bytes = 96 * kMiB, .backing_directory = small});
    if (!loop.ok()) GTEST_SKIP() << loop.why_not();
    const auto disk = open_on(loop, GetParam(), Durability::dsync);
    ASSERT_NE(disk, nullptr);
    const std::int64_t outcome = prepared(*disk, 1, 48 * kMiB);
    EXPECT_TRUE(outcome == -EIO || outcome == -ENOSPC) << outcome;
    EXPECT_EQ(disk->slots()->size(), 1U);
  }
  umount2(small.c_str(), MNT_DETACH);
}

INSTANTIATE_TEST_SUITE_P(Both, DiskFlushes, ::testing::Values(true, false),
                         [](const auto& tested) { return tested.param ? "Uring" : "Threads"; });

// What no device does on demand: the rule by which both engines judge a result.
class WriteOutcome : public ::testing::Test {
 protected:
  WriteOutcome() { operation_.bytes = bytes_; }

  std::array<std::byte, 4 * kBlock> bytes_{};
  WriteOperation operation_;
};

TEST_F(WriteOutcome, AWholeWriteIsDone) {
  EXPECT_EQ(operation_.take(4 * kBlock, kBlock), std::int64_t{4 * kBlock});
}

TEST_F(WriteOutcome, TheRestOfAShortWriteIsSubmittedOnce) {
  operation_.offset = 8 * kBlock;
  EXPECT_EQ(operation_.take(kBlock, kBlock), std::nullopt);
  EXPECT_EQ(operation_.rest().data(), bytes_.data() + kBlock);
  EXPECT_EQ(operation_.rest().size(), 3 * kBlock);
  EXPECT_EQ(operation_.rest_offset(), 9 * kBlock);
  EXPECT_EQ(operation_.take(3 * kBlock, kBlock), std::int64_t{4 * kBlock});
}

TEST_F(WriteOutcome, ASecondShortWriteIsAnError) {
  EXPECT_EQ(operation_.take(kBlock, kBlock), std::nullopt);
  EXPECT_EQ(operation_.take(kBlock, kBlock), -EIO);
}

TEST_F(WriteOutcome, AShortWriteWithinABlockIsAnError) {
  EXPECT_EQ(operation_.take(kBlock + 512, kBlock), -EIO);
}

TEST_F(WriteOutcome, NoProgressIsAnError) {
  EXPECT_EQ(operation_.take(0, kBlock), -EIO);
}

TEST_F(WriteOutcome, TryAgainIsTriedAgainButNotForEver) {
  for (const int refusal : {-EAGAIN, -EINTR}) {
    WriteOperation operation;
    operation.bytes = bytes_;
    unsigned repeats = 0;
    while (!operation.take(refusal, kBlock) && repeats < 1000)
      ++repeats;
    EXPECT_EQ(repeats, WriteOperation::kRepeatsMax);
  }
}

TEST_F(WriteOutcome, EveryOtherErrorIsToldAtOnce) {
  for (const int refusal : {-EIO, -ENOSPC, -ENXIO, -EROFS, -ECANCELED, -EINVAL})
    EXPECT_EQ(operation_.take(refusal, kBlock), refusal);
}

TEST_F(WriteOutcome, AFailedFlushIsNeverRepeated) {
  operation_.flush = true;
  operation_.bytes = {};
  EXPECT_EQ(operation_.take(-EIO, kBlock), -EIO);
  EXPECT_EQ(operation_.take(-EAGAIN, kBlock), -EAGAIN);
  EXPECT_EQ(operation_.take(0, kBlock), 0);
}

}  // namespace
}  // namespace millrace
