// What happens to a run whose processes are killed, stopped or interrupted: the others go on, the
// parent says what happened and never hangs, nothing stays behind.
#include "millrace/transport/domain.hpp"
#include "run_fixture.hpp"

#include <chrono>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace millrace {
namespace {

using testing_support::Command;
using testing_support::Outcome;

class RunDeath : public testing_support::RunFixture {
 protected:
  // More than any test waits for, so that it is always in the middle of its work.
  std::vector<std::string> endless(std::vector<std::string> more = {}) const {
    std::string lines;
    for (int line = 0; line != 1000; ++line)
      lines += "line " + std::to_string(line) + '\n';
    std::vector<std::string> all{"run",        "--input", file(lines), "--repeat",
                                 "1000000000", "--ring",  "64K"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }

  static void expect_trouble(const Outcome& said, const std::string& part) {
    EXPECT_EQ(said.exit_code, 1) << said.out << said.err;
    EXPECT_NE(said.out.find(part), std::string::npos) << said.out;
    EXPECT_TRUE(said.out.ends_with("NOT OK\n")) << said.out;
  }
};

TEST_F(RunDeath, AKilledSubscriberIsNamedAndTheOtherGoesOn) {
  Command program(domain, endless({"--subscribers", "2"}));
  ASSERT_TRUE(await_flow(program));
  const pid_t victim = child_of(program, "subscriber", 1);
  ASSERT_GT(victim, 0);
  kill(victim, SIGKILL);
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  program.send(SIGINT);
  const Outcome said = program.finish();
  expect_trouble(said, "subscriber 1 (pid " + std::to_string(victim) + ") was killed by signal 9");
  EXPECT_EQ(said.out.find("DIFFERS: subscriber 0"), std::string::npos) << said.out;
  EXPECT_NE(said.out.find("equal"), std::string::npos) << said.out;
  expect_nothing_left();
}

TEST_F(RunDeath, WithTheLastSubscriberTheRunEnds) {
  Command program(domain, endless());
  ASSERT_TRUE(await_flow(program));
  const pid_t victim = child_of(program, "subscriber", 0);
  ASSERT_GT(victim, 0);
  kill(victim, SIGKILL);
  expect_trouble(program.finish(), "subscriber 0");
  expect_nothing_left();
}

// What a publisher had published when it was killed, every subscriber receives, to the message.
TEST_F(RunDeath, AKilledPublisherLosesNothingItPublished) {
  Command program(domain, endless({"--subscribers", "2"}));
  ASSERT_TRUE(await_flow(program));
  const pid_t victim = child_of(program, "publisher", 0);
  ASSERT_GT(victim, 0);
  kill(victim, SIGKILL);
  const Outcome said = program.finish();
  expect_trouble(said, "publisher 0");
  EXPECT_EQ(said.out.find("DIFFERS: subscriber"), std::string::npos) << said.out;
  expect_nothing_left();
}

TEST_F(RunDeath, CtrlCEndsItInGoodOrder) {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    Command program(domain, endless());
    ASSERT_TRUE(await_flow(program));
    program.send(signal);
    const Outcome said = program.finish();
    EXPECT_EQ(said.exit_code, 0) << said.out << said.err;
    EXPECT_TRUE(said.out.ends_with("\nOK\n")) << said.out;
    expect_nothing_left();
  }
}

TEST_F(RunDeath, AStoppedSubscriberIsWaitedFor) {
  Command program(domain, endless());
  ASSERT_TRUE(await_flow(program));
  const pid_t reader = child_of(program, "subscriber", 0);
  ASSERT_GT(reader, 0);
  kill(reader, SIGSTOP);
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  kill(reader, SIGCONT);
  program.send(SIGINT);
  const Outcome said = program.finish();
  EXPECT_EQ(said.exit_code, 0) << said.out << said.err;
  expect_nothing_left();
}

TEST_F(RunDeath, AStoppedSubscriberDoesNotOutlastTheUsersPatience) {
  Command program(domain, endless());
  ASSERT_TRUE(await_flow(program));
  const pid_t reader = child_of(program, "subscriber", 0);
  ASSERT_GT(reader, 0);
  kill(reader, SIGSTOP);
  program.send(SIGINT);
  expect_trouble(program.finish(), "did not answer");
  expect_nothing_left();
}

TEST_F(RunDeath, NobodyOutlivesAKilledParent) {
  prctl(PR_SET_CHILD_SUBREAPER, 1);  // so that we can wait for its children
  {
    Command program(domain, endless());
    ASSERT_TRUE(await_flow(program));
    program.send(SIGKILL);
    EXPECT_EQ(program.finish().exit_code, -1);
  }
  // Publisher and subscriber; if one lived on, the watchdog of ctest would end this wait.
  for (int orphan = 0; orphan != 2; ++orphan) {
    EXPECT_GT(waitpid(-1, nullptr, 0), 0);
  }
  prctl(PR_SET_CHILD_SUBREAPER, 0);
  auto opened = Domain::open({.path = domain, .participant = "tidier", .create = false});
  ASSERT_TRUE(opened.has_value());
  const auto cleaned = opened->clean({.channels_too = true});
  ASSERT_TRUE(cleaned.has_value());
  EXPECT_EQ(cleaned->channels, 1U);
  opened = Failure(Error(Errc::closed, 0, "left"));
  expect_nothing_left();
}

}  // namespace
}  // namespace millrace
