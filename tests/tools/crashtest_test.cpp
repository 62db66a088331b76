// `millrace crashtest`: it crashes, checks, leaves nothing, and can fail.
#include "journal_fixture.hpp"

#include <filesystem>
#include <string>

#include <gtest/gtest.h>

namespace millrace::testing_support {
namespace {

class CrashTest : public JournalCommandTest {
 protected:
  void expect_nothing_left() const {
    EXPECT_TRUE(std::filesystem::is_empty(disk_.path()));
    EXPECT_TRUE(std::filesystem::is_empty(scratch_.path()));
  }
};

TEST_F(CrashTest, FindsEverythingThatWasReportedDurable) {
  const Outcome said = run({"crashtest", "--journal", disk_.path(), "--kills", "6", "--json"});
  EXPECT_EQ(said.exit_code, 0) << said.out << said.err;
  const auto report = json_of(said.out);
  EXPECT_TRUE(report["ok"]);
  EXPECT_EQ(report["kills"], 6);
  EXPECT_EQ(report["losses"], 0);
  EXPECT_GT(report["messages_checked"], 0);
  EXPECT_GT(report["recovery_ns"]["max"], 0);
  if (geteuid() != 0) {
    EXPECT_NE(report["no_power"], "");
  }
  expect_nothing_left();
}

TEST_F(CrashTest, TellsPeopleWhatItDid) {
  const Outcome said = run({"crashtest", "--journal", disk_.path(), "--kills", "1", "--seed", "7"});
  EXPECT_EQ(said.exit_code, 0) << said.out << said.err;
  EXPECT_NE(said.out.find("\nOK: "), std::string::npos) << said.out;
  EXPECT_NE(said.err.find("seed 7"), std::string::npos) << said.err;
  expect_nothing_left();
}

TEST_F(CrashTest, EndsWhenItIsAskedTo) {
  Command test(domain(), {"crashtest", "--journal", disk_.path(), "--seconds", "60", "--json"});
  usleep(1'500'000);  // wherever it is by now
  test.send(SIGINT);
  EXPECT_EQ(test.finish().exit_code, 0);
  expect_nothing_left();
}

TEST_F(CrashTest, RefusesADirectoryInMemory) {
  std::filesystem::create_directory(scratch_ / "memory");
  expect_refused(run({"crashtest", "--journal", scratch_ / "memory", "--kills", "1"}), "tmpfs");
  EXPECT_TRUE(std::filesystem::is_empty(scratch_ / "memory"));
}

TEST_F(CrashTest, RefusesWhatIsNotThere) {
  expect_refused(run({"crashtest", "--journal", disk_ / "nowhere", "--kills", "1"}), "nowhere");
  expect_refused(run({"crashtest"}), "--journal");
  expect_refused(run({"crashtest", "--journal", disk_.path(), "--kills", "0"}), "--kills");
}

}  // namespace
}  // namespace millrace::testing_support
