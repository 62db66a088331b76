// Full memory is a clear error, never a signal and never something left behind.
#include "millrace/core/headroom.hpp"
#include "millrace/core/segment.hpp"
#include "support/child_process.hpp"
#include "support/scratch_directory.hpp"

#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <optional>
#include <signal.h>
#include <string>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing_support::run_in_child;
using testing_support::ScratchDirectory;

constexpr std::uint64_t kMebibyte = std::uint64_t{1} << 20;

SegmentPlan lane_of(std::uint64_t ring_bytes) {
  SegmentPlan plan;
  plan.kind = layout::FileKind::lane;
  plan.file_bytes = kPageBytes + ring_bytes;
  plan.data_bytes = ring_bytes;
  plan.data_offset = kPageBytes;
  return plan;
}

// A file system of `megabytes`, seen by this process only. Its directory, or nothing if refused.
std::optional<Descriptor> mount_small(const ScratchDirectory& scratch, const char* options) {
  if (!testing_support::leave_mount_namespace()) return std::nullopt;
  if (mount("none", scratch.path().c_str(), "tmpfs", 0, options) != 0) return std::nullopt;
  return Descriptor(open(scratch.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

std::uint64_t free_blocks(int fd) {
  struct statfs status {};

  fstatfs(fd, &status);
  return status.f_bfree;
}

TEST(FullTmpfs, IsAClearErrorAndLeavesNothing) {
  const ScratchDirectory scratch;
  for (const bool unnamed : {true, false}) {
    const auto outcome = run_in_child([&]() -> std::string {
      const auto directory = mount_small(scratch, "size=1m");
      if (!directory) return "skip";
      const std::uint64_t before = free_blocks(directory->get());
      SegmentPlan plan = lane_of(2 * kMebibyte);
      plan.unnamed = unnamed;
      const auto made = NewSegment::create(directory->get(), plan);
      if (made) return "it was made";
      if (made.error().code() != Errc::no_space) return "another code";
      if (free_blocks(directory->get()) != before) return "blocks are gone";
      if (scratch.entries() != 0) return "a name is left";
      if (!NewSegment::create(directory->get(), lane_of(kMebibyte / 2))) return "no room at all";
      return std::string(made.error().sentence());
    });
    if (outcome.said == "skip") GTEST_SKIP() << "mounting is forbidden here";
    EXPECT_EQ(outcome.signal, 0);
    EXPECT_THAT(outcome.said,
                AllOf(HasSubstr("2.00 MiB are needed"), HasSubstr("1.00 MiB free of 1.00 MiB")));
  }
}

TEST(FullTmpfs, WithoutInodesIsAClearErrorToo) {
  const ScratchDirectory scratch;
  const auto outcome = run_in_child([&]() -> std::string {
    const auto directory = mount_small(scratch, "size=4m,nr_inodes=2");
    if (!directory) return "skip";
    auto first = NewSegment::create(directory->get(), lane_of(kPageBytes));
    if (!first) return std::string(first.error().sentence());
    const auto second = NewSegment::create(directory->get(), lane_of(kPageBytes));
    if (second) return "it was made";
    return second.error().code() == Errc::no_space ? std::string(second.error().sentence())
                                                   : "another code";
  });
  if (outcome.said == "skip") GTEST_SKIP() << "mounting is forbidden here";
  EXPECT_THAT(outcome.said, HasSubstr("inodes"));
}

// A memory cgroup below our own, removed at the end of the test.
class SmallCgroup {
 public:
  explicit SmallCgroup(std::uint64_t limit_bytes) {
    std::ifstream memberships("/proc/self/cgroup");
    for (std::string line; path_.empty() && std::getline(memberships, line);) {
      const std::size_t memory = line.find(":memory:");
      if (memory != std::string::npos) {
        make("/sys/fs/cgroup/memory" + line.substr(memory + 8), "memory.limit_in_bytes",
             limit_bytes);
      } else if (line.starts_with("0::")) {
        make("/sys/fs/cgroup" + line.substr(3), "memory.max", limit_bytes);
      }
    }
  }

  SmallCgroup(const SmallCgroup&) = delete;
  SmallCgroup& operator=(const SmallCgroup&) = delete;

  ~SmallCgroup() {
    if (!path_.empty()) rmdir(path_.c_str());
  }

  [[nodiscard]] bool join() const {
    if (path_.empty()) return false;
    std::ofstream members(path_ + "/cgroup.procs");
    members << getpid() << std::flush;
    return members.good();
  }

  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  void make(const std::string& parent, const char* limit_file, std::uint64_t limit_bytes) {
    const std::string path = parent + "/millrace-test-" + std::to_string(getpid());
    if (mkdir(path.c_str(), 0755) != 0) return;
    // Without the memory controller there is no such file, and none can be made in a cgroup.
    const Descriptor limit(open((path + "/" + limit_file).c_str(), O_WRONLY | O_CLOEXEC));
    const std::string text = std::to_string(limit_bytes);
    if (limit.valid() && write(limit.get(), text.data(), text.size()) > 0) {
      path_ = path;
    } else {
      rmdir(path.c_str());
    }
  }

  std::string path_;
};

TEST(FullMemoryCgroup, IsAClearErrorAndNotTheEndOfTheProcess) {
  const ScratchDirectory scratch;
  const SmallCgroup cgroup(48 * kMebibyte);
  const auto outcome = run_in_child([&]() -> std::string {
    if (!cgroup.join()) return "skip";
    const auto made = NewSegment::create(scratch.fd(), lane_of(256 * kMebibyte));
    if (made) return "it was made";
    if (made.error().code() != Errc::no_space) return "another code";
    return std::string(made.error().sentence());
  });
  if (outcome.said == "skip") GTEST_SKIP() << "no memory cgroup can be made here";
  EXPECT_EQ(outcome.signal, 0) << "killed";
  EXPECT_THAT(outcome.said, AllOf(HasSubstr("memory cgroup " + cgroup.path().substr(0, 100)),
                                  HasSubstr("limit of 48.00 MiB")));
  EXPECT_EQ(scratch.entries(), 0U);
}

TEST(FullMemoryCgroup, CanBeFilledSegmentBySegmentWithoutAnybodyBeingKilled) {
  const ScratchDirectory scratch;
  const SmallCgroup cgroup(48 * kMebibyte);
  const auto outcome = run_in_child([&]() -> std::string {
    if (!cgroup.join()) return "skip";
    for (int made = 0; made < 48; ++made) {
      auto segment = NewSegment::create(scratch.fd(), lane_of(4 * kMebibyte));
      if (!segment) {
        if (segment.error().code() != Errc::no_space) return "another code";
        return made >= 6 ? "filled" : "refused too early, at " + std::to_string(made);
      }
      auto ring = RingMapping::of(segment->fd(), kPageBytes, 4 * kMebibyte, Access::write);
      if (!ring || !ring->prefault()) return "no ring";
      if (!segment->link(scratch.fd(), ("lane-" + std::to_string(made)).c_str())) return "no link";
    }
    return "more than the limit was made";
  });
  if (outcome.said == "skip") GTEST_SKIP() << "no memory cgroup can be made here";
  EXPECT_EQ(outcome.signal, 0) << "killed";
  EXPECT_EQ(outcome.said, "filled");
}

}  // namespace
}  // namespace millrace
