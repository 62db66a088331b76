// Children that inherit a participant: none may end its life, and none that runs the fork handlers
// may prolong it.
#include "millrace/core/lifetime_lock.hpp"
#include "millrace/core/participant_info.hpp"
#include "process/domain_fixture.hpp"
#include "process/member.hpp"
#include "support/child_process.hpp"

#include <algorithm>
#include <atomic>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace millrace {
namespace {

using testing_support::eventually;
using testing_support::is_alive;
using testing_support::is_dead;
using testing_support::Lifeline;
using testing_support::Member;
using testing_support::run_in_child;
using testing_support::SharedWords;

class Fork : public testing_support::DomainTest {
 protected:
  // A member whose child, made by `make_child`, outlives it.
  template <class MakeChild>
  std::unique_ptr<Member> parent_of(MakeChild make_child) {
    auto member = std::make_unique<Member>(domain(), [&](Participant&) {
      const pid_t child = make_child();
      if (child == 0) {
        words_[1].store(1);
        lifeline_.hold();
        _exit(0);
      }
      words_[0].store(static_cast<std::uint64_t>(child));
    });
    words_.await(1);
    return member;
  }

  [[nodiscard]] pid_t child() const { return static_cast<pid_t>(words_[0].load()); }

  void kill_and_reap(Member& member) {
    member.send(SIGKILL);
    member.reap();
  }

  SharedWords words_;
  Lifeline lifeline_;
};

TEST_F(Fork, AChildThatUnlocksEveryNumberFreesNothing) {
  const auto participant = enter();
  const auto outcome = run_in_child([&] {
    struct flock whole {};
    whole.l_type = F_UNLCK;
    whole.l_whence = SEEK_SET;
    for (int fd = 3; fd < 1024; ++fd) {
      if (fd != domain()) fcntl(fd, F_OFD_SETLK, &whole);
    }
    return std::string();
  });
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_TRUE(is_alive(domain(), participant->name()));
}

TEST_F(Fork, AChildHasNoDescriptorOfItsParentsLock) {
  const Result<LifetimeLock> lock = LifetimeLock::take(scratch_.fd(), "lock", O_CREAT, 0600);
  ASSERT_TRUE(lock) << lock.error().sentence();
  const int number = lock->fd();
  const auto outcome = run_in_child([&] {
    if (fcntl(number, F_GETFD) != -1) return std::string("the number is open");
    return std::string(lock->fd() == -1 ? "" : "the object still shows its number");
  });
  EXPECT_EQ(outcome.said, "");
  EXPECT_EQ(fcntl(number, F_GETFD), FD_CLOEXEC);
}

TEST_F(Fork, AChildThatExitsLeavesItsParentAlive) {
  const auto participant = enter();
  run_in_child([&] { return std::string(); });
  EXPECT_TRUE(is_alive(domain(), participant->name()));
  EXPECT_EQ(files(), 1U);
}

TEST_F(Fork, AChildsCopyIsForeignAndItsDestructorRemovesNothing) {
  auto participant = enter();
  const auto outcome = run_in_child([&] {
    if (!participant->foreign()) return std::string("not foreign");
    participant->will_need(layout::Repair::lane);
    participant->count_probe_error();
    participant.reset();
    return std::string();
  });
  EXPECT_EQ(outcome.said, "");
  EXPECT_EQ(outcome.signal, 0);
  EXPECT_FALSE(participant->foreign());
  EXPECT_TRUE(is_alive(domain(), participant->name()));
  const Result<ParticipantInfo> info = describe(domain(), participant->name());
  ASSERT_TRUE(info) << info.error().sentence();
  EXPECT_EQ(info->repairs, 0U);
  EXPECT_EQ(info->probe_errors, 0U);
  EXPECT_FALSE(info->left);
}

TEST_F(Fork, AChildMayEnterByItself) {
  const auto participant = enter();
  const auto outcome = run_in_child([&] {
    const auto own = Participant::enter(domain(), "child");
    if (!own) return std::string(own.error().sentence());
    if ((*own)->foreign()) return std::string("its own participant is foreign");
    return std::string((*own)->name().id != participant->name().id ? "" : "the same id");
  });
  EXPECT_EQ(outcome.said, "");
}

TEST_F(Fork, AParentDiesThoughItsChildLives) {
  const auto member = parent_of([] { return fork(); });
  ASSERT_TRUE(member->entered());
  kill_and_reap(*member);
  ASSERT_EQ(kill(child(), 0), 0) << "the child was to outlive its parent";
  EXPECT_TRUE(is_dead(domain(), member->name()));
}

TEST_F(Fork, AChildOfUnderscoreForkKeepsItsParentAliveAndIsNamed) {
  const auto member = parent_of([] { return _Fork(); });
  kill_and_reap(*member);
  EXPECT_TRUE(is_alive(domain(), member->name()));
  const std::vector<LockHolder> found = holders(domain(), member->name());
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].pid, static_cast<std::uint32_t>(child()));
  EXPECT_FALSE(found[0].dumping);
  EXPECT_FALSE(found[0].command.empty());
  kill(child(), SIGKILL);
  EXPECT_TRUE(eventually([&] { return is_dead(domain(), member->name()); }));
  EXPECT_TRUE(holders(domain(), member->name()).empty());
}

