#include "millrace/core/fork_guard.hpp"

#include "support/child_process.hpp"

#include <string>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

namespace millrace {
namespace {

using testing_support::run_in_child;

// The exit code of a child made by `make_child`, in which `body` decides it.
template <class MakeChild, class Body>
int code_of(MakeChild make_child, Body body) {
  const pid_t child = make_child();
  if (child == 0) _exit(body());
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(ForkGuard, IsAtHomeInTheProcessThatMadeIt) {
  const ForkGuard guard;
  EXPECT_FALSE(guard.foreign());
  const ForkGuard copy = guard;
  EXPECT_FALSE(copy.foreign());
}

TEST(ForkGuard, IsForeignInAForkedChildAndItsChildren) {
  const ForkGuard parents;
  const auto outcome = run_in_child([&] {
    if (!parents.foreign()) return std::string("not foreign in the child");
    const ForkGuard childs;
    if (childs.foreign()) return std::string("the child's own is foreign");
    const auto inner = run_in_child([&] {
      return std::string(parents.foreign() && childs.foreign() ? "" : "not foreign in its child");
    });
    return inner.said;
  });
  EXPECT_EQ(outcome.said, "");
  EXPECT_FALSE(parents.foreign());
}

TEST(ForkGuard, IsForeignInAChildThatRanNoHandlers) {
  const ForkGuard guard;
  EXPECT_EQ(code_of([] { return _Fork(); }, [&] { return guard.foreign() ? 7 : 1; }), 7);
  // And stays so once the child has made objects of its own.
  EXPECT_EQ(code_of([] { return _Fork(); },
                    [&] {
                      const ForkGuard own;
                      return guard.foreign() && !own.foreign() ? 7 : 1;
                    }),
            7);
}

TEST(ForkGuard, GenerationsDifferBetweenParentAndChild) {
  const std::uint32_t mine = process_generation();
  EXPECT_NE(mine, 0U);
  EXPECT_EQ(mine, process_generation());
  const auto outcome = run_in_child([&] {
    return std::string(process_generation() != mine && process_generation() != 0 ? "" : "equal");
  });
  EXPECT_EQ(outcome.said, "");
}

TEST(ForkGuard, AChildMayForkWhileAPauseLivedInItsParent) {
  // A raw child inherits the pause of another thread; it must not wait for it.
  const detail::ForkPause pause;
  EXPECT_EQ(code_of([] { return _Fork(); },
                    [] {
                      const detail::ForkPause own;
                      return 7;
                    }),
            7);
}

}  // namespace
}  // namespace millrace
