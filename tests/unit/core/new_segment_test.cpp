// Building a file that nobody sees before it is whole.
#include "millrace/core/private_name.hpp"
#include "millrace/core/segment.hpp"
#include "millrace/core/topology.hpp"
#include "support/child_process.hpp"
#include "support/emulated_kernel.hpp"
#include "support/refuse_call.hpp"
#include "support/scratch_directory.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <signal.h>
#include <string>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace {
namespace {

using testing::HasSubstr;
using testing_support::run_in_child;
using testing_support::ScratchDirectory;

constexpr std::uint64_t kBytes = std::uint64_t{1} << 20;

// Both ways of building: unnamed, and under a private name where O_TMPFILE is refused.
class NewSegmentTest : public testing::TestWithParam<bool> {
 protected:
  static SegmentPlan plan() {
    SegmentPlan plan;
    plan.kind = layout::FileKind::lane;
    plan.fingerprint = 5;
    plan.file_bytes = kPageBytes + kBytes;
    plan.data_bytes = kBytes;
    plan.data_offset = kPageBytes;
    plan.creator_incarnation = 0x1234;
    plan.unnamed = GetParam();
    return plan;
  }

  ScratchDirectory scratch_;
};

INSTANTIATE_TEST_SUITE_P(Both, NewSegmentTest, testing::Values(true, false),
                         [](const auto& way) { return way.param ? "Unnamed" : "PrivateName"; });

TEST_P(NewSegmentTest, HasNoNameBeforeItIsLinked) {
  auto made = NewSegment::create(scratch_.fd(), plan());
  ASSERT_TRUE(made) << made.error().sentence();
  for (const auto& entry : std::filesystem::directory_iterator(scratch_.path())) {
    const auto name = parse_private_name(entry.path().filename().string());
    ASSERT_TRUE(name && !GetParam()) << entry.path();
    EXPECT_EQ(name->creator_incarnation, 0x1234U);
  }
  ASSERT_TRUE(made->link(scratch_.fd(), "lane-0"));
  EXPECT_EQ(scratch_.entries(), 1U);
  EXPECT_TRUE(std::filesystem::exists(scratch_ / "lane-0"));
}

TEST_P(NewSegmentTest, LeavesNothingWhenItIsGivenUp) {
  {
    const auto made = NewSegment::create(scratch_.fd(), plan());
    ASSERT_TRUE(made);
  }
  EXPECT_EQ(scratch_.entries(), 0U);
}

TEST_P(NewSegmentTest, LeavesNothingWhenItIsReplacedByAnother) {
  auto first = NewSegment::create(scratch_.fd(), plan());
  auto second = NewSegment::create(scratch_.fd(), plan());
  ASSERT_TRUE(first && second);
  *first = std::move(*second);
  ASSERT_TRUE(first->link(scratch_.fd(), "lane-0"));
  EXPECT_EQ(scratch_.entries(), 1U);
}

TEST_P(NewSegmentTest, IsNeverSparse) {
  SegmentPlan lazy = plan();
  lazy.prefault = false;
  for (const SegmentPlan& planned : {plan(), lazy}) {
    const auto made = NewSegment::create(scratch_.fd(), planned);
    ASSERT_TRUE(made);

    struct stat status {};

    ASSERT_EQ(fstat(made->fd(), &status), 0);
    EXPECT_GE(static_cast<std::uint64_t>(status.st_blocks) * 512, planned.file_bytes);
  }
}

TEST_P(NewSegmentTest, IsZeroBehindItsHeader) {
  const auto made = NewSegment::create(scratch_.fd(), plan());
  ASSERT_TRUE(made);
  ASSERT_EQ(made->size(), plan().file_bytes);
  const std::byte* const begin = made->data() + sizeof(layout::SegmentHeader);
  const std::byte* const end = made->data() + made->size();
  EXPECT_TRUE(std::all_of(begin, end, [](std::byte byte) { return byte == std::byte{0}; }));
}

TEST_P(NewSegmentTest, NeverReplacesAFileThatHasTheName) {
  auto first = NewSegment::create(scratch_.fd(), plan());
  auto second = NewSegment::create(scratch_.fd(), plan());
  ASSERT_TRUE(first && second);
  first->data()[kPageBytes] = std::byte{1};
  second->data()[kPageBytes] = std::byte{2};
  ASSERT_TRUE(first->link(scratch_.fd(), "lane-0"));
  const auto refused = second->link(scratch_.fd(), "lane-0");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Errc::exists);
  const auto lane =
      Segment::open(scratch_.fd(), "lane-0", {layout::FileKind::lane, 5}, Access::read);
  ASSERT_TRUE(lane);
  EXPECT_EQ(lane->data()[kPageBytes], std::byte{1});
  EXPECT_TRUE(second->link(scratch_.fd(), "lane-1")) << "the other name is free";
}

TEST_P(NewSegmentTest, TakesOneNameOnly) {
  auto made = NewSegment::create(scratch_.fd(), plan());
  ASSERT_TRUE(made && made->link(scratch_.fd(), "lane-0"));
  const auto again = made->link(scratch_.fd(), "lane-1");
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code(), Errc::exists);
  EXPECT_EQ(scratch_.entries(), 1U);
}

