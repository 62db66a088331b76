#include "millrace/core/domain_directory.hpp"

#include "support/child_process.hpp"
#include "support/scratch_directory.hpp"

#include <filesystem>
#include <fstream>
#include <stdlib.h>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

#include <gtest/gtest.h>

namespace millrace {
namespace {

using testing_support::become_nobody;
using testing_support::kNobody;
using testing_support::run_in_child;

class Directory : public ::testing::Test {
 protected:
  [[nodiscard]] static mode_t mode_of(const std::string& path) {
    struct stat facts {};

    return stat(path.c_str(), &facts) == 0 ? facts.st_mode & 07777 : mode_t{0};
  }

  void make(mode_t mode) const {
    ASSERT_EQ(mkdir(path_.c_str(), 0700), 0);
    ASSERT_EQ(chmod(path_.c_str(), mode), 0);
  }

  void expect_refusal(Errc code, const std::string& word, bool create = true) const {
    const auto opened = DomainDirectory::open(path_, create);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code(), code) << opened.error().sentence();
    EXPECT_NE(opened.error().sentence().find(word), std::string_view::npos)
        << opened.error().sentence();
  }

  testing_support::ScratchDirectory scratch_;
  std::string path_ = scratch_ / "domain";
  std::string participants_ = path_ + "/participants";
};

TEST_F(Directory, MakesAPrivateOneWhateverTheUmaskSays) {
  for (const mode_t mask : {mode_t{0}, mode_t{0777}, mode_t{0022}}) {
    std::filesystem::remove_all(path_);
    const mode_t before = umask(mask);
    const auto opened = DomainDirectory::open(path_, true);
    umask(before);
    ASSERT_TRUE(opened) << opened.error().sentence();
    EXPECT_EQ(mode_of(path_), 0700U);
    EXPECT_EQ(mode_of(participants_), 01700U);
    EXPECT_FALSE(opened->shared());
    EXPECT_EQ(opened->path(), path_);
  }
}

TEST_F(Directory, OpensWhatExistsAndLeavesItAsItIs) {
  ASSERT_TRUE(DomainDirectory::open(path_, true));
  EXPECT_TRUE(DomainDirectory::open(path_, true));
  EXPECT_TRUE(DomainDirectory::open(path_ + "///", false));
}

TEST_F(Directory, AnObserverMakesNothing) {
  expect_refusal(Errc::not_found, path_, false);
  EXPECT_FALSE(std::filesystem::exists(path_));
  make(0700);
  EXPECT_TRUE(DomainDirectory::open(path_, false));
  EXPECT_FALSE(std::filesystem::exists(participants_));
}

TEST_F(Directory, TheEnvironmentNamesTheDefault) {
  const auto outcome = run_in_child([&] {
    unsetenv("MILLRACE_DIR");
    const std::string own = "/dev/shm/millrace-" + std::to_string(geteuid());
    if (DomainDirectory::default_path() != own) return DomainDirectory::default_path();
    setenv("MILLRACE_DIR", "", 1);
    if (DomainDirectory::default_path() != own) return std::string("took an empty name");
    setenv("MILLRACE_DIR", path_.c_str(), 1);
    const auto opened = DomainDirectory::open("", true);
    return opened ? std::string(opened->path() == path_ ? "" : "another directory")
                  : std::string(opened.error().sentence());
  });
  EXPECT_EQ(outcome.said, "");
}

TEST_F(Directory, NamesAMissingParent) {
  path_ = scratch_ / "missing/domain";
  expect_refusal(Errc::not_found, "missing");
}

TEST_F(Directory, RefusesAFile) {
  std::ofstream(path_) << "not a directory";
  expect_refusal(Errc::bad_argument, "not a directory");
}

TEST_F(Directory, RefusesASymbolicLinkAlsoBehindASlash) {
  std::filesystem::create_directory(scratch_ / "elsewhere");
  std::filesystem::create_symlink(scratch_ / "elsewhere", path_);
  expect_refusal(Errc::bad_argument, "symbolic link");
  path_ += "/";
  expect_refusal(Errc::bad_argument, "symbolic link");
}

TEST_F(Directory, RefusesParticipantsThatAreALinkOrAFile) {
  make(0700);
  std::filesystem::create_symlink("/tmp", participants_);
  expect_refusal(Errc::bad_argument, "participants");
  std::filesystem::remove(participants_);
  std::ofstream(participants_) << "a file";
  expect_refusal(Errc::bad_argument, "participants");
}

TEST_F(Directory, RefusesWhatEverybodyMayWriteUnlessItIsSticky) {
  make(0777);
  expect_refusal(Errc::no_permission, "1777");
  ASSERT_EQ(chmod(path_.c_str(), 01777), 0);
  const auto opened = DomainDirectory::open(path_, true);
  ASSERT_TRUE(opened) << opened.error().sentence();
  EXPECT_TRUE(opened->shared());
  EXPECT_EQ(mode_of(participants_), 01777U);
}

TEST_F(Directory, ParticipantsOfAGroupsDomainFollowItsMode) {
  make(02770);
  ASSERT_TRUE(DomainDirectory::open(path_, true));
  EXPECT_EQ(mode_of(participants_), 03770U);
}

TEST_F(Directory, RefusesParticipantsFromWhichOthersCouldRemove) {
  make(01777);
  ASSERT_EQ(mkdir(participants_.c_str(), 0700), 0);
  ASSERT_EQ(chmod(participants_.c_str(), 0777), 0);
  expect_refusal(Errc::no_permission, "sticky");
}

TEST_F(Directory, SeesThatItWasRemoved) {
  const auto opened = DomainDirectory::open(path_, true);
  ASSERT_TRUE(opened);
  EXPECT_FALSE(opened->unlinked());
  std::filesystem::remove_all(path_);
  EXPECT_TRUE(opened->unlinked());
}

TEST_F(Directory, KnowsMemoryFromOtherFileSystems) {
  if (scratch_.path().string().starts_with("/dev/shm")) {
    const auto opened = DomainDirectory::open(path_, true);
    ASSERT_TRUE(opened);
    EXPECT_TRUE(opened->memory_backed());
  }
  if (geteuid() == 0) {  // it belongs to root and is no file system for data
    const auto opened = DomainDirectory::open("/proc", false);
    ASSERT_TRUE(opened) << opened.error().sentence();
    EXPECT_FALSE(opened->memory_backed());
  }
}

// What only root can set up: directories of other users.
class ForeignDirectory : public Directory {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "needs root";
    std::filesystem::permissions(scratch_.path(), std::filesystem::perms{0755});
  }
};

