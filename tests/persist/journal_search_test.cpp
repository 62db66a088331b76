// Tens of thousands of histories on the simulated disk, and the proof that the search can see: each
// mistake of persist/src/flaw.hpp, planted, is found within a bounded number of seeds.
//
// MILLRACE_SEEDS says how many seeds each part of the search takes (default below); millions are
// journal_search's work.
#include "sim_search.hpp"

#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace millrace::sim {
namespace {

std::uint64_t seeds_each() {
#if defined(MILLRACE_ASAN)
  constexpr std::uint64_t kDefault = 500;  // each takes several times as long
#else
  constexpr std::uint64_t kDefault = 2500;
#endif
  const char* const text = std::getenv("MILLRACE_SEEDS");
  return text == nullptr ? kDefault : std::strtoull(text, nullptr, 10);
}

class LegalHistories : public testing::TestWithParam<std::uint64_t> {};

TEST_P(LegalHistories, BreakNoPromise) {
  Counts counts;
  const auto broken = search(GetParam() * 1'000'000 + 1, seeds_each(), counts);
  ASSERT_FALSE(broken) << broken->how << "\nagain: " << repeat_command(broken->seed);
  // A search that never met what it is about would prove nothing.
  if (counts.histories < 1000) return;
  for (const std::uint64_t crashes : counts.crashes)
    EXPECT_GT(crashes, 100U);
  EXPECT_GT(counts.crashes_in_recovery, 100U);
  EXPECT_GT(counts.clean_ends, 50U);
  EXPECT_GT(counts.poisoned, 5U);
  EXPECT_GT(counts.full, 5U);
  EXPECT_GT(counts.cut_items, 100U);
  EXPECT_GT(counts.damages, 200U);
  EXPECT_GT(counts.damages_unwitnessed, 10U);
  EXPECT_GT(counts.messages_read, 100'000U);
}

INSTANTIATE_TEST_SUITE_P(Part, LegalHistories, testing::Range<std::uint64_t>(0, 8));

class Mistake : public testing::TestWithParam<NamedFlaw> {};

TEST_P(Mistake, IsFound) {
  const PlantedFlaw planted(GetParam().flaw);
  Counts counts;
  const auto broken = search(1, 20'000, counts);
  ASSERT_TRUE(broken) << "not in " << counts.histories << " histories";
  RecordProperty("seed", static_cast<int>(broken->seed));
}

// The control of two_headers_in_flight: with segments as short, and the rule kept, all is well.
TEST(JournalSearch, SegmentsThatEndAtOnceBreakNoPromise) {
  const PlantedFlaw planted(Flaw::short_segments);
  Counts counts;
  const auto broken = search(1, seeds_each(), counts);
  ASSERT_FALSE(broken) << broken->how
                       << "\nagain: " << repeat_command(broken->seed, "short_segments");
}

std::vector<NamedFlaw> mistakes() {
  std::vector<NamedFlaw> all(std::begin(kFlaws), std::end(kFlaws));
  std::erase_if(all, [](const NamedFlaw& one) { return one.flaw == Flaw::short_segments; });
  return all;
}

INSTANTIATE_TEST_SUITE_P(Planted, Mistake, testing::ValuesIn(mistakes()),
                         [](const auto& it) { return std::string(it.param.name); });

TEST(JournalSearch, OneSeedIsOneHistory) {
  for (const std::uint64_t seed : {3U, 14U, 15U}) {
    Counts counts[2];
    for (Counts& one : counts) {
      const auto broken = search(seed, 1, one);
      ASSERT_FALSE(broken) << broken->how;
    }
    EXPECT_EQ(counts[0].messages, counts[1].messages);
    EXPECT_EQ(counts[0].items, counts[1].items);
    EXPECT_EQ(counts[0].messages_read, counts[1].messages_read);
  }
}

}  // namespace
}  // namespace millrace::sim