TEST_F(Fork, AChildOfRawCloneKeepsItsParentAliveAndIsNamed) {
  const auto member = parent_of([] {
    return static_cast<pid_t>(syscall(SYS_clone, SIGCHLD, nullptr, nullptr, nullptr, nullptr));
  });
  kill_and_reap(*member);
  EXPECT_TRUE(is_alive(domain(), member->name()));
  const std::vector<LockHolder> found = holders(domain(), member->name());
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].pid, static_cast<std::uint32_t>(child()));
}

TEST_F(Fork, AChildOfUnderscoreForkFindsItsObjectsForeign) {
  auto participant = enter();
  SharedWords words;
  const pid_t child = _Fork();
  if (child == 0) {
    words[0].store(participant->foreign() ? 1 : 2);
    participant.reset();
    // Its first own participant closes what it inherited.
    const auto own = Participant::enter(domain(), "child");
    words[1].store(own && !(*own)->foreign() ? 1 : 2);
    _exit(0);
  }
  waitpid(child, nullptr, 0);
  EXPECT_EQ(words[0].load(), 1U);
  EXPECT_EQ(words[1].load(), 1U);
  EXPECT_TRUE(is_alive(domain(), participant->name()));
}

TEST_F(Fork, HoldersOfALivingParticipantIsItsProcess) {
  const Member member(domain());
  const Descriptor observer(open(file_of(member.name()).c_str(), O_RDONLY | O_CLOEXEC));
  const std::vector<LockHolder> found = holders(domain(), member.name());
  ASSERT_EQ(found.size(), 1U) << "whoever only looks is no holder";
  EXPECT_EQ(found[0].pid, static_cast<std::uint32_t>(member.pid()));
}

TEST_F(Fork, AProcessInTheMiddleOfItsCoreDumpIsAliveAndNamedAsDumping) {
  const std::string directory = scratch_.path();
  Member member(domain(), [&](Participant&) {
    const rlimit all{RLIM_INFINITY, RLIM_INFINITY};
    const bool ready = setrlimit(RLIMIT_CORE, &all) == 0 && chdir(directory.c_str()) == 0;
    static std::vector<char> much;
    much.assign(std::size_t{128} << 20, 'x');
    if (!ready) _exit(1);
  });
  const std::string status = "/proc/" + std::to_string(member.pid()) + "/status";
  const auto dumps = [&] {
    std::ifstream file(status);
    const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    return text.find("CoreDumping:\t1") != std::string::npos;
  };
  member.send(SIGABRT);
  bool seen = false;
  while (is_alive(domain(), member.name())) {
    const bool before = dumps();
    const std::vector<LockHolder> found = holders(domain(), member.name());
    if (!before || !dumps()) continue;
    seen = true;
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].pid, static_cast<std::uint32_t>(member.pid()));
    EXPECT_TRUE(found[0].dumping);
  }
  if (!seen) GTEST_SKIP() << "no core dump is written here, or it was too quick to be seen";
}

// The kernel's own list of what a process has open tells whether a lock came along.
bool has_a_lock(pid_t process) {
  const std::string list = "/proc/" + std::to_string(process) + "/fdinfo";
  for (const auto& entry : std::filesystem::directory_iterator(list)) {
    std::ifstream file(entry.path());
    const std::string notes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    if (notes.find("OFDLCK") != std::string::npos) return true;
  }
  return false;
}

TEST_F(Fork, ForksInTheMiddleOfLockingLeaveNoLockInAChild) {
  std::atomic<bool> enough{false};
  std::atomic<int> taken{0};
  std::thread busy([&] {
    while (!enough.load()) {
      if (LifetimeLock::take(scratch_.fd(), "lock", O_CREAT, 0600)) ++taken;
    }
  });
  std::vector<pid_t> children;
  for (int times = 0; times < 300; ++times) {
    const pid_t child = fork();
    if (child == 0) {  // allocates nothing: other threads' locks may be held for ever here
      lifeline_.hold();
      _exit(0);
    }
    children.push_back(child);
  }
  enough.store(true);
  busy.join();
  EXPECT_GT(taken.load(), 0);
  for (const pid_t child : children) {
    EXPECT_FALSE(has_a_lock(child));
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
  }
}

}  // namespace
}  // namespace millrace
