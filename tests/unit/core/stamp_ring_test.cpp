// Flight recorders: what is written is read, what was overwritten or cut off in the middle is not
// taken for a record, and a writer that is killed leaves everything else readable.
#include "millrace/core/stamp_ring.hpp"

#include <atomic>
#include <cstring>
#include <memory>
#include <random>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

namespace millrace {
namespace {

using Found = StampReader<StampView>::Found;

constexpr std::uint32_t kSlots = layout::kStampRecordsMin;

// Every word of record n is a function of n.
StampRecord record_of(std::uint64_t number) {
  return {.number = number,
          .sequence = number * 7,
          .lane = static_cast<std::uint32_t>(number % 5),
          .length = static_cast<std::uint32_t>(number * 3),
          .epoch = number + 11,
          .stamps = {number + 1, number + 2, number + 3, number + 4}};
}

bool is_whole(const StampRecord& record) {
  const StampRecord expected = record_of(record.number);
  return record.sequence == expected.sequence && record.lane == expected.lane &&
         record.length == expected.length && record.epoch == expected.epoch &&
         record.stamps == expected.stamps;
}

// Slots that a killed child has written stay behind.
class SharedSlots {
 public:
  SharedSlots() : slots_(static_cast<layout::StampSlot*>(map())) {}

  SharedSlots(const SharedSlots&) = delete;
  SharedSlots& operator=(const SharedSlots&) = delete;

  ~SharedSlots() { munmap(slots_, kSlots * sizeof(layout::StampSlot)); }

  [[nodiscard]] StampView view() const { return {slots_, kSlots}; }

 private:
  static void* map() {
    return mmap(nullptr, kSlots * sizeof(layout::StampSlot), PROT_READ | PROT_WRITE,
                MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  }

  layout::StampSlot* slots_;
};

struct Census {
  std::uint64_t whole = 0;
  std::uint64_t torn = 0;
  std::uint64_t newest = 0;
  std::uint64_t wrong = 0;
};

Census census(StampView view) {
  Census sum;
  const StampReader<StampView> reader(view);
  for (std::uint64_t index = 0; index < view.slots(); ++index) {
    StampRecord record;
    const Found found = reader.read(index, record);
    if (found == Found::torn) ++sum.torn;
    if (found == Found::false_number) ++sum.wrong;
    if (found != Found::whole) continue;
    ++sum.whole;
    sum.newest = std::max(sum.newest, record.number);
    if (!is_whole(record)) ++sum.wrong;
  }
  return sum;
}

TEST(StampRing, GivesBackWhatWasWritten) {
  const SharedSlots slots;
  StampWriter<StampView> writer(slots.view());
  EXPECT_EQ(census(slots.view()).whole, 0U);
  EXPECT_EQ(writer.write(record_of(0)), 0U);
  EXPECT_EQ(writer.write(record_of(1)), 1U);
  const Census sum = census(slots.view());
  EXPECT_EQ(sum.whole, 2U);
  EXPECT_EQ(sum.newest, 1U);
  EXPECT_EQ(sum.wrong, 0U);
}

TEST(StampRing, KeepsTheNewest) {
  const SharedSlots slots;
  StampWriter<StampView> writer(slots.view());
  for (std::uint64_t number = 0; number < 3 * kSlots + 7; ++number)
    writer.write(record_of(number));
  StampRecord record;
  const StampReader<StampView> reader(slots.view());
  for (std::uint64_t index = 0; index < kSlots; ++index) {
    ASSERT_EQ(reader.read(index, record), Found::whole);
    EXPECT_GE(record.number, 2 * kSlots + 7);
    EXPECT_TRUE(is_whole(record));
  }
}

TEST(StampRing, AddsAStampLaterAndOnlyToTheRecordThatIsMeant) {
  const SharedSlots slots;
  StampWriter<StampView> writer(slots.view());
  StampRecord early = record_of(0);
  early.stamps = {1, 0, 0, 0};
  const std::uint64_t number = writer.write(early);
  writer.add(number, 3, 99);
  StampRecord record;
  ASSERT_EQ(StampReader(slots.view()).read(0, record), Found::whole);
  EXPECT_EQ(record.stamps[3], 99U);
  EXPECT_EQ(record.stamps[2], 0U);
  for (std::uint64_t next = 1; next <= kSlots; ++next)
    writer.write(record_of(next));
  EXPECT_FALSE(writer.holds(number));
  writer.add(number, 3, 77);  // its slot is another record's by now
  ASSERT_EQ(StampReader(slots.view()).read(0, record), Found::whole);
  EXPECT_TRUE(is_whole(record));
}

// What somebody else's file may hold.
TEST(StampRing, TakesNoFalseNumberForARecord) {
  const SharedSlots slots;
  StampWriter<StampView> writer(slots.view());
  for (std::uint64_t number = 0; number < kSlots; ++number)
    writer.write(record_of(number));
  const StampReader<StampView> reader(slots.view());
  StampRecord record;
  for (const std::uint64_t version :
       {std::uint64_t{2}, 2 * std::uint64_t{6} + 2, ~std::uint64_t{1}}) {
    slots.view().slot(5).version.store(version, std::memory_order_relaxed);
    EXPECT_EQ(reader.read(5, record), Found::false_number) << version;
  }
  slots.view().slot(5).version.store(~std::uint64_t{0}, std::memory_order_relaxed);
  EXPECT_EQ(reader.read(5, record), Found::torn);
}

// A word of which a store may be the last thing that its process does.
struct DyingWord {
  static inline int stores_left = -1;

