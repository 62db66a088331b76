// Containers that share a domain: process ids mean nothing across them, locks do.
#include "millrace/core/participant_info.hpp"
#include "process/domain_fixture.hpp"
#include "process/member.hpp"
#include "support/child_process.hpp"

#include <filesystem>
#include <sched.h>
#include <string>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace millrace {
namespace {

using testing_support::is_alive;
using testing_support::is_dead;
using testing_support::SharedWords;

constexpr int kRefused = 77;

class Namespaces : public testing_support::DomainTest {
 protected:
  // Runs `body` as process 1 of namespaces of its own; returns its keeper, a child of this process,
  // whose death ends it and which ends with its exit code.
  template <class Body>
  static pid_t start_apart(Body body) {
    const pid_t keeper = fork();
    if (keeper != 0) return keeper;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (!testing_support::leave_mount_namespace() || unshare(CLONE_NEWPID) != 0) _exit(kRefused);
    const pid_t first = fork();
    if (first == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      mount("proc", "/proc", "proc", 0, nullptr);  // where it is refused the outer one serves
      _exit(body());
    }
    int status = 0;
    waitpid(first, &status, 0);
    _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
  }

  static int await_end(pid_t keeper) {
    int status = 0;
    waitpid(keeper, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  SharedWords words_;
};

TEST_F(Namespaces, ShareADomainAndProveEachOthersDeath) {
  const pid_t suspect = start_apart([&] {
    const auto own = DomainDirectory::open(path(), false);
    if (!own) return 1;
    const auto participant = Participant::enter(own->fd(), "suspect");
    if (!participant) return 2;
    words_[0].store((*participant)->name().id + 1);
    words_[1].store((*participant)->name().incarnation);
    words_[2].store(1);
    for (;;)
      pause();
  });
  testing_support::eventually(
      [&] { return words_[2].load() != 0 || waitpid(suspect, nullptr, WNOHANG) == suspect; });
  if (words_[2].load() == 0) GTEST_SKIP() << "namespaces are refused here";
  const ParticipantName name{static_cast<std::uint32_t>(words_[0].load()) - 1, words_[1].load()};

  const pid_t judge = start_apart([&] {
    const std::string elsewhere = scratch_ / "elsewhere";
    std::filesystem::create_directory(elsewhere);
    if (mount(path().c_str(), elsewhere.c_str(), nullptr, MS_BIND, nullptr) != 0) return 3;
    const auto own = DomainDirectory::open(elsewhere, false);
    if (!own) return 4;
    if (!is_alive(own->fd(), name)) return 5;
    const auto info = describe(own->fd(), name);
    if (!info || info->same_pid_namespace || info->pid != 1) return 6;
    const auto participant = Participant::enter(own->fd(), "judge");
    if (!participant || (*participant)->name().id == name.id) return 7;
    if (!describe(own->fd(), (*participant)->name())->same_pid_namespace) return 8;
    words_[3].store(1);
    const bool died = testing_support::eventually([&] { return is_dead(own->fd(), name); });
    return died ? 0 : 9;
  });
  words_.await(3);
  EXPECT_TRUE(is_alive(domain(), name));
  kill(suspect, SIGKILL);  // takes its process 1 with it
  waitpid(suspect, nullptr, 0);
  EXPECT_EQ(await_end(judge), 0);
  EXPECT_TRUE(is_dead(domain(), name));
}

}  // namespace
}  // namespace millrace
