// The simulator itself: it must do everything that a disk may do, and nothing else.
#include "simulated_disk.hpp"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace millrace::sim {
namespace {

constexpr std::uint64_t kSlot = 65'536;
constexpr std::size_t kBlock = 4096;

// A disk with one prepared slot and one buffer, and a block of a letter.
class World {
 public:
  explicit World(std::uint64_t seed, Durability mode = Durability::dsync)
      : medium(std::make_shared<SimulatedMedium>(
            seed, DiskFacts{.durability = mode, .file_system = "none", .engine = {}, .note = {}},
            16 * kSlot)),
        disk(std::make_unique<SimulatedDisk>(medium)) {
    EXPECT_TRUE(disk->lock(nullptr, nullptr));
    EXPECT_TRUE(disk->make_buffers(1, kBlock));
    disk->prepare(1, 0, kSlot);
    EXPECT_EQ(finish(), 0);
  }

  // Waits for one operation; its result.
  std::int64_t finish() {
    Disk::Done done;
    while (disk->wait({&done, 1}, 1'000'000'000) == 0) {
    }
    return done.result;
  }

  void begin(char letter, bool durable) {
    std::ranges::fill(disk->buffer(0), static_cast<std::byte>(letter));
    disk->write(2, 0, 0, 0, kBlock, durable);
  }

  std::int64_t flush() {
    disk->flush(3, 0);
    return finish();
  }

  // What stands in the first bytes of each sector of block 0; 0: it cannot be read.
  std::multiset<char> letters() const {
    std::multiset<char> found;
    for (std::uint64_t at = 0; at < kBlock; at += kSectorBytes) {
      const auto bytes = medium->read(0, at, kSectorBytes);
      found.insert(bytes ? static_cast<char>(bytes->front()) : '\0');
    }
    return found;
  }

  bool all(char letter) const { return letters().count(letter) == kBlock / kSectorBytes; }

  std::shared_ptr<SimulatedMedium> medium;
  std::unique_ptr<SimulatedDisk> disk;
};

const char kPattern = static_cast<char>(kPreparedPattern & 0xff);

TEST(SimulatedDisk, ADurableWriteThatCompletedSurvivesEverything) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    World world(seed);
    world.begin('a', true);
    ASSERT_EQ(world.finish(), static_cast<std::int64_t>(kBlock));
    EXPECT_TRUE(world.medium->certain(0, 0, kBlock));
    world.medium->crash(static_cast<Crash>(seed % 3));
    EXPECT_TRUE(world.all('a'));
  }
}

TEST(SimulatedDisk, AVolatileWriteIsLostOrKeptByCoinAndCertainAfterAFlush) {
  bool lost = false;
  bool kept = false;
  bool mixed = false;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    World world(seed, Durability::flush);
    world.begin('a', true);  // `durable` means nothing in this mode
    ASSERT_EQ(world.finish(), static_cast<std::int64_t>(kBlock));
    EXPECT_FALSE(world.medium->certain(0, 0, kBlock));
    EXPECT_TRUE(world.all('a')) << "it is read from the cache";
    world.medium->crash(Crash::power);
    lost |= world.all(kPattern);
    kept |= world.all('a');
    mixed |= !world.all('a') && !world.all(kPattern);
  }
  EXPECT_TRUE(lost && kept && mixed);

  World world(1, Durability::flush);
  world.begin('a', false);
  ASSERT_EQ(world.finish(), static_cast<std::int64_t>(kBlock));
  ASSERT_EQ(world.flush(), 0);
  EXPECT_TRUE(world.medium->certain(0, 0, kBlock));
}

TEST(SimulatedDisk, AFlushCoversOnlyWhatHadCompletedWhenItWasSubmitted) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    World world(seed, Durability::flush);
    world.begin('a', false);
    world.disk->flush(3, 0);
    EXPECT_GE(world.finish(), 0);
    EXPECT_GE(world.finish(), 0);
    EXPECT_FALSE(world.medium->certain(0, 0, kBlock)) << "seed " << seed;
  }
}

TEST(SimulatedDisk, AWriteInFlightLeavesOldNewGarbageOrUnreadableSectors) {
  std::multiset<char> seen;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    World world(seed);
    world.begin('a', true);
    world.medium->crash(Crash::power);
    seen.merge(world.letters());
  }
  const std::size_t known = seen.count('a') + seen.count(kPattern) + seen.count('\0');
  EXPECT_GT(seen.count('a'), 0U);
  EXPECT_GT(seen.count(kPattern), 0U);
  EXPECT_GT(seen.count('\0'), 0U);
  EXPECT_LT(known, seen.size()) << "garbage";
}

