#include "millrace/core/sampling.hpp"

#include "support/child_process.hpp"

#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace millrace {
namespace {

std::vector<Sequence> picked(const Sampling& sampling, Sequence from, Sequence end) {
  std::vector<Sequence> found;
  for (Sequence next = sampling.at_or_after(from); next < end;
       next = sampling.at_or_after(next + 1)) {
    found.push_back(next);
  }
  return found;
}

TEST(Sampling, PicksExactlyOneInEachBlock) {
  for (const unsigned shift : {1U, 4U, 10U}) {
    const std::vector<Sequence> found = picked(Sampling(shift), 0, Sequence{1000} << shift);
    ASSERT_EQ(found.size(), 1000U) << shift;
    for (std::size_t block = 0; block < found.size(); ++block)
      EXPECT_EQ(found[block] >> shift, block);
  }
}

TEST(Sampling, PicksTheSameFromWhereverItBegins) {
  const Sampling sampling(6);
  const std::vector<Sequence> all = picked(sampling, 0, 6400);
  const std::set<Sequence> set(all.begin(), all.end());
  for (Sequence from = 0; from < 6300; ++from)
    EXPECT_EQ(sampling.at_or_after(from), *set.lower_bound(from));
}

// A place that were the same in every block would meet the same phase of every batch for ever.
TEST(Sampling, PicksPlacesThatHaveNothingToDoWithEachOther) {
  std::vector<int> places(16);
  std::vector<int> steps(16);
  Sequence before = 0;
  for (const Sequence sequence : picked(Sampling(4), 0, 16 * 16'000)) {
    ++places[sequence % 16];
    ++steps[(sequence - before) % 16];
    before = sequence;
  }
  for (const int count : places)
    EXPECT_NEAR(count, 1000, 150);  // 5 standard deviations
  for (const int count : steps)
    EXPECT_NEAR(count, 1000, 150);
}

TEST(Sampling, OfOneInOneIsEveryMessageAndOffIsNone) {
  EXPECT_EQ(Sampling(0).at_or_after(17), 17U);
  EXPECT_EQ(Sampling(0).at_or_after(Sampling::kNever - 1), Sampling::kNever - 1);
  EXPECT_EQ(Sampling().at_or_after(0), Sampling::kNever);
}

TEST(Sampling, EndsWhereSequencesEnd) {
  const Sampling sampling(10);
  EXPECT_EQ(sampling.at_or_after(Sampling::kNever), Sampling::kNever);
  EXPECT_GE(sampling.at_or_after(Sampling::kNever - 5000), Sampling::kNever - 5000);
}

// These very numbers are picked by every process of every version: a trace joins what a publisher
// of one build and a subscriber of another have stamped.
TEST(Sampling, PicksTheseMessagesForEver) {
  const std::vector<Sequence> expected = picked(Sampling(10), 0, 4096);
  EXPECT_EQ(expected, (std::vector<Sequence>{904, 1604, 2653, 3188}));
  const auto child = testing_support::run_in_child([] {
    std::string said;
    for (const Sequence sequence : picked(Sampling(10), 0, 4096))
      said += std::to_string(sequence) + " ";
    return said;
  });
  EXPECT_EQ(child.said, "904 1604 2653 3188 ");
}

}  // namespace
}  // namespace millrace
