#include "millrace/core/participant_repairs.hpp"

#include "millrace/core/lifetime_lock.hpp"
#include "millrace/core/private_name.hpp"
#include "process/domain_fixture.hpp"

#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

#include <gtest/gtest.h>

namespace millrace {
namespace {

bool always(const layout::ParticipantFile&) {
  return true;
}

bool never(const layout::ParticipantFile&) {
  return false;
}

class Repairs : public testing_support::DomainTest {
 protected:
  // Dead, left behind because of an open repair.
  [[nodiscard]] ParticipantName leave_behind() const {
    const auto participant = enter(never);
    participant->will_need(layout::Repair::lane);
    return participant->name();
  }

  void damage(ParticipantName name, std::uintmax_t bytes) const {
    std::filesystem::resize_file(file_of(name), bytes);
  }
};

TEST_F(Repairs, NoneRegisteredIsCompleteAndUnknownOnesNever) {
  layout::ParticipantFile copy{};
  EXPECT_TRUE(repairs_complete(copy, never));
  EXPECT_TRUE(nothing_registered(copy));
  copy.repairs = layout::kRepairsKnown;
  EXPECT_TRUE(repairs_complete(copy, always));
  EXPECT_FALSE(repairs_complete(copy, never));
  EXPECT_FALSE(nothing_registered(copy));
  copy.repairs = std::uint64_t{1} << 40;
  EXPECT_FALSE(repairs_complete(copy, always));
}

TEST_F(Repairs, TheLivingAreNeverRemoved) {
  const auto participant = enter();
  EXPECT_FALSE(removable(domain(), participant->name(), always));
  EXPECT_EQ(remove_dead_participants(domain(), always), 0U);
  EXPECT_EQ(files(), 1U);
}

TEST_F(Repairs, TheDeadStayUntilTheCheckAgrees) {
  const ParticipantName dead = leave_behind();
  EXPECT_EQ(remove_dead_participants(domain()), 0U);
  EXPECT_EQ(remove_dead_participants(domain(), never), 0U);
  ParticipantName asked_about;
  EXPECT_EQ(remove_dead_participants(domain(),
                                     [&](const layout::ParticipantFile& copy) {
                                       asked_about = {copy.id, copy.incarnation};
                                       return copy.repairs == 1;
                                     }),
            1U);
  EXPECT_EQ(asked_about, dead);
  EXPECT_EQ(files(), 0U);
}

TEST_F(Repairs, ADamagedFileCountsAsHavingRegisteredEverything) {
  const ParticipantName dead = leave_behind();
  damage(dead, 100);
  EXPECT_EQ(copy_participant(domain(), dead).error().code(), Errc::format);
  EXPECT_EQ(remove_dead_participants(domain()), 0U);
  std::uint64_t assumed = 0;
  EXPECT_EQ(remove_dead_participants(domain(),
                                     [&](const layout::ParticipantFile& copy) {
                                       assumed = copy.repairs;
                                       return copy.id == dead.id &&
                                              copy.incarnation == dead.incarnation;
                                     }),
            1U);
  EXPECT_EQ(assumed, layout::kRepairsKnown);
}

TEST_F(Repairs, AFileUnderAnothersNameIsDamaged) {
  const auto participant = enter();
  const ParticipantName other{participant->name().id + 1, participant->name().incarnation};
  std::filesystem::copy(file_of(participant->name()), file_of(other));
  EXPECT_TRUE(copy_participant(domain(), participant->name()));
  EXPECT_EQ(copy_participant(domain(), other).error().code(), Errc::format);
  const ParticipantName later{participant->name().id, participant->name().incarnation + 1};
  std::filesystem::copy(file_of(participant->name()), file_of(later));
  EXPECT_EQ(copy_participant(domain(), later).error().code(), Errc::format);
}

TEST_F(Repairs, WhatIsGoneIsRemovable) {
  EXPECT_TRUE(removable(domain(), {3, 3}, never));
  EXPECT_EQ(copy_participant(domain(), {3, 3}).error().code(), Errc::not_found);
}

TEST_F(Repairs, StrangeEntriesAreLeftAlone) {
  std::ofstream(participants() + "/README") << "not ours";
  std::filesystem::create_directory(participants() + "/1.0000000000000001");
  mkfifo((participants() + "/2.0000000000000001").c_str(), 0600);
  EXPECT_EQ(participant_names(domain())->size(), 2U);
  EXPECT_EQ(remove_dead_participants(domain(), never), 0U);
  EXPECT_EQ(files(), 3U);
}

TEST_F(Repairs, UnfinishedFilesGoOnceNobodyWorksOnThem) {
  const std::string busy = private_name(1);
  const std::string abandoned = private_name(2);
  std::ofstream(participants() + "/" + abandoned) << "half a file";
  const Descriptor directory(open(participants().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const auto lock = LifetimeLock::take(directory.get(), busy.c_str(), O_CREAT, 0600);
  ASSERT_TRUE(lock) << lock.error().sentence();
  EXPECT_EQ(remove_dead_participants(domain()), 1U);
  EXPECT_TRUE(std::filesystem::exists(participants() + "/" + busy));
  EXPECT_FALSE(std::filesystem::exists(participants() + "/" + abandoned));
}

TEST_F(Repairs, ADomainWithoutParticipantsHasNobody) {
  std::filesystem::remove_all(participants());
  const auto names = participant_names(domain());
  ASSERT_TRUE(names);
  EXPECT_TRUE(names->empty());
  EXPECT_EQ(remove_dead_participants(domain()), 0U);
}

}  // namespace
}  // namespace millrace
