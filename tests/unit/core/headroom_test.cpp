// How much memory may still be taken, read from made-up machines.
#include "millrace/core/headroom.hpp"

#include "millrace/core/limits.hpp"
#include "support/scratch_directory.hpp"

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing_support::ScratchDirectory;

constexpr std::uint64_t kMebibyte = std::uint64_t{1} << 20;
constexpr std::uint64_t kUnlimited = Headroom::kUnlimited;

// A tree of files that looks like /proc and the mounted cgroups of some machine.
class HeadroomTest : public testing::Test {
 protected:
  void write(const std::string& name, const std::string& text) const {
    const std::filesystem::path path = scratch_.path() / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
  }

  // One line of mountinfo: `root` of a hierarchy is mounted at `point` below the scratch directory.
  std::string mount(const std::string& root, const std::string& point, const std::string& type,
                    const std::string& options) const {
    return "31 23 0:28 " + root + " " + scratch_ / point + " rw,nosuid shared:9 - " + type +
           " source rw," + options + "\n";
  }

  void first_version(const std::string& level, const std::string& limit, std::uint64_t usage,
                     std::uint64_t cache = 0) const {
    write(level + "/memory.limit_in_bytes", limit + "\n");
    write(level + "/memory.usage_in_bytes", std::to_string(usage) + "\n");
    write(level + "/memory.stat", "cache 99\ninactive_file 1\nactive_file 1\ntotal_inactive_file " +
                                      std::to_string(cache) + "\ntotal_active_file 0\n");
  }

  void second_version(const std::string& level, const std::string& limit, std::uint64_t usage,
                      std::uint64_t cache = 0) const {
    write(level + "/memory.max", limit + "\n");
    write(level + "/memory.current", std::to_string(usage) + "\n");
    write(level + "/memory.stat", "anon 5\nfile 99\ninactive_file " + std::to_string(cache) +
                                      "\nactive_file " + std::to_string(cache) + "\n");
  }

  Headroom measure() const {
    const auto measured =
        measure_headroom(scratch_.fd(), {}, {scratch_ / "proc", scratch_ / "sys"});
    EXPECT_TRUE(measured);
    EXPECT_TRUE(measured->in_memory) << "these tests need a tmpfs";
    return *measured;
  }

  ScratchDirectory scratch_;
};

TEST_F(HeadroomTest, IsUnlimitedWhereNothingCanBeRead) {
  const Headroom headroom = measure();
  EXPECT_EQ(headroom.cgroup_bytes, kUnlimited);
  EXPECT_EQ(headroom.system_bytes, kUnlimited);
  EXPECT_EQ(headroom.node_bytes, kUnlimited);
  EXPECT_EQ(headroom.huge_bytes, kUnlimited);
}

TEST_F(HeadroomTest, OfTheMachineCountsAvailableMemoryAndSwap) {
  write("proc/meminfo",
        "MemTotal:  9000 kB\nMemFree:  10 kB\nMemAvailable:    2000 kB\n"
        "SwapTotal:  600 kB\nSwapFree:   500 kB\n");
  EXPECT_EQ(measure().system_bytes, 2500U * 1024);
}

TEST_F(HeadroomTest, OfAFirstVersionCgroupIsLimitMinusUsage) {
  write("proc/self/cgroup", "5:cpu,cpuacct:/a\n4:memory:/a/b\n0::/c\n");
  write("proc/self/mountinfo",
        mount("/", "cpu", "cgroup", "cpu,cpuacct") + mount("/", "memory", "cgroup", "memory"));
  first_version("memory", "9223372036854771712", 7);
  first_version("memory/a", "9223372036854771712", 7);
  first_version("memory/a/b", std::to_string(100 * kMebibyte), 30 * kMebibyte);
  const Headroom headroom = measure();
  EXPECT_EQ(headroom.cgroup_bytes, 70 * kMebibyte);
  EXPECT_EQ(headroom.cgroup_limit_bytes, 100 * kMebibyte);
  EXPECT_EQ(headroom.cgroup, scratch_ / "memory/a/b");
}

