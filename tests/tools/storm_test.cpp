// `millrace storm`: it kills, checks, leaves nothing, and can fail.
#include "command_fixture.hpp"

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <string>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

namespace millrace::testing_support {
namespace {

class StormTest : public CommandTest {
 protected:
  void expect_nothing_left() const { EXPECT_TRUE(std::filesystem::is_empty(scratch_.path())); }

  void expect_refused(std::vector<std::string> arguments, const std::string& part) const {
    arguments.insert(arguments.begin(), "storm");
    const Outcome said = run(arguments);
    EXPECT_EQ(said.exit_code, 2) << said.out << said.err;
    EXPECT_NE(said.err.find(part), std::string::npos) << said.err;
    EXPECT_TRUE(said.out.empty()) << said.out;
    expect_nothing_left();
  }
};

TEST_F(StormTest, HoldsItsPromiseWhileEverybodyIsKilled) {
  const Outcome said =
      run({"storm", "--seconds", "60", "--kills", "20", "--seed", "5", "--fat", "0", "--json"});
  EXPECT_EQ(said.exit_code, 0) << said.out << said.err;
  const auto report = json_of(said.out);
  EXPECT_TRUE(report["ok"]);
  EXPECT_EQ(report["seed"], 5);
  EXPECT_EQ(report["kills"]["all"], 20);
  EXPECT_EQ(report["losses"], 0);
  EXPECT_TRUE(report["violations"].empty());
  EXPECT_GT(report["messages_checked"], 0);
  EXPECT_GT(report["recovery_ns"]["kill_to_lock_free"]["count"], 0);
  EXPECT_EQ(report["availability"].size(), 6);
  expect_nothing_left();
}

TEST_F(StormTest, FindsEveryPlantedDefect) {
  for (const char* plant : {"drop", "duplicate", "tear", "silence", "no-recovery"}) {
    const Outcome said =
        run({"storm", "--seconds", "60", "--seed", "3", "--fat", "0", "--plant", plant, "--json"});
    EXPECT_EQ(said.exit_code, 1) << plant << ": " << said.out << said.err;
    const auto report = json_of(said.out);
    EXPECT_FALSE(report["ok"]) << plant;
    EXPECT_FALSE(report["violations"].empty()) << plant;
    expect_nothing_left();
  }
}

TEST_F(StormTest, EndsWhenItIsAskedTo) {
  Command storm(domain(), {"storm", "--seconds", "60", "--fat", "0", "--json"});
  usleep(1'500'000);  // wherever it is by now
  storm.send(SIGINT);
  const Outcome said = storm.finish();
  EXPECT_EQ(said.exit_code, 0) << said.out << said.err;
  expect_nothing_left();
}

TEST_F(StormTest, RefusesWhatMakesNoSense) {
  expect_refused({"--seconds", "0"}, "--seconds");
  expect_refused({"--publishers", "0"}, "--publishers");
  expect_refused({"--publishers", "65"}, "65");
  expect_refused({"--subscribers", "65"}, "65");
  expect_refused({"--kills", "0"}, "--kills");
  expect_refused({"--seed", "x"}, "--seed");
  expect_refused({"--order", "total"}, "--order");
  expect_refused({"--fat", "1000000G"}, "fat victim");
  expect_refused({"--dir", scratch_ / "nowhere/domain"}, "nowhere");
}

}  // namespace
}  // namespace millrace::testing_support
