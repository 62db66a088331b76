// The names of what is not finished yet.
#include "millrace/core/private_name.hpp"

#include "support/child_process.hpp"
#include "support/refuse_call.hpp"
#include "support/scratch_directory.hpp"

#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <sys/stat.h>
#include <unistd.h>

#include <gtest/gtest.h>

namespace millrace {
namespace {

using testing_support::ScratchDirectory;

TEST(PrivateName, CarriesItsCreator) {
  const std::string name = private_name(0xabcd'0000'1234'5678);
  const auto parsed = parse_private_name(name);
  ASSERT_TRUE(parsed.has_value()) << name;
  EXPECT_EQ(parsed->pid, static_cast<std::uint32_t>(getpid()));
  EXPECT_EQ(parsed->creator_incarnation, 0xabcd'0000'1234'5678U);
  EXPECT_NE(name, private_name(0xabcd'0000'1234'5678));
}

TEST(PrivateName, IsNotSeenInOtherNames) {
  for (const char* other :
       {"", "lane-0", ".new.", ".new.12", ".new.12.ab", ".new.12.ab.", ".new.x.ab.cd",
        ".new.12.ab.cd.ef", ".new.12.ab.xy", ".new..ab.cd", ".new.-1.ab.cd",
        ".new.99999999999.ab.cd", "x.new.12.ab.cd", ".new.12.11112222333344445.cd"}) {
    EXPECT_FALSE(parse_private_name(other).has_value()) << other;
  }
}

TEST(PrivateName, OfADirectoryBecomesFinalInOneStepUnlessItIsTaken) {
  const ScratchDirectory scratch;
  const std::string first = private_name(1);
  const std::string second = private_name(1);
  ASSERT_EQ(mkdirat(scratch.fd(), first.c_str(), 0700), 0);
  ASSERT_EQ(mkdirat(scratch.fd(), second.c_str(), 0700), 0);
  std::ofstream(scratch / (first + "/meta")) << "x";
  ASSERT_TRUE(show_private_name(scratch.fd(), first.c_str(), scratch.fd(), "prices"));
  EXPECT_TRUE(std::filesystem::exists(scratch / "prices/meta"));
  const auto refused = show_private_name(scratch.fd(), second.c_str(), scratch.fd(), "prices");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Errc::exists);
  EXPECT_TRUE(std::filesystem::exists(scratch / "prices/meta"));
  EXPECT_TRUE(std::filesystem::exists(scratch / second));
}

TEST(PrivateName, OfAFileBecomesFinalByASecondNameWhereRenamesCannotRefuse) {
  const ScratchDirectory scratch;
  const auto outcome = testing_support::run_in_child([&]() -> std::string {
    if (!testing_support::refuse_call(SYS_renameat2, EINVAL)) return "skip";
    for (const char* name : {"one", "two"})
      std::ofstream(scratch / name) << name;
    if (!show_private_name(scratch.fd(), "one", scratch.fd(), "final")) return "not shown";
    const auto again = show_private_name(scratch.fd(), "two", scratch.fd(), "final");
    if (again) return "it was replaced";
    return again.error().code() == Errc::exists ? "" : "another code";
  });
  if (outcome.said == "skip") GTEST_SKIP() << "system calls cannot be refused here";
  EXPECT_EQ(outcome.said, "");
  EXPECT_FALSE(std::filesystem::exists(scratch / "one"));
  EXPECT_TRUE(std::filesystem::exists(scratch / "two"));
  EXPECT_EQ(std::filesystem::file_size(scratch / "final"), 3U);
}

}  // namespace
}  // namespace millrace
