#include "millrace/core/participant.hpp"

#include "millrace/core/heavy_barrier.hpp"
#include "millrace/core/participant_info.hpp"
#include "process/domain_fixture.hpp"
#include "process/member.hpp"
#include "support/child_process.hpp"

#include <algorithm>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

namespace millrace {
namespace {

using testing_support::is_alive;
using testing_support::is_dead;
using testing_support::run_in_child;

class Entering : public testing_support::DomainTest {
 protected:
  // The file of a participant that died `with` these repairs open.
  void leave_behind(ParticipantName name, std::uint64_t repairs) const {
    const auto living = enter();
    auto copy = copy_participant(domain(), living->name());
    ASSERT_TRUE(copy) << copy.error().sentence();
    copy->id = name.id;
    copy->incarnation = name.incarnation;
    copy->repairs = repairs;
    std::ofstream(file_of(name), std::ios::binary)
        .write(reinterpret_cast<const char*>(&*copy), sizeof *copy);
  }

  // All ids dead, all with these repairs open.
  void fill_up(std::uint64_t repairs) const {
    leave_behind({0, 1}, repairs);
    for (std::uint32_t id = 1; id < kParticipantsMax; ++id) {
      std::filesystem::copy(file_of({0, 1}), file_of({id, id + 1}));
      std::fstream file(file_of({id, id + 1}), std::ios::in | std::ios::out | std::ios::binary);
      const std::uint64_t incarnation = id + 1;
      file.seekp(offsetof(layout::ParticipantFile, incarnation));
      file.write(reinterpret_cast<const char*>(&incarnation), sizeof incarnation);
      file.seekp(offsetof(layout::ParticipantFile, id));
      file.write(reinterpret_cast<const char*>(&id), sizeof id);
    }
  }
};

TEST_F(Entering, LeavesNoTrace) {
  auto participant = enter();
  const ParticipantName name = participant->name();
  EXPECT_EQ(files(), 1U);
  EXPECT_TRUE(is_alive(domain(), name));
  participant.reset();
  EXPECT_EQ(files(), 0U);
  EXPECT_TRUE(is_dead(domain(), name));
}

TEST_F(Entering, WritesWhoItIs) {
  const auto participant = enter();
  const auto info = describe(domain(), participant->name());
  ASSERT_TRUE(info) << info.error().sentence();
  EXPECT_EQ(info->id, participant->name());
  EXPECT_EQ(info->name, "test");
  EXPECT_EQ(info->pid, static_cast<std::uint32_t>(getpid()));
  EXPECT_EQ(info->uid, geteuid());
  EXPECT_GT(info->start_ticks, 0U);
  EXPECT_TRUE(info->same_pid_namespace);
  EXPECT_TRUE(info->alive());
  EXPECT_FALSE(info->left);
  EXPECT_TRUE(info->intact);
  EXPECT_EQ(participant->membarrier_registered(), membarrier_available());
  EXPECT_EQ((info->flags & layout::kMembarrierRegistered) != 0, membarrier_available());
}

TEST_F(Entering, TheFileIsReadableForAllAndWritableForItsOwnerWhateverTheUmaskSays) {
  const mode_t before = umask(0777);
  const auto participant = enter();
  umask(before);
  const auto mode = std::filesystem::status(file_of(participant->name())).permissions();
  EXPECT_EQ(mode, std::filesystem::perms{0644});
}

TEST_F(Entering, CutsALongName) {
  const auto entered = Participant::enter(domain(), std::string(500, 'x'));
  ASSERT_TRUE(entered);
  EXPECT_EQ(describe(domain(), (*entered)->name())->name, std::string(63, 'x'));
}

TEST_F(Entering, TwoInOneProcessSeeEachOthersDeath) {
  auto first = enter();
  auto second = enter();
  EXPECT_NE(first->name().id, second->name().id);
  EXPECT_TRUE(is_alive(domain(), first->name()));
  EXPECT_TRUE(is_alive(domain(), second->name()));
  const ParticipantName gone = first->name();
  first.reset();
  EXPECT_TRUE(is_dead(domain(), gone));
  EXPECT_TRUE(is_alive(domain(), second->name()));
}

TEST_F(Entering, NamesNeverRepeat) {
  std::set<std::uint64_t> incarnations;
  for (int times = 0; times < 500; ++times) {
    const auto participant = enter();
    EXPECT_EQ(participant->name().id, 0U) << "small ids are given away again";
    EXPECT_TRUE(incarnations.insert(participant->name().incarnation).second);
  }
}

TEST_F(Entering, WhatNeedsRepairKeepsItsFileAndSaysThatItLeft) {
  auto participant = enter();
  const ParticipantName name = participant->name();
  participant->will_need(layout::Repair::lane);
  participant->will_need(layout::Repair::reader);
  participant.reset();
  const auto info = describe(domain(), name);
  ASSERT_TRUE(info) << info.error().sentence();
  EXPECT_TRUE(info->left);
  EXPECT_EQ(info->repairs, 3U);
  EXPECT_FALSE(info->alive());
}

TEST_F(Entering, LeavesNoTraceIfTheCheckSaysThatAllIsRepaired) {
  std::uint64_t asked_about = 0;
  auto participant = enter([&](const layout::ParticipantFile& file) {
    asked_about = file.incarnation;
    return true;
  });
  const ParticipantName name = participant->name();
  participant->will_need(layout::Repair::channel);
  participant.reset();
  EXPECT_EQ(asked_about, name.incarnation);
  EXPECT_EQ(files(), 0U);
}

TEST_F(Entering, CountsProbesThatFailed) {
  const auto participant = enter();
  participant->count_probe_error();
  participant->count_probe_error();
  EXPECT_EQ(describe(domain(), participant->name())->probe_errors, 2U);
}

TEST_F(Entering, TheScratchPageIsZeroAndOnesOwn) {
  const auto participant = enter();
  const auto page = participant->scratch();
  EXPECT_TRUE(std::ranges::all_of(page, [](std::byte byte) { return byte == std::byte{0}; }));
  page[17] = std::byte{42};
  EXPECT_EQ(copy_participant(domain(), participant->name())->scratch[17], 42);
}

TEST_F(Entering, AFullDomainIsOneClearSentence) {
  fill_up(1);
  const auto refused = Participant::enter(domain(), "one more");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Errc::too_many);
  EXPECT_NE(refused.error().sentence().find("millrace clean"), std::string_view::npos);
  EXPECT_EQ(files(), kParticipantsMax);
}

TEST_F(Entering, AFullDomainGivesUpItsDeadOnceTheyAreRepaired) {
  fill_up(1);
  const auto only_seven = [](const layout::ParticipantFile& file) { return file.id == 7; };
  const auto entered = Participant::enter(domain(), "one more", only_seven);
  ASSERT_TRUE(entered) << entered.error().sentence();
  EXPECT_EQ((*entered)->name().id, 7U);
  EXPECT_EQ(files(), kParticipantsMax);
  EXPECT_FALSE(Participant::enter(domain(), "and another", only_seven));
}

TEST_F(Entering, ARepairOfALaterVersionIsNeverComplete) {
  fill_up(layout::kRepairsKnown + 1);
  EXPECT_FALSE(Participant::enter(domain(), "one more",
                                  [](const layout::ParticipantFile&) { return true; }));
}

TEST_F(Entering, AForeignDeadFileThatMayNotBeRemovedHoldsNoId) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root to become somebody else";
  std::filesystem::permissions(scratch_.path(), std::filesystem::perms{0755});
  std::filesystem::permissions(path(), std::filesystem::perms{01777});
  std::filesystem::permissions(participants(), std::filesystem::perms{01777});
  fill_up(0);
  const auto outcome = run_in_child([&] {
    if (!testing_support::become_nobody()) return std::string("cannot become nobody");
    const auto entered = Participant::enter(domain(), "member");
    if (!entered) return std::string(entered.error().sentence());
    return std::string(is_alive(domain(), (*entered)->name()) ? "" : "is not alive");
  });
  EXPECT_EQ(outcome.said, "");
}