TEST_F(ForeignDirectory, IsRefusedUnlessItsOwnerIsTrusted) {
  make(0700);
  ASSERT_EQ(chown(path_.c_str(), kNobody, kNobody), 0);
  expect_refusal(Errc::no_permission, "uid 65534");
  EXPECT_TRUE(DomainDirectory::open(path_, false, kNobody));
}

TEST_F(ForeignDirectory, RootsPrivateDomainIsClosedToOthersInOneSentence) {
  ASSERT_TRUE(DomainDirectory::open(path_, true));
  const auto outcome = run_in_child([&] {
    if (!become_nobody()) return std::string("cannot become nobody");
    const auto opened = DomainDirectory::open(path_, true);
    if (opened || opened.error().code() != Errc::no_permission) return std::string("not refused");
    return std::string(opened.error().sentence());
  });
  EXPECT_NE(outcome.said.find("65534"), std::string::npos) << outcome.said;
  EXPECT_NE(outcome.said.find(path_), std::string::npos) << outcome.said;
}

TEST_F(ForeignDirectory, ASharedDomainServesAMemberOnceItsOwnerMadeItsParticipants) {
  make(01777);
  const auto open_as_nobody = [&] {
    if (!become_nobody()) return std::string("cannot become nobody");
    const auto opened = DomainDirectory::open(path_, true);
    return std::string(opened ? "" : opened.error().sentence());
  };
  const auto too_early = run_in_child(open_as_nobody);
  EXPECT_NE(too_early.said.find("participants"), std::string::npos) << too_early.said;
  ASSERT_TRUE(DomainDirectory::open(path_, true));
  EXPECT_EQ(run_in_child(open_as_nobody).said, "");
}

TEST_F(ForeignDirectory, ParticipantsOfAMemberAreRefused) {
  make(01777);
  ASSERT_EQ(mkdir(participants_.c_str(), 01777), 0);
  ASSERT_EQ(chmod(participants_.c_str(), 01777), 0);
  ASSERT_EQ(chown(participants_.c_str(), kNobody, kNobody), 0);
  expect_refusal(Errc::no_permission, "participants");
}

TEST_F(ForeignDirectory, AParentWithoutPermissionIsSaidAsSuch) {
  const auto outcome = run_in_child([&] {
    if (!become_nobody()) return std::string("cannot become nobody");
    const auto opened = DomainDirectory::open(path_, true);
    if (opened || opened.error().code() != Errc::no_permission) return std::string("not refused");
    return std::string();
  });
  EXPECT_EQ(outcome.said, "");
}

}  // namespace
}  // namespace millrace
