#include "millrace/core/liveness.hpp"

#include "millrace/core/descriptor.hpp"
#include "process/domain_fixture.hpp"
#include "process/member.hpp"
#include "support/child_process.hpp"

#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <spawn.h>
#include <sys/resource.h>
#include <unistd.h>
#include <vector>

namespace millrace {
namespace {

using testing_support::eventually;
using testing_support::is_alive;
using testing_support::is_dead;
using testing_support::Member;

class Liveness : public testing_support::DomainTest {
 protected:
  // Everybody's question, asked by others: a stranger's lock must not change the answer.
  [[nodiscard]] static bool lock(int fd, short type) {
    struct flock whole {};

    whole.l_type = type;
    whole.l_whence = SEEK_SET;
    return fcntl(fd, F_OFD_SETLK, &whole) == 0;
  }
};

TEST_F(Liveness, ARunningProcessIsAlive) {
  const Member member(domain());
  ASSERT_TRUE(member.entered());
  EXPECT_TRUE(is_alive(domain(), member.name()));
}

TEST_F(Liveness, AKilledProcessIsDead) {
  Member member(domain());
  ASSERT_TRUE(is_alive(domain(), member.name()));
  member.send(SIGKILL);
  EXPECT_TRUE(eventually([&] { return is_dead(domain(), member.name()); }));
}

TEST_F(Liveness, AZombieIsDeadBeforeAnybodyReapsIt) {
  Member member(domain());
  member.send(SIGKILL);
  member.await_death();
  EXPECT_TRUE(is_dead(domain(), member.name()));
}

TEST_F(Liveness, AStoppedProcessIsAliveForAsLongAsItIsStopped) {
  Member member(domain());
  member.stop();
  for (int times = 0; times < 200; ++times) {
    ASSERT_TRUE(is_alive(domain(), member.name()));
    usleep(1000);
  }
  member.send(SIGCONT);
  EXPECT_TRUE(is_alive(domain(), member.name()));
}

TEST_F(Liveness, AProcessKilledWhileStoppedIsDead) {
  Member member(domain());
  member.stop();
  member.send(SIGKILL);
  EXPECT_TRUE(eventually([&] { return is_dead(domain(), member.name()); }));
}

TEST_F(Liveness, DeathIsForEverThoughTheIdLivesOn) {
  Member first(domain());
  const ParticipantName old = first.name();
  first.send(SIGKILL);
  first.reap();
  ASSERT_EQ(remove_dead_participants(domain()), 1U);
  const Member second(domain());
  EXPECT_EQ(second.name().id, old.id);
  EXPECT_NE(second.name().incarnation, old.incarnation);
  EXPECT_TRUE(is_dead(domain(), old));
  EXPECT_TRUE(is_alive(domain(), second.name()));
}

TEST_F(Liveness, AStrangersReadLockFakesNoLifeAfterDeath) {
  Member member(domain());
  const Descriptor stranger(open(file_of(member.name()).c_str(), O_RDONLY | O_CLOEXEC));
  ASSERT_TRUE(stranger.valid());
  EXPECT_FALSE(lock(stranger.get(), F_RDLCK)) << "the owner's write lock must stand in the way";
  member.send(SIGKILL);
  member.reap();
  ASSERT_TRUE(lock(stranger.get(), F_RDLCK));
  EXPECT_TRUE(is_dead(domain(), member.name()));
  EXPECT_TRUE(removable(domain(), member.name(), nothing_registered));
}

TEST_F(Liveness, AStrangerCannotWriteLockWhatHeMayOnlyRead) {
  Member member(domain());
  const Descriptor stranger(open(file_of(member.name()).c_str(), O_RDONLY | O_CLOEXEC));
  member.send(SIGKILL);
  member.reap();
  EXPECT_FALSE(lock(stranger.get(), F_WRLCK));
}

TEST_F(Liveness, AProbeWithoutDescriptorsSaysAliveAndFailed) {
  Member member(domain());
  member.send(SIGKILL);
  member.reap();
  const auto outcome = testing_support::run_in_child([&] {
    const rlimit none{0, 0};
    setrlimit(RLIMIT_NOFILE, &none);
    const Probe answer = probe(domain(), member.name());
    const bool right = answer.life == Life::alive && answer.failed && answer.os_error == EMFILE;
    return std::string(right ? "" : "took a failed probe for an answer");
  });
  EXPECT_EQ(outcome.said, "");
  EXPECT_TRUE(is_dead(domain(), member.name()));
}

TEST_F(Liveness, ADomainRemovedUnderItsProcessesProvesNobodyDead) {
  const Member member(domain());
  std::filesystem::remove_all(path());
  ASSERT_TRUE(domain_->unlinked());
  const Probe answer = probe(domain(), member.name());
  EXPECT_EQ(answer.life, Life::alive);
  EXPECT_TRUE(answer.failed);
  EXPECT_TRUE(probe_incarnation(domain(), member.name().incarnation).failed);
}

TEST_F(Liveness, ANameThatNeverWasIsDead) {
  EXPECT_TRUE(is_dead(domain(), {7, 4711}));
  EXPECT_EQ(probe_incarnation(domain(), 4711).life, Life::dead);
}

TEST_F(Liveness, ASymbolicLinkProvesNothing) {
  const ParticipantName name{7, 4711};
  std::filesystem::create_symlink("/dev/null", file_of(name));
  const Probe answer = probe(domain(), name);
  EXPECT_EQ(answer.life, Life::alive);
  EXPECT_TRUE(answer.failed);
}

TEST_F(Liveness, AnIncarnationIsFoundWithoutItsId) {
  Member member(domain());
  EXPECT_EQ(probe_incarnation(domain(), member.name().incarnation).life, Life::alive);
  member.send(SIGKILL);
  member.reap();
  EXPECT_EQ(probe_incarnation(domain(), member.name().incarnation).life, Life::dead);
}

TEST_F(Liveness, AStrangerMayProbeButNotRemove) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root to become somebody else";
  std::filesystem::permissions(scratch_.path(), std::filesystem::perms{0755});
  std::filesystem::permissions(path(), std::filesystem::perms{0755});
  std::filesystem::permissions(participants(), std::filesystem::perms{01755});
  Member member(domain());
  const auto outcome = testing_support::run_in_child([&] {
    if (!testing_support::become_nobody()) return std::string("cannot become nobody");
    if (!is_alive(domain(), member.name())) return std::string("cannot see life");
    member.send(SIGKILL);  // refused as well
    if (open(file_of(member.name()).c_str(), O_RDWR) >= 0) return std::string("may write");
    if (unlink(file_of(member.name()).c_str()) == 0) return std::string("may remove");
    return std::string();
  });
  EXPECT_EQ(outcome.said, "");
  member.send(SIGKILL);
  member.reap();
  const auto later = testing_support::run_in_child([&] {
    if (!testing_support::become_nobody()) return std::string("cannot become nobody");
    if (!is_dead(domain(), member.name())) return std::string("cannot see death");
    if (remove_dead_participants(domain()) != 0) return std::string("removed a stranger's file");
    return std::string();
  });
  EXPECT_EQ(later.said, "");
}

TEST_F(Liveness, AProgramStartedByAParticipantDoesNotKeepItAlive) {
  testing_support::SharedWords words;
  Member member(domain(), [&](Participant&) {
    pid_t spawned = 0;
    const char* const arguments[] = {"sleep", "60", nullptr};
    if (posix_spawnp(&spawned, "sleep", nullptr, nullptr, const_cast<char* const*>(arguments),
                     nullptr) == 0) {
      words[0].store(static_cast<std::uint64_t>(spawned));
    }
  });
  const auto spawned = static_cast<pid_t>(words[0].load());
  ASSERT_GT(spawned, 0);
  member.send(SIGKILL);
  member.reap();
  EXPECT_EQ(kill(spawned, 0), 0) << "the program was to outlive its parent";
  EXPECT_TRUE(is_dead(domain(), member.name()));
  kill(spawned, SIGKILL);
}

}  // namespace
}  // namespace millrace