  void store(std::uint64_t value, std::memory_order order) noexcept {
    if (stores_left == 0) kill(getpid(), SIGKILL);
    if (stores_left > 0) --stores_left;
    word.store(value, order);
  }

  layout::Word word;
};

// The slots of a StampView, word by word, through dying ones.
struct DyingSlot {
  DyingWord version;
  DyingWord sequence;
  DyingWord lane;
  DyingWord length;
  DyingWord epoch;
  DyingWord stamps[layout::kStampsPerRecord];
};

struct DyingView {
  [[nodiscard]] std::uint64_t slots() const noexcept { return 4; }

  [[nodiscard]] DyingSlot& slot(std::uint64_t number) const noexcept { return first[number % 4]; }

  DyingSlot* first;
};

// The same words as a reader sees them.
struct SeenView {
  struct Slot {
    const layout::Word& version;
    const layout::Word& sequence;
    const layout::Word& lane;
    const layout::Word& length;
    const layout::Word& epoch;
    std::array<std::reference_wrapper<const layout::Word>, layout::kStampsPerRecord> all;

    struct Stamps {
      const Slot* slot;

      const layout::Word& operator[](std::size_t i) const { return slot->all[i]; }
    };

    Stamps stamps{this};
  };

  [[nodiscard]] std::uint64_t slots() const noexcept { return 4; }

  [[nodiscard]] Slot slot(std::uint64_t number) const noexcept {
    const DyingSlot& slot = first[number % 4];
    return {slot.version.word,
            slot.sequence.word,
            slot.lane.word,
            slot.length.word,
            slot.epoch.word,
            {slot.stamps[0].word, slot.stamps[1].word, slot.stamps[2].word, slot.stamps[3].word}};
  }

  const DyingSlot* first;
};

TEST(StampRing, LosesAtMostOneRecordToAKillAtAnyStore) {
  constexpr int kRecords = 6;
  constexpr int kStores = kRecords * 10;  // of write()
  for (int stores = 0; stores <= kStores; ++stores) {
    void* const room =
        mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    auto* const slots = static_cast<DyingSlot*>(room);
    const pid_t child = fork();
    if (child == 0) {
      DyingWord::stores_left = stores;
      StampWriter<DyingView> writer(DyingView{slots});
      for (std::uint64_t number = 0; number < kRecords; ++number)
        writer.write(record_of(number));
      _exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_EQ(WIFSIGNALED(status), stores < kStores) << stores;
    const StampReader<SeenView> reader(SeenView{slots});
    int whole = 0;
    int torn = 0;
    for (std::uint64_t index = 0; index < 4; ++index) {
      StampRecord record;
      const auto found = reader.read(index, record);
      if (found == StampReader<SeenView>::Found::torn) ++torn;
      if (found != StampReader<SeenView>::Found::whole) continue;
      ++whole;
      EXPECT_TRUE(is_whole(record)) << stores;
    }
    const int written = stores / 10;
    EXPECT_EQ(torn, stores % 10 != 0 ? 1 : 0) << stores;
    EXPECT_EQ(whole, written <= 4 ? written - (written == 4 && torn != 0 ? 1 : 0) : 4 - torn);
    munmap(room, 4096);
  }
}

TEST(StampRing, IsReadableAfterItsWriterWasKilledSomewhere) {
  std::mt19937 random(20'261'129);
  for (int round = 0; round < 20; ++round) {
    const SharedSlots slots;
    const pid_t child = fork();
    if (child == 0) {
      StampWriter<StampView> writer(slots.view());
      for (std::uint64_t number = 0;; ++number)
        writer.write(record_of(number));
    }
    while (slots.view().slot(kSlots - 1).version.load(std::memory_order_relaxed) == 0)
      usleep(100);
    usleep(static_cast<useconds_t>(random() % 2000));
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    const Census sum = census(slots.view());
    EXPECT_EQ(sum.wrong, 0U);
    EXPECT_LE(sum.torn, 1U);
    EXPECT_EQ(sum.whole + sum.torn, kSlots);
  }
}

TEST(StampRing, NeverGivesAReaderAMixtureOfTwoRecords) {
  const auto slots = std::make_unique<layout::StampSlot[]>(kSlots);
  const StampView view(slots.get(), kSlots);
  std::atomic<bool> stop{false};
  std::thread owner([&] {
    StampWriter<StampView> writer(view);
    for (std::uint64_t number = 0; !stop.load(std::memory_order_relaxed); ++number)
      writer.write(record_of(number));
  });
  std::uint64_t whole = 0;
  for (int look = 0; look < 2000 || whole < 1000; ++look) {
    const Census sum = census(view);
    EXPECT_EQ(sum.wrong, 0U);
    whole += sum.whole;
  }
  stop.store(true, std::memory_order_relaxed);
  owner.join();
}

}  // namespace
}  // namespace millrace
