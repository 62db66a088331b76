#include "millrace/core/lifetime_lock.hpp"

#include "millrace/core/descriptor.hpp"
#include "support/child_process.hpp"
#include "support/scratch_directory.hpp"

#include <fcntl.h>
#include <optional>
#include <string>
#include <sys/resource.h>
#include <sys/stat.h>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace millrace {
namespace {

using testing_support::run_in_child;

class Lock : public ::testing::Test {
 protected:
  [[nodiscard]] Result<LifetimeLock> take(const char* name = "lock") const {
    return LifetimeLock::take(scratch_.fd(), name, O_CREAT, 0600);
  }

  testing_support::ScratchDirectory scratch_;
};

TEST_F(Lock, ExcludesASecondHolderInTheSameAndInAnotherProcess) {
  const auto first = take();
  ASSERT_TRUE(first) << first.error().sentence();
  const auto second = take();
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code(), Errc::busy);
  const auto outcome = run_in_child([&] {
    const auto third = take();
    return std::string(third ? "taken twice" : to_string(third.error().code()));
  });
  EXPECT_EQ(outcome.said, "busy");
}

TEST_F(Lock, IsFreeOnceItsHolderHasEnded) {
  { EXPECT_TRUE(take()); }
  EXPECT_TRUE(take());
  run_in_child([&] {
    const auto held = take();
    return std::string();  // _exit follows: no destructor of the process runs
  });
  EXPECT_TRUE(take());
}

TEST_F(Lock, MovesWithItsObject) {
  auto first = take();
  ASSERT_TRUE(first);
  std::optional<LifetimeLock> moved(*std::move(first));
  EXPECT_EQ(first->fd(), -1);
  EXPECT_EQ(take().error().code(), Errc::busy);
  auto other = take("other");
  ASSERT_TRUE(other);
  *moved = *std::move(other);
  EXPECT_TRUE(take()) << "assignment lets the old lock go";
  EXPECT_EQ(take("other").error().code(), Errc::busy);
  moved.reset();
  EXPECT_TRUE(take("other"));
}

TEST_F(Lock, LocksAFileThatHasNoNameYetAndOutlivesTheGivenDescriptor) {
  Descriptor unnamed(open(scratch_.path().c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  ASSERT_TRUE(unnamed.valid());
  const auto lock = LifetimeLock::take_on(unnamed.get());
  ASSERT_TRUE(lock) << lock.error().sentence();
  EXPECT_NE(lock->fd(), unnamed.get());
  const std::string path = "/proc/self/fd/" + std::to_string(unnamed.get());
  ASSERT_EQ(linkat(AT_FDCWD, path.c_str(), scratch_.fd(), "named", AT_SYMLINK_FOLLOW), 0);
  unnamed.close();
  EXPECT_EQ(take("named").error().code(), Errc::busy);
}

TEST_F(Lock, IsClosedOnExec) {
  const auto lock = take();
  ASSERT_TRUE(lock);
  EXPECT_EQ(fcntl(lock->fd(), F_GETFD), FD_CLOEXEC);
}

TEST_F(Lock, AMissingFileIsNotMadeUnlessAsked) {
  const auto lock = LifetimeLock::take(scratch_.fd(), "missing");
  ASSERT_FALSE(lock);
  EXPECT_EQ(lock.error().code(), Errc::not_found);
}

TEST_F(Lock, FollowsNoSymbolicLink) {
  ASSERT_TRUE(take("target"));
  ASSERT_EQ(symlinkat("target", scratch_.fd(), "link"), 0);
  EXPECT_FALSE(take("link"));
}

TEST_F(Lock, TooManyInOneProcessIsAnErrorAndLeavesTheOthersAlone) {
  const auto outcome = run_in_child([&] {
    const rlim_t wanted = detail::kLifetimeLocksMax + 100;
    const rlimit limit{wanted, wanted};
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) return std::string("skip");
    std::vector<LifetimeLock> held;
    for (std::uint32_t count = 0; count < detail::kLifetimeLocksMax; ++count) {
      auto lock = take(std::to_string(count).c_str());
      if (!lock) return std::string(lock.error().sentence());
      held.push_back(*std::move(lock));
    }
    const auto one_more = take("one more");
    if (one_more || one_more.error().code() != Errc::too_many) return std::string("no error");
    held.pop_back();
    return std::string(take("one more") ? "" : "a place that was freed stays taken");
  });
  if (outcome.said == "skip") GTEST_SKIP() << "may not have that many descriptors";
  EXPECT_EQ(outcome.said, "");
}

TEST_F(Lock, TheDestructorInAChildClosesNoStrangersDescriptor) {
  auto lock = take();
  ASSERT_TRUE(lock);
  const int number = lock->fd();
  const auto outcome = run_in_child([&] {
    // The child's next file gets the number that the fork handler has freed.
    const Descriptor reused(fcntl(scratch_.fd(), F_DUPFD_CLOEXEC, number));
    if (reused.get() != number) return std::string("the number was not free");
    { const LifetimeLock gone(*std::move(lock)); }
    struct stat facts {};

    return std::string(fstat(number, &facts) == 0 ? "" : "closed a stranger's descriptor");
  });
  EXPECT_EQ(outcome.said, "");
}

}  // namespace
}  // namespace millrace
