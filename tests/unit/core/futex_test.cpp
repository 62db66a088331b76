#include "millrace/core/futex.hpp"

#include "process/refused_system_call.hpp"
#include "support/child_process.hpp"
#include "support/scratch_directory.hpp"

#include <array>
#include <cerrno>
#include <string>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

namespace millrace {
namespace {

using Word = std::atomic<std::uint32_t>;

constexpr std::uint64_t kShortNs = 1'000'000;
constexpr std::uint64_t kWatchdogNs = 60'000'000'000;

// Wakes until somebody was there to be woken.
void wake_one(const Word& word) {
  while (futex_wake(&word, 1) == 0)
    std::this_thread::yield();
}

TEST(Futex, ReturnsAtOnceIfTheWordDiffers) {
  const Word word{1};
  EXPECT_EQ(futex_wait(&word, 0, kWatchdogNs), FutexAnswer::changed);
}

TEST(Futex, TimesOut) {
  const Word word{0};
  EXPECT_EQ(futex_wait(&word, 0, kShortNs), FutexAnswer::timed_out);
  EXPECT_EQ(futex_wait(&word, 0, 0), FutexAnswer::timed_out);
}

TEST(Futex, IsWoken) {
  const Word word{0};
  FutexAnswer answer = FutexAnswer::failed;
  std::thread sleeper([&] { answer = futex_wait(&word, 0, ~std::uint64_t{0}); });
  wake_one(word);
  sleeper.join();
  EXPECT_EQ(answer, FutexAnswer::woken);
}

TEST(Futex, WakesAsManyAsAsked) {
  const Word word{0};
  std::vector<std::thread> sleepers;
  for (int count = 0; count < 3; ++count) {
    sleepers.emplace_back([&] { futex_wait(&word, 0, kWatchdogNs); });
  }
  std::uint32_t woken = 0;
  while (woken < 3)
    woken += futex_wake(&word, ~std::uint32_t{0});
  for (std::thread& sleeper : sleepers)
    sleeper.join();
  EXPECT_EQ(woken, 3U);
}

TEST(Futex, WaitsOnManyWordsAndAnyOfThemWakesIt) {
  std::array<Word, 5> words{};
  std::vector<FutexWait> waits;
  for (const Word& word : words)
    waits.push_back({&word, 0});
  FutexAnswer answer = FutexAnswer::failed;
  std::thread sleeper([&] { answer = futex_wait_many(waits, kWatchdogNs); });
  // Where futex_waitv is refused the sleeper wakes by its bound and is never there to be woken.
  while (futex_waits_on_many() && futex_wake(&words[3], 1) == 0)
    std::this_thread::yield();
  sleeper.join();
  EXPECT_EQ(answer, futex_waits_on_many() ? FutexAnswer::woken : FutexAnswer::timed_out);
}

TEST(Futex, OneOfManyThatDiffersIsSeen) {
  std::array<Word, 5> words{};
  words[4] = 1;
  std::vector<FutexWait> waits;
  for (const Word& word : words)
    waits.push_back({&word, 0});
  EXPECT_EQ(futex_wait_many(waits, kWatchdogNs), FutexAnswer::changed);
}

TEST(Futex, ManyWordsTimeOutAndMoreThanTheKernelTakesAreNoError) {
  std::vector<Word> words(kFutexWaitsMax + 50);
  std::vector<FutexWait> waits;
  for (const Word& word : words)
    waits.push_back({&word, 0});
  EXPECT_EQ(futex_wait_many(waits, kShortNs), FutexAnswer::timed_out);
  EXPECT_EQ(futex_wait_many({waits.data(), 1}, kShortNs), FutexAnswer::timed_out);
  EXPECT_EQ(futex_wait_many({}, kShortNs), FutexAnswer::timed_out);
}

TEST(Futex, SleepsOnAMappingThatItMayOnlyReadAndIsWokenThroughAnother) {
  const testing_support::ScratchDirectory scratch;
  const Descriptor file(open((scratch / "word").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  ASSERT_EQ(ftruncate(file.get(), 4096), 0);
  void* const readable = mmap(nullptr, 4096, PROT_READ, MAP_SHARED, file.get(), 0);
  void* const writable = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
  ASSERT_TRUE(readable != MAP_FAILED && writable != MAP_FAILED);
  FutexAnswer answer = FutexAnswer::failed;
  std::thread sleeper(
      [&] { answer = futex_wait(static_cast<const Word*>(readable), 0, kWatchdogNs); });
  wake_one(*static_cast<const Word*>(writable));
  sleeper.join();
  EXPECT_EQ(answer, FutexAnswer::woken);
  munmap(readable, 4096);
  munmap(writable, 4096);
}

TEST(Futex, AWordThatIsNotThereFailsInsteadOfKilling) {
  void* const page = mmap(nullptr, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  EXPECT_EQ(futex_wait(static_cast<const Word*>(page), 0, kShortNs), FutexAnswer::failed);
  munmap(page, 4096);
}

TEST(Futex, NapsOnTheFirstWordWhereTheKernelRefusesMany) {
  for (const int refusal : {ENOSYS, EPERM}) {
    const auto outcome = testing_support::run_in_child([&] {
      if (!testing_support::refuse(SYS_futex_waitv, refusal)) return std::string("skip");
      std::array<Word, 2> words{};
      const std::array<FutexWait, 2> waits{{{&words[0], 0}, {&words[1], 0}}};
      // Returns long before the bound that was asked for, or this test hangs.
      const FutexAnswer answer = futex_wait_many(waits, kWatchdogNs * 60);
      if (answer != FutexAnswer::timed_out) return std::string("did not nap");
      if (futex_waits_on_many()) return std::string("does not remember the refusal");
      words[1] = 1;
      const bool sees = futex_wait_many(waits, kWatchdogNs) == FutexAnswer::changed;
      return std::string(sees ? "" : "does not see the second word");
    });
    if (outcome.said == "skip") GTEST_SKIP() << "seccomp is refused";
    EXPECT_EQ(outcome.said, "");
  }
}

}  // namespace
}  // namespace millrace