TEST(SimulatedDisk, AKilledProcessesWritesLandBeforeItsLockIsFree) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    World world(seed);
    world.begin('a', true);
    world.medium->crash(Crash::kill);
    const auto next = std::make_unique<SimulatedDisk>(world.medium);
    while (!next->lock(nullptr, nullptr)) {
    }
    EXPECT_TRUE(world.all('a'));
  }
}

TEST(SimulatedDisk, ADeadHandleFailsAndWritesNothing) {
  World world(1);
  world.begin('a', true);
  world.medium->crash(Crash::reboot);
  EXPECT_EQ(world.finish(), -EIO) << "it is not waited for in vain";
  const SimulatedMedium before = *world.medium;
  world.begin('b', true);
  EXPECT_EQ(world.finish(), -EIO);
  const std::vector<std::byte> block(kBlock);
  EXPECT_FALSE(world.disk->write_block(0, 0, block));
  EXPECT_FALSE(world.disk->flush_all());
  EXPECT_FALSE(world.disk->remove(0));
  world.disk.reset();
  EXPECT_TRUE(before.same_bytes(*world.medium));
}

TEST(SimulatedDisk, ItDiesAtTheOperationThatWasNamed) {
  World world(3);
  const std::vector<std::byte> block(kBlock, std::byte{'a'});
  world.medium->crash_after(2, Crash::reboot);
  EXPECT_TRUE(world.disk->write_block(0, kBlock, block));
  EXPECT_FALSE(world.disk->write_block(0, 0, block));
  EXPECT_TRUE(world.all('a')) << "in flight at an orderly reboot";
  EXPECT_FALSE(world.disk->write_block(0, 0, block));
}

TEST(SimulatedDisk, AfterAFailedFlushThePageCacheShowsWhatIsNotThere) {
  World world(5, Durability::buffered);
  world.begin('a', false);
  ASSERT_EQ(world.finish(), static_cast<std::int64_t>(kBlock));
  world.medium->faults.flush_error = 1000;
  EXPECT_EQ(world.flush(), -EIO);
  world.medium->faults.flush_error = 0;
  EXPECT_EQ(world.flush(), 0) << "the next one says all is well";
  EXPECT_TRUE(world.all('a')) << "and a read agrees";
  world.medium->crash(Crash::power);
  EXPECT_TRUE(world.all(kPattern));
}

TEST(SimulatedDisk, PreparationIsRefusedWithoutRoomAndLeavesNothing) {
  World world(1);
  world.medium->capacity = kSlot + kSlot / 2;
  world.disk->prepare(7, 1, kSlot);
  EXPECT_EQ(world.finish(), -ENOSPC);
  EXPECT_FALSE(world.medium->exists(1));
  world.medium->capacity = 2 * kSlot;
  world.disk->prepare(8, 1, kSlot);
  EXPECT_EQ(world.finish(), 0);
  EXPECT_EQ(world.disk->slots()->size(), 2U);
}

TEST(SimulatedDisk, OneSeedOneHistory) {
  const auto run = [](std::uint64_t seed) {
    World world(seed);
    world.begin('a', true);
    world.medium->crash(Crash::power);
    return std::move(*world.medium);
  };
  EXPECT_TRUE(run(9).same_bytes(run(9)));
  bool differs = false;
  for (std::uint64_t seed = 10; seed < 20; ++seed)
    differs |= !run(9).same_bytes(run(seed));
  EXPECT_TRUE(differs);
}

TEST(SimulatedDisk, MisuseIsObjectedTo) {
  World overlapping(1);
  overlapping.begin('a', true);
  overlapping.begin('b', true);
  EXPECT_NE(overlapping.medium->objection, "");

  World changed(1);
  changed.begin('a', true);
  changed.disk->buffer(0)[0] = std::byte{'x'};
  changed.finish();
  EXPECT_NE(changed.medium->objection, "");

  World outside(1);
  outside.disk->write(5, 0, kSlot, 0, kBlock, true);
  EXPECT_NE(outside.medium->objection, "");
}

}  // namespace
}  // namespace millrace::sim
