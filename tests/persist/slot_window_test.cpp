// Slots read from front to back, with threads that read in advance, and in any other order.
#include "slot_window.hpp"

#include "disk_fixture.hpp"

#include <fstream>
#include <random>

namespace millrace {
namespace {

using namespace testing_support;

constexpr std::uint64_t kBytes = std::uint64_t{24} << 20;

class SlotWindowTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (scratch_.path().empty()) GTEST_SKIP() << "no directory here is on ext4 or XFS";
    auto opened = open_disk(disk_options(scratch_ / "journal"));
    ASSERT_TRUE(opened) << said(opened);
    disk_ = std::move(*opened);
    for (const Disk::File slot : {0U, 1U})
      write(slot, slot);
    window_.emplace(*disk_, 4096, kBytes, kReadAheadBytes);
    window_->stream();
  }

  // Every 8 bytes say where they stand.
  static std::uint64_t word_at(std::uint64_t seed, std::uint64_t offset) {
    return (seed << 40) + offset;
  }

  void write(Disk::File slot, std::uint64_t seed) const {
    std::vector<std::uint64_t> words(kBytes / 8);
    for (std::size_t i = 0; i < words.size(); ++i)
      words[i] = word_at(seed, i * 8);
    std::ofstream file(scratch_ / ("journal/seg-000" + std::to_string(slot) + ".log"),
                       std::ios::binary | std::ios::trunc);
    file.write(reinterpret_cast<const char*>(words.data()), kBytes);
  }

  void expect(Disk::File slot, std::uint64_t seed, std::uint64_t offset, std::uint64_t bytes) {
    const auto got = window_->at(slot, offset, bytes);
    ASSERT_TRUE(got) << said(got);
    ASSERT_EQ(got->size(), bytes);
    for (std::uint64_t at = 0; at + 8 <= bytes; at += 8) {
      std::uint64_t word = 0;
      std::memcpy(&word, got->data() + at, sizeof word);
      ASSERT_EQ(word, word_at(seed, offset + at)) << "slot " << slot << ", offset " << offset + at;
    }
  }

  // As a walk over items does: a block first, then the whole item.
  void walk(Disk::File slot, std::uint64_t seed, std::uint64_t from, std::uint64_t to) {
    std::mt19937_64 random(from + seed);
    for (std::uint64_t at = from; at < to;) {
      const std::uint64_t bytes = std::min((1 + random() % 80) * 4096, to - at);
      expect(slot, seed, at, 4096);
      expect(slot, seed, at, bytes);
      at += bytes;
    }
  }

  DiskScratch scratch_;
  std::unique_ptr<Disk> disk_;
  std::optional<SlotWindow> window_;
};

TEST_F(SlotWindowTest, HandsOutEveryByteFromFrontToBack) {
  walk(0, 0, 0, kBytes);
  walk(1, 1, 0, kBytes);
  walk(0, 0, 0, kBytes);
}

TEST_F(SlotWindowTest, GoesAnywhereInBetween) {
  std::mt19937_64 random(7);
  for (std::uint32_t turn = 0; turn < 20; ++turn) {
    const std::uint64_t from = random() % (kBytes / 4096 / 2) * 4096;
    walk(turn % 2, turn % 2, from, from + kBytes / 3 / 4096 * 4096);
    expect(0, 0, random() % (kBytes / 4096) * 4096, 4096);
  }
}

TEST_F(SlotWindowTest, SeesWhatHasChangedOnceItForgets) {
  walk(0, 0, 0, kBytes / 2);
  write(0, 9);
  window_->forget();
  walk(0, 9, kBytes / 2, kBytes);
}

TEST_F(SlotWindowTest, EndsWhereTheSlotEnds) {
  walk(0, 0, 0, kBytes);
  EXPECT_EQ(code_of(window_->at(0, kBytes, 4096)), Errc::damaged);
  EXPECT_EQ(code_of(window_->at(0, kBytes - 4096, 8192)), Errc::damaged);
}

// A file that ends early is told as such, also by threads that read in advance.
TEST_F(SlotWindowTest, TellsWhyBytesCannotBeHad) {
  std::filesystem::resize_file(scratch_ / "journal/seg-0001.log", kBytes / 2);
  walk(1, 1, 0, kBytes / 2);
  EXPECT_EQ(code_of(window_->at(1, kBytes / 2, 4096)), Errc::damaged);
}

}  // namespace
}  // namespace millrace