TEST_F(Entering, ARemovedDomainIsAnErrorThatSaysSo) {
  std::filesystem::remove_all(path());
  const auto refused = Participant::enter(domain(), "late");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Errc::not_found);
}

TEST_F(Entering, AFullFileSystemIsAnErrorAndLeavesNothing) {
  const auto outcome = run_in_child([&] {
    if (!testing_support::leave_mount_namespace()) return std::string("skip");
    if (mount("none", path().c_str(), "tmpfs", 0, "size=8k,mode=700") != 0) {
      return std::string("skip");
    }
    const auto small = DomainDirectory::open(path(), true);
    if (!small) return std::string(small.error().sentence());
    const auto first = Participant::enter(small->fd(), "fits");
    if (!first) return std::string(first.error().sentence());
    const auto second = Participant::enter(small->fd(), "does not fit");
    if (second || second.error().code() != Errc::no_space) return std::string("no such error");
    return std::string(files() == 1 ? "" : "left something behind");
  });
  if (outcome.said == "skip") GTEST_SKIP() << "may not mount";
  EXPECT_EQ(outcome.said, "");
}

TEST_F(Entering, NoDescriptorsLeftIsAnErrorAndLeavesNothing) {
  for (int spare = 0; spare < 8; ++spare) {
    const auto outcome = run_in_child([&] {
      const rlimit few{100, 100};
      setrlimit(RLIMIT_NOFILE, &few);
      std::vector<Descriptor> taken;
      while (taken.empty() || taken.back().valid()) {
        taken.emplace_back(fcntl(domain(), F_DUPFD_CLOEXEC, 0));
      }
      for (int given = 0; given <= spare; ++given)
        taken.pop_back();
      const auto entered = Participant::enter(domain(), "poor");
      if (!entered && entered.error().code() != Errc::too_many) {
        return std::string(entered.error().sentence());
      }
      if (entered && !is_alive(domain(), (*entered)->name())) {
        // Nothing left to probe with: alive, and failed.
        const Probe answer = probe(domain(), (*entered)->name());
        return std::string(answer.failed ? "" : "entered without being alive");
      }
      return std::string();
    });
    EXPECT_EQ(outcome.said, "") << spare << " descriptors to spare";
    remove_dead_participants(domain());
    EXPECT_EQ(files(), 0U);
  }
}

}  // namespace
}  // namespace millrace