TEST_F(HeadroomTest, IsThatOfTheTightestLevelOnTheWayUp) {
  write("proc/self/cgroup", "4:memory:/a/b\n");
  write("proc/self/mountinfo", mount("/", "memory", "cgroup", "memory"));
  first_version("memory", std::to_string(1000 * kMebibyte), 10 * kMebibyte);
  first_version("memory/a", std::to_string(200 * kMebibyte), 195 * kMebibyte);
  first_version("memory/a/b", std::to_string(100 * kMebibyte), 30 * kMebibyte);
  EXPECT_EQ(measure().cgroup_bytes, 5 * kMebibyte);
  first_version("memory", std::to_string(1000 * kMebibyte), 999 * kMebibyte);
  EXPECT_EQ(measure().cgroup_bytes, kMebibyte);
  EXPECT_EQ(measure().cgroup, scratch_ / "memory");
}

TEST_F(HeadroomTest, CountsPageCacheAsFree) {
  write("proc/self/cgroup", "4:memory:/a\n");
  write("proc/self/mountinfo", mount("/", "memory", "cgroup", "memory"));
  first_version("memory/a", std::to_string(100 * kMebibyte), 100 * kMebibyte, 40 * kMebibyte);
  EXPECT_EQ(measure().cgroup_bytes, 40 * kMebibyte);
}

TEST_F(HeadroomTest, OfACgroupAboveItsLimitIsNothing) {
  write("proc/self/cgroup", "4:memory:/a\n");
  write("proc/self/mountinfo", mount("/", "memory", "cgroup", "memory"));
  first_version("memory/a", "1000", 5000, 20);
  EXPECT_EQ(measure().cgroup_bytes, 0U);
}

TEST_F(HeadroomTest, IsFoundInAContainerThatSeesOnlyItsOwnPart) {
  write("proc/self/cgroup", "4:memory:/docker/abc/inner\n");
  write("proc/self/mountinfo", mount("/docker/abc", "memory", "cgroup", "memory"));
  first_version("memory", "5000", 1000);
  first_version("memory/inner", "9000", 1000);
  EXPECT_EQ(measure().cgroup_bytes, 4000U);
  // A name that merely begins alike is another cgroup: only what is mounted can be asked.
  write("proc/self/cgroup", "4:memory:/docker/abcdef/inner\n");
  first_version("memory/inner", "1500", 1000);
  EXPECT_EQ(measure().cgroup_bytes, 4000U);
}

TEST_F(HeadroomTest, OfASecondVersionCgroupIsMaxMinusCurrent) {
  write("proc/self/cgroup", "0::/user.slice/session\n");
  write("proc/self/mountinfo", mount("/", "unified", "cgroup2", "nsdelegate"));
  second_version("unified/user.slice", "max", 1);
  second_version("unified/user.slice/session", std::to_string(64 * kMebibyte), 24 * kMebibyte,
                 2 * kMebibyte);
  EXPECT_EQ(measure().cgroup_bytes, 44 * kMebibyte);
  second_version("unified/user.slice", std::to_string(50 * kMebibyte), 49 * kMebibyte);
  EXPECT_EQ(measure().cgroup_bytes, kMebibyte);
}

TEST_F(HeadroomTest, TakesTheFirstVersionWhereTheSecondHasNoMemoryController) {
  write("proc/self/cgroup", "4:memory:/a\n0::/a\n");
  write("proc/self/mountinfo",
        mount("/", "memory", "cgroup", "memory") + mount("/", "unified", "cgroup2", "nsdelegate"));
  write("unified/a/cgroup.procs", "1\n");
  first_version("memory/a", "3000", 1000);
  EXPECT_EQ(measure().cgroup_bytes, 2000U);
}

TEST_F(HeadroomTest, OfAProcessOutsideItsCgroupNamespaceIsThatOfTheMountedRoot) {
  write("proc/self/cgroup", "0::/../elsewhere\n");
  write("proc/self/mountinfo", mount("/", "unified", "cgroup2", "nsdelegate"));
  second_version("unified", "7000", 1000);
  second_version("elsewhere", "10", 1);
  EXPECT_EQ(measure().cgroup_bytes, 6000U);
}

