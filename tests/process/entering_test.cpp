// Many processes that enter and die at the same moment: ids stay unique, nothing is left behind.
#include "millrace/core/participant_info.hpp"
#include "process/domain_fixture.hpp"
#include "process/member.hpp"

#include <filesystem>
#include <map>
#include <random>
#include <set>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace millrace {
namespace {

using testing_support::eventually;
using testing_support::Lifeline;
using testing_support::SharedWords;

class Crowd : public testing_support::DomainTest {
 protected:
  static constexpr std::size_t kStart = SharedWords::kWords - 1;

  // `count` processes that enter together and stay. Words 2 n and 2 n + 1: id + 1, incarnation.
  std::vector<pid_t> enter_together(std::size_t count) {
    std::vector<pid_t> children;
    for (std::size_t at = 0; at < count; ++at) {
      const pid_t child = fork();
      if (child == 0) stay(at);
      children.push_back(child);
    }
    words_[kStart].store(1);
    return children;
  }

  [[noreturn]] void stay(std::size_t at) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    while (words_[kStart].load() == 0)
      continue;
    auto participant = Participant::enter(domain(), "crowd");
    if (!participant) {
      words_[2 * at].store(kParticipantsMax + 1);
      _exit(1);
    }
    words_[2 * at + 1].store((*participant)->name().incarnation);
    words_[2 * at].store((*participant)->name().id + 1);
    lifeline_.hold();
    _exit(0);
  }

  void expect_distinct(std::size_t count) {
    std::set<std::uint64_t> ids;
    std::set<std::uint64_t> incarnations;
    for (std::size_t at = 0; at < count; ++at) {
      const std::uint64_t id = words_.await(2 * at);
      ASSERT_NE(id, 0U) << "process " << at << " never came in";
      ASSERT_LE(id, kParticipantsMax) << "process " << at << " was refused";
      EXPECT_TRUE(ids.insert(id).second) << "id " << id - 1 << " was given twice";
      EXPECT_TRUE(incarnations.insert(words_[2 * at + 1].load()).second);
    }
  }

  static void end(const std::vector<pid_t>& children) {
    for (const pid_t child : children)
      kill(child, SIGKILL);
    for (const pid_t child : children)
      waitpid(child, nullptr, 0);
  }

  SharedWords words_;
  Lifeline lifeline_;
};

TEST_F(Crowd, ThirtyTwoThatEnterAtOnceGetDistinctIds) {
  for (int round = 0; round < 4; ++round) {
    for (std::size_t at = 0; at < SharedWords::kWords; ++at)
      words_[at].store(0);
    const std::vector<pid_t> children = enter_together(32);
    expect_distinct(32);
    EXPECT_EQ(list_participants(domain()).size(), 32U);
    end(children);
    EXPECT_EQ(remove_dead_participants(domain()), 32U);
    EXPECT_EQ(files(), 0U);
  }
}

TEST_F(Crowd, TheLastFreeIdsAreAllGivenAndNoneTwice) {
  for (std::uint32_t id = 0; id < kParticipantsMax - 4; ++id) {
    std::filesystem::create_directory(file_of({id, id + 1}));  // can never be proven dead
  }
  const std::vector<pid_t> children = enter_together(4);
  expect_distinct(4);
  end(children);
}

TEST_F(Crowd, ThoseKilledAnywhereInEnteringLeaveNothingThatStays) {
  std::mt19937 random(4711);
  for (int times = 0; times < 60; ++times) {
    const pid_t child = fork();
    if (child == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      words_[0].store(1);
      for (;;) {
        if (!Participant::enter(domain(), "crowd")) _exit(1);
      }
    }
    words_.await(0);
    usleep(static_cast<useconds_t>(random() % 3000));
    kill(child, SIGKILL);
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_TRUE(WIFSIGNALED(status)) << "entering failed by itself";
    words_[0].store(0);
  }
  EXPECT_LE(files(), 60U);
  remove_dead_participants(domain());
  EXPECT_EQ(files(), 0U);
  EXPECT_TRUE(enter());
}

TEST_F(Crowd, CleanersThatRaceWithEnteringTakeNoLivingName) {
  const pid_t cleaner = fork();
  if (cleaner == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;)
      remove_dead_participants(domain());
  }
  for (int times = 0; times < 300; ++times) {
    const auto participant = enter();
    ASSERT_TRUE(participant);
    ASSERT_TRUE(testing_support::is_alive(domain(), participant->name()));
  }
  end({cleaner});
}

}  // namespace
}  // namespace millrace