TEST_P(NewSegmentTest, CarriesItsLockIntoItsNameAndThroughAMove) {
  auto made = NewSegment::create(scratch_.fd(), plan());
  ASSERT_TRUE(made);

  struct flock lock {};

  lock.l_type = F_WRLCK;
  ASSERT_EQ(fcntl(made->fd(), F_OFD_SETLK, &lock), 0);
  NewSegment moved = std::move(*made);
  ASSERT_TRUE(moved.link(scratch_.fd(), "participant"));
  const auto seen_lock = [&] {
    const Descriptor probe(openat(scratch_.fd(), "participant", O_RDONLY | O_CLOEXEC));
    struct flock asked {};
    asked.l_type = F_RDLCK;
    EXPECT_EQ(fcntl(probe.get(), F_OFD_GETLK, &asked), 0);
    return asked.l_type;
  };
  EXPECT_EQ(seen_lock(), F_WRLCK);
  Descriptor kept = moved.release_fd();
  EXPECT_EQ(seen_lock(), F_WRLCK);
  kept.close();
  EXPECT_EQ(seen_lock(), F_WRLCK) << "the mapping keeps the open file";
  { const Mapping gone = moved.release_mapping(); }
  EXPECT_EQ(seen_lock(), F_UNLCK);
}

TEST_P(NewSegmentTest, LosesItsLockWithItsMakerThoughAForkedChildLivesOn) {
  // The child would keep the mapping, and with it the open file and its lock.
  if (!testing_support::advice_is_taken()) GTEST_SKIP() << testing_support::kNoAdvice;
  std::array<int, 2> grandchild_ends{};
  ASSERT_EQ(pipe(grandchild_ends.data()), 0);
  const auto outcome = run_in_child([&]() -> std::string {
    auto made = NewSegment::create(scratch_.fd(), plan());
    struct flock lock {};
    lock.l_type = F_WRLCK;
    if (!made || fcntl(made->fd(), F_OFD_SETLK, &lock) != 0) return "not locked";
    if (!made->link(scratch_.fd(), "participant")) return "not linked";
    if (fork() == 0) {
      // As the fork handler of a participant does it. The child then waits for the test's end.
      const int inherited = made->fd();
      for (int fd = 0; fd < 64; ++fd) {
        if (fd == inherited || (fd > 2 && fd != grandchild_ends[0])) close(fd);
      }
      char byte = 0;
      const ssize_t ended = read(grandchild_ends[0], &byte, 1);
      _exit(static_cast<int>(ended));
    }
    return "";
  });
  EXPECT_EQ(outcome.said, "");
  const Descriptor probe(openat(scratch_.fd(), "participant", O_RDONLY | O_CLOEXEC));

  struct flock asked {};

  asked.l_type = F_RDLCK;
  EXPECT_EQ(fcntl(probe.get(), F_OFD_GETLK, &asked), 0);
  EXPECT_EQ(asked.l_type, F_UNLCK) << "the grandchild keeps the lock alive";
  close(grandchild_ends[0]);
  close(grandchild_ends[1]);
}

TEST_P(NewSegmentTest, IsNotRemovedByTheDestructorOfAForkedChild) {
  auto made = NewSegment::create(scratch_.fd(), plan());
  ASSERT_TRUE(made);
  run_in_child([&]() -> std::string {
    { const NewSegment gone = std::move(*made); }
    return "";
  });
  EXPECT_TRUE(made->link(scratch_.fd(), "lane-0"));
}

TEST_P(NewSegmentTest, LeavesAtMostAPrivateNameWhenItsMakerIsKilled) {
  const auto outcome = run_in_child([&]() -> std::string {
    const auto made = NewSegment::create(scratch_.fd(), plan());
    if (!made) return std::string(made.error().sentence());
    kill(getpid(), SIGKILL);
    return "it lives";
  });
  EXPECT_EQ(outcome.signal, SIGKILL) << outcome.said;
  EXPECT_EQ(scratch_.entries(), GetParam() ? 0U : 1U);
  for (const auto& entry : std::filesystem::directory_iterator(scratch_.path())) {
    const auto name = parse_private_name(entry.path().filename().string());
    ASSERT_TRUE(name) << entry.path();
    EXPECT_EQ(name->creator_incarnation, 0x1234U);
  }
}