TEST_F(HeadroomTest, IsFoundBelowAMountWithABlankInItsPath) {
  write("proc/self/cgroup", "0::/\n");
  write("proc/self/mountinfo", mount("/", "a\\040b", "cgroup2", "x"));
  second_version("a b", "7000", 1000);
  EXPECT_EQ(measure().cgroup_bytes, 6000U);
}

TEST_F(HeadroomTest, SurvivesTextsThatMakeNoSense) {
  write("proc/self/cgroup", "\n:::\nmemory\n4:memory\n0::\n\\777\n");
  write("proc/self/mountinfo", "x\n - cgroup2 a b\n1 2 3 / /nowhere\\9 - cgroup2\n\n");
  write("proc/meminfo", "MemAvailable:\nMemAvailable: many kB\n");
  const Headroom headroom = measure();
  EXPECT_EQ(headroom.cgroup_bytes, kUnlimited);
  EXPECT_EQ(headroom.system_bytes, kUnlimited);
}

// What a refusal says.
std::string sentence(const Headroom& headroom, std::uint64_t bytes) {
  const auto judged = judge_headroom(headroom, bytes);
  if (judged) return "fits";
  EXPECT_EQ(judged.error().code(), Errc::no_space);
  return std::string(judged.error().sentence());
}

TEST(HeadroomJudgement, LetsPassWhatFitsEverywhere) {
  EXPECT_EQ(sentence({}, std::uint64_t{1} << 40), "fits");
  const Headroom exact{.filesystem_bytes = kMebibyte, .filesystem_total_bytes = kMebibyte};
  EXPECT_EQ(sentence(exact, kMebibyte), "fits");
  EXPECT_NE(sentence(exact, kMebibyte + 1), "fits");
}

TEST(HeadroomJudgement, NamesTheFileSystemItsNumbersAndTheFix) {
  const Headroom headroom{.filesystem_bytes = 3 * kMebibyte,
                          .filesystem_total_bytes = 64 * kMebibyte};
  EXPECT_THAT(sentence(headroom, 4 * kMebibyte),
              AllOf(HasSubstr("4.00 MiB are needed"), HasSubstr("3.00 MiB free of 64.00 MiB"),
                    HasSubstr("--shm-size")));
  EXPECT_THAT(sentence({.inodes_left = false}, 1), HasSubstr("nr_inodes"));
}

TEST(HeadroomJudgement, NamesTheCgroupAndCountsWhatTheKernelNeedsBesides) {
  Headroom headroom{.cgroup_bytes = 64 * kMebibyte, .cgroup_limit_bytes = 100 * kMebibyte};
  headroom.cgroup = "/sys/fs/cgroup/memory/a";
  EXPECT_THAT(
      sentence(headroom, 64 * kMebibyte),
      AllOf(HasSubstr("66.00 MiB are needed"), HasSubstr("/sys/fs/cgroup/memory/a"),
            HasSubstr("64.00 MiB left of its limit of 100.00 MiB"), HasSubstr("raise the limit")));
  EXPECT_EQ(sentence(headroom, 60 * kMebibyte), "fits");
  // The longest name a cgroup can have leaves room for the fix.
  headroom.cgroup = "/sys/fs/cgroup/" + std::string(255, 'x');
  EXPECT_THAT(sentence(headroom, 64 * kMebibyte), HasSubstr("smaller ring"));
}

TEST(HeadroomJudgement, NamesTheNodeAndTheMachine) {
  EXPECT_THAT(sentence({.node_bytes = kMebibyte}, 2 * kMebibyte),
              AllOf(HasSubstr("NUMA node"), HasSubstr("1.00 MiB left")));
  EXPECT_THAT(sentence({.system_bytes = kMebibyte}, 2 * kMebibyte),
              AllOf(HasSubstr("this machine"), HasSubstr("1.00 MiB of memory left")));
}

TEST(HeadroomJudgement, CountsHugePages) {
  const Headroom headroom{.huge_bytes = 3 * kHugePageBytes, .huge = true};
  EXPECT_EQ(sentence(headroom, 3 * kHugePageBytes), "fits");
  EXPECT_THAT(sentence(headroom, 3 * kHugePageBytes + 1),
              AllOf(HasSubstr("4 huge pages"), HasSubstr("3 are free"), HasSubstr("nr_hugepages")));
}

}  // namespace
}  // namespace millrace
