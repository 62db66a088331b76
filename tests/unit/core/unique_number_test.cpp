// Numbers that never come twice, and the identity of this boot.
#include "millrace/core/unique_number.hpp"

#include "support/child_process.hpp"
#include "support/refuse_call.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace millrace {
namespace {

TEST(UniqueNumber, NeverComesTwiceFromManyThreads) {
  constexpr std::size_t kEach = 20'000;
  std::vector<std::vector<std::uint64_t>> drawn(4);
  {
    std::vector<std::jthread> threads;
    for (auto& mine : drawn) {
      threads.emplace_back([&mine] {
        for (std::size_t at = 0; at < kEach; ++at)
          mine.push_back(unique_number());
      });
    }
  }
  std::vector<std::uint64_t> all;
  for (const auto& mine : drawn) {
    EXPECT_TRUE(std::is_sorted(mine.begin(), mine.end())) << "a number fell behind an earlier one";
    all.insert(all.end(), mine.begin(), mine.end());
  }
  std::sort(all.begin(), all.end());
  EXPECT_EQ(std::adjacent_find(all.begin(), all.end()), all.end());
  EXPECT_NE(all.front(), 0U);
}

TEST(UniqueNumber, CarriesTheTimeSoThatALaterRunIsGreater) {
  using std::chrono::duration_cast, std::chrono::microseconds, std::chrono::system_clock;
  const auto now = duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
  const std::uint64_t number = unique_number();
  EXPECT_GE(number >> 12, static_cast<std::uint64_t>(now));
}

TEST(BootId, IsTheSameForEveryCallOfOneBoot) {
  EXPECT_EQ(boot_id(), boot_id());
  EXPECT_NE(boot_id(), Uuid{});
}

TEST(RandomUuid, IsOfVersionFourAndNeverTheSame) {
  const Uuid first = random_uuid();
  EXPECT_NE(first, random_uuid());
  EXPECT_EQ(first[6] >> 4, 4);
  EXPECT_EQ(first[8] >> 6, 2);
}

TEST(UniqueNumber, ComesWithoutTheKernelsRandomNumbersToo) {
  const auto outcome = testing_support::run_in_child([]() -> std::string {
    if (!testing_support::refuse_call(SYS_getrandom, ENOSYS)) return "skip";
    if (unique_number() == unique_number()) return "the same number twice";
    return random_uuid() != random_uuid() ? "" : "the same identifier twice";
  });
  if (outcome.said == "skip") GTEST_SKIP() << "system calls cannot be refused here";
  EXPECT_EQ(outcome.said, "");
}

}  // namespace
}  // namespace millrace