TEST_P(NewSegmentTest, RefusesAPlanThatContradictsItself) {
  const auto refused = [&](auto change) {
    SegmentPlan planned = plan();
    change(planned);
    const auto made = NewSegment::create(scratch_.fd(), planned);
    return !made && made.error().code() == Errc::bad_argument;
  };
  EXPECT_TRUE(refused([](SegmentPlan& bad) { bad.file_bytes = 0; }));
  EXPECT_TRUE(refused([](SegmentPlan& bad) { bad.file_bytes = 127; }));
  EXPECT_TRUE(refused([](SegmentPlan& bad) { bad.data_bytes = kBytes + 1; }));
  EXPECT_TRUE(refused([](SegmentPlan& bad) { bad.data_bytes = ~std::uint64_t{0}; }));
  EXPECT_TRUE(refused([](SegmentPlan& bad) { bad.data_offset = 0; }));
  EXPECT_TRUE(refused([](SegmentPlan& bad) { bad.data_offset = 512; }));
  EXPECT_TRUE(refused([](SegmentPlan& bad) { bad.page_bytes = 100; }));
  EXPECT_TRUE(refused([](SegmentPlan& bad) { bad.page_bytes = kHugePageBytes; }));
  EXPECT_TRUE(refused([](SegmentPlan& bad) { bad.mode = 0100644; }));
  EXPECT_EQ(scratch_.entries(), 0U);
}

TEST_P(NewSegmentTest, LiesOnTheNodeAskedForOrSaysWhyNot) {
  const unsigned node = Topology::machine().nodes().front().node;
  SegmentPlan planned = plan();
  planned.placement = Placement::on_node(node);
  const auto made = NewSegment::create(scratch_.fd(), planned);
  ASSERT_TRUE(made) << made.error().sentence();
  const PlacementReport& report = made->placement();
  EXPECT_EQ(report.asked, planned.placement);
  if (report.honoured && report.verified) {
    EXPECT_EQ(report.pages_seen, kBytes / kPageBytes) << "only the ring is placed";
    EXPECT_EQ(report.pages_on_node[node], report.pages_seen);
    EXPECT_EQ(report.pages_absent, 0U);
  } else {
    EXPECT_NE(report.why[0], 0) << "no reason was given";
  }
}

TEST_P(NewSegmentTest, RefusesANodeThatIsNotThereAndLeavesNothing) {
  SegmentPlan planned = plan();
  planned.placement = Placement::on_node(4000);
  const auto made = NewSegment::create(scratch_.fd(), planned);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code(), Errc::bad_argument) << made.error().sentence();
  EXPECT_EQ(scratch_.entries(), 0U);
}

TEST_P(NewSegmentTest, RefusesAFileSystemThatCannotAllocateAndLeavesNothing) {
  const auto outcome = run_in_child([&]() -> std::string {
    if (!testing_support::refuse_call(SYS_fallocate, EOPNOTSUPP)) return "skip";
    const auto made = NewSegment::create(scratch_.fd(), plan());
    if (made) return "it was made";
    return made.error().code() == Errc::unsupported ? "" : "another code";
  });
  if (outcome.said == "skip") GTEST_SKIP() << "system calls cannot be refused here";
  EXPECT_EQ(outcome.said, "");
  EXPECT_EQ(scratch_.entries(), 0U);
}

TEST_P(NewSegmentTest, IsBuiltUnderAPrivateNameWhereThereIsNoProc) {
  const auto outcome = run_in_child([&]() -> std::string {
    if (!testing_support::leave_mount_namespace()) return "skip";
    if (mount("none", "/proc", "tmpfs", 0, "size=4k") != 0) return "skip";
    auto made = NewSegment::create(scratch_.fd(), plan());
    if (!made) return std::string(made.error().sentence());
    const auto linked = made->link(scratch_.fd(), "lane-0");
    return linked ? "" : std::string(linked.error().sentence());
  });
  if (outcome.said == "skip") GTEST_SKIP() << "mounting is forbidden here";
  EXPECT_EQ(outcome.said, "");
  EXPECT_EQ(scratch_.entries(), 1U);
}

TEST(NewSegment, FallsBackToAPrivateNameWhereUnnamedFilesAreRefused) {
  const ScratchDirectory scratch;
  const auto outcome = run_in_child([&]() -> std::string {
    constexpr std::uint32_t kUnnamed = O_TMPFILE & ~O_DIRECTORY;
    if (!testing_support::refuse_call(SYS_openat, EOPNOTSUPP, 2, kUnnamed)) return "skip";
    auto made = NewSegment::create(scratch.fd(), {.fingerprint = 1, .file_bytes = kPageBytes});
    if (!made) return std::string(made.error().sentence());
    if (scratch.entries() != 1) return "no private name";
    const auto linked = made->link(scratch.fd(), "meta");
    return linked ? "" : std::string(linked.error().sentence());
  });
  if (outcome.said == "skip") GTEST_SKIP() << "system calls cannot be refused here";
  EXPECT_EQ(outcome.said, "");
  EXPECT_EQ(scratch.entries(), 1U);
  EXPECT_TRUE(Segment::open(scratch.fd(), "meta", {layout::FileKind::meta, 1}, Access::read));
}

TEST(NewSegment, RefusesWhatIsLargerThanAnyMachineWithNumbers) {
  const ScratchDirectory scratch;
  const auto made =
      NewSegment::create(scratch.fd(), {.fingerprint = 1, .file_bytes = std::uint64_t{1} << 50});
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code(), Errc::no_space);
  EXPECT_THAT(std::string(made.error().sentence()), HasSubstr("1073741824.00 MiB are needed"));
  EXPECT_EQ(scratch.entries(), 0U);
}

}  // namespace
}  // namespace millrace
