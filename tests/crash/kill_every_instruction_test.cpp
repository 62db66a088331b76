// A process is killed, or stopped, at every image of shared memory that others can see in every
// operation, and at a sample of the instructions between. kill_search is the long form.
#include "kill_every_point.hpp"

#include <algorithm>
#include <cstdio>

#include <gtest/gtest.h>

namespace millrace::crash {
namespace {

constexpr std::uint64_t kSeed = 20261128;

std::string name_of(const ::testing::TestParamInfo<const Operation*>& info) {
  std::string name = info.param->name;
  std::ranges::replace_if(
      name, [](char sign) { return std::isalnum(sign) == 0; }, '_');
  return name;
}

SearchReport run(const Operation& operation, const SearchSettings& settings) {
  const SearchReport report = search(operation, settings);
  std::printf("  %u of %u points, %u images, %u system calls, %u missed, seed %lu\n", report.points,
              report.instructions, report.images, report.calls, report.missed,
              static_cast<unsigned long>(settings.seed));
  return report;
}

// Operations that wait go another way through the code on a busy machine, and some points are
// missed then: every image was tried, and some of them were met.
void expect_good(const SearchReport& report) {
  EXPECT_EQ(report.violations, 0U) << report.first;
  EXPECT_GE(report.points + report.missed, report.images);
  EXPECT_GT(report.points, 0U);
}

class AtEveryInstruction : public ::testing::TestWithParam<const Operation*> {};

TEST_P(AtEveryInstruction, AKillHarmsNobody) {
  const SearchReport report = run(*GetParam(), {.calls = false, .most = 2, .seed = kSeed});
  expect_good(report);
}

TEST_P(AtEveryInstruction, AStopTakesNothingFromAnybody) {
  const SearchReport report =
      run(*GetParam(), {.freeze = true, .calls = false, .most = 1, .seed = kSeed});
  expect_good(report);
}

// Two deaths are for the long form: they are hundreds of points each.
std::vector<const Operation*> of_one_death() {
  std::vector<const Operation*> found = all_operations();
  std::erase_if(found, [](const Operation* one) { return one->after != nullptr; });
  return found;
}

INSTANTIATE_TEST_SUITE_P(Of, AtEveryInstruction, ::testing::ValuesIn(of_one_death()), name_of);

// What a search that finds nothing is worth.
class PlantedMistake : public ::testing::TestWithParam<const Operation*> {};

TEST_P(PlantedMistake, IsFound) {
  const SearchReport report = run(*GetParam(), {.most = 30, .seed = kSeed});
  EXPECT_GT(report.violations, 0U);
  EXPECT_GT(report.points, 0U) << report.first;
  std::printf("  %s\n", report.first.c_str());
}

INSTANTIATE_TEST_SUITE_P(Of, PlantedMistake, ::testing::ValuesIn(all_flawed_operations()), name_of);

}  // namespace
}  // namespace millrace::crash
