// Who may see, make and be given a new file: umask, groups, sticky and closed directories.
#include "millrace/core/segment.hpp"
#include "support/child_process.hpp"
#include "support/scratch_directory.hpp"

#include <fcntl.h>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

#include <gtest/gtest.h>

namespace millrace {
namespace {

using testing_support::run_in_child;
using testing_support::ScratchDirectory;

// Both ways of building: unnamed, and under a private name where O_TMPFILE is refused.
class SegmentRightsTest : public testing::TestWithParam<bool> {
 protected:
  static SegmentPlan plan() {
    SegmentPlan plan;
    plan.fingerprint = 5;
    plan.file_bytes = 2 * kPageBytes;
    plan.unnamed = GetParam();
    return plan;
  }

  ScratchDirectory scratch_;
};

INSTANTIATE_TEST_SUITE_P(Both, SegmentRightsTest, testing::Values(true, false),
                         [](const auto& way) { return way.param ? "Unnamed" : "PrivateName"; });

TEST_P(SegmentRightsTest, HasExactlyThePlannedModeUnderEveryUmask) {
  for (const mode_t mask : {mode_t{0077}, mode_t{0000}, mode_t{0777}, mode_t{0022}}) {
    for (const std::uint32_t mode : {0600U, 0640U, 0644U, 0660U, 0666U}) {
      const auto outcome = run_in_child([&]() -> std::string {
        umask(mask);
        SegmentPlan planned = plan();
        planned.mode = mode;
        auto made = NewSegment::create(scratch_.fd(), planned);
        if (!made) return std::string(made.error().sentence());
        struct stat status {};
        fstat(made->fd(), &status);
        if ((status.st_mode & 077) != 0) return "open to others before it is finished";
        const auto linked = made->link(scratch_.fd(), "file");
        if (!linked) return std::string(linked.error().sentence());
        if (stat((scratch_ / "file").c_str(), &status) != 0) return "not there";
        unlinkat(scratch_.fd(), "file", 0);
        return (status.st_mode & 07777) == mode ? "" : "another mode";
      });
      EXPECT_EQ(outcome.said, "") << std::oct << mask << " " << mode;
    }
  }
}

TEST_P(SegmentRightsTest, BelongsToThePlannedGroup) {
  if (geteuid() != 0) GTEST_SKIP() << "only root may give a file to any group";
  SegmentPlan planned = plan();
  planned.group = 4242;
  auto made = NewSegment::create(scratch_.fd(), planned);
  ASSERT_TRUE(made && made->link(scratch_.fd(), "file"));

  struct stat status {};

  ASSERT_EQ(stat((scratch_ / "file").c_str(), &status), 0);
  EXPECT_EQ(status.st_gid, 4242U);
}

TEST_P(SegmentRightsTest, RefusesAGroupItsMakerIsNotIn) {
  const auto outcome = run_in_child([&]() -> std::string {
    if (chmod(scratch_.path().c_str(), 0777) != 0) return "chmod";
    if (!testing_support::become_nobody()) return "skip";
    SegmentPlan planned = plan();
    planned.group = 4242;
    auto made = NewSegment::create(scratch_.fd(), planned);
    if (!made) return std::string(made.error().sentence());
    const auto linked = made->link(scratch_.fd(), "file");
    if (linked) return "it was linked";
    return linked.error().code() == Errc::no_permission ? "refused" : "another code";
  });
  if (outcome.said == "skip") GTEST_SKIP() << "root cannot be given up here";
  EXPECT_EQ(outcome.said, "refused");
  EXPECT_EQ(scratch_.entries(), 0U);
}

TEST_P(SegmentRightsTest, WorksForAnOrdinaryUserInAStickyDirectory) {
  ASSERT_EQ(chmod(scratch_.path().c_str(), 01777), 0);
  const auto outcome = run_in_child([&]() -> std::string {
    if (geteuid() == 0 && !testing_support::become_nobody()) return "skip";
    auto made = NewSegment::create(scratch_.fd(), plan());
    if (!made) return std::string(made.error().sentence());
    const auto linked = made->link(scratch_.fd(), "mine");
    return linked ? "" : std::string(linked.error().sentence());
  });
  if (outcome.said == "skip") GTEST_SKIP() << "root cannot be given up here";
  EXPECT_EQ(outcome.said, "");
  EXPECT_EQ(scratch_.entries(), 1U);
}

TEST_P(SegmentRightsTest, RefusesADirectoryItMayNotWriteTo) {
  ASSERT_EQ(chmod(scratch_.path().c_str(), 0755), 0);
  const auto outcome = run_in_child([&]() -> std::string {
    if (!testing_support::become_nobody()) return "skip";
    const auto made = NewSegment::create(scratch_.fd(), plan());
    if (made) return "it was made";
    return made.error().code() == Errc::no_permission ? "" : "another code";
  });
  if (outcome.said == "skip") GTEST_SKIP() << "root cannot be given up here";
  EXPECT_EQ(outcome.said, "");
}

}  // namespace
}  // namespace millrace
