// `millrace run` through a journal: it holds exactly what was published, whatever happens to the
// processes, and a directory of its own is gone at the end.
#include "run_fixture.hpp"
#include "support/disk_scratch.hpp"

#include <csignal>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace millrace {
namespace {

using nlohmann::json;
using testing_support::Command;
using testing_support::Outcome;

class RunJournaled : public testing_support::RunFixture {
 protected:
  void SetUp() override {
    if (disk.path().empty()) GTEST_SKIP() << "every directory here is in memory";
    setenv("MILLRACE_JOURNAL_DIR", disk.path().c_str(), 1);
  }

  void TearDown() override { unsetenv("MILLRACE_JOURNAL_DIR"); }

  static std::string some_lines(int count) {
    std::string text;
    for (int line = 0; line != count; ++line)
      text +=
          std::to_string(line) + "," + std::string(static_cast<unsigned>(line) % 61, 'x') + "\n";
    return text;
  }

  testing_support::DiskScratch disk;
};

TEST_F(RunJournaled, TheMainJobHoldsExactlyWhatWasPublished) {
  const Outcome said = millrace({"run", "--json", "--seconds", "0.4"});
  ASSERT_EQ(said.exit_code, 0) << said.out << said.err;
  const json result = json_of(said);
  const json& journal = result["journal"];
  EXPECT_TRUE(journal["ok"]) << result;
  EXPECT_TRUE(journal["checksum_ok"]);
  EXPECT_EQ(journal["messages"], result["published"]);
  EXPECT_GT(journal["bytes_written"], journal["bytes"]);
  EXPECT_GT(journal["batches"], 0);
  EXPECT_GE(journal["write_amplification"], 1.0);
  for (const char* key : {"p50", "p99", "p999"})
    EXPECT_GT(journal["durable_latency_ns"][key], 0) << key;
  for (const char* key : {"p50", "p99", "p999", "max"})
    EXPECT_GT(journal["flush_ns"][key], 0) << key;
  EXPECT_FALSE(journal["device"].get<std::string>().empty());
  // The figures of memory alone are there as well, from messages of their own.
  EXPECT_GT(result["memory"]["published"], 0);
  EXPECT_GT(result["latency_ns"]["p50"], 0);
  EXPECT_LT(result["latency_ns"]["p50"], journal["durable_latency_ns"]["p50"]);
  EXPECT_TRUE(std::filesystem::is_empty(disk.path()));
  expect_nothing_left();
}

TEST_F(RunJournaled, SaysWhichFiguresAreDurable) {
  const Outcome said = millrace({"run", "--seconds", "0.2", "--quiet"});
  ASSERT_EQ(said.exit_code, 0) << said.out << said.err;
  for (const char* part : {"once DURABLE", "exactly what was published", "through memory alone"})
    EXPECT_NE(said.out.find(part), std::string::npos) << said.out;
  EXPECT_TRUE(said.out.ends_with("\nOK\n"));
}

TEST_F(RunJournaled, WithoutAJournalIfAsked) {
  const Outcome said = millrace({"run", "--json", "--seconds", "0.2", "--no-journal"});
  ASSERT_EQ(said.exit_code, 0) << said.out << said.err;
  EXPECT_TRUE(json_of(said)["journal"].is_null());
  EXPECT_GT(json_of(said)["latency_ns"]["p50"], 0);
}

TEST_F(RunJournaled, GoesOnWithoutWhereNoDiskCanBeBelieved) {
  setenv("MILLRACE_JOURNAL_DIR", directory.path().c_str(), 1);
  const Outcome said = millrace({"run", "--json", "--seconds", "0.2"});
  ASSERT_EQ(said.exit_code, 0) << said.out << said.err;
  EXPECT_TRUE(json_of(said)["journal"]["ok"].is_null()) << said.out;
  EXPECT_NE(said.err.find("no journal: "), std::string::npos) << said.err;
  EXPECT_GT(json_of(said)["published"], 0);
}

TEST_F(RunJournaled, AFileIsKeptAsItIs) {
  const std::string journal = disk / "kept";
  const std::string text = some_lines(3000);
  for (int time = 0; time < 2; ++time) {
    const Outcome said = millrace(
        {"run", "--json", "--input", file(text), "--journal", journal, "--subscribers", "2"});
    ASSERT_EQ(said.exit_code, 0) << said.out << said.err;
    const json result = json_of(said);
    EXPECT_TRUE(result["journal"]["ok"]) << result;
    EXPECT_EQ(result["journal"]["messages"], 3000);
    EXPECT_TRUE(result["journal"]["kept"]);
    EXPECT_TRUE(result["latency_ns"]["p50"].is_null());
    EXPECT_GT(result["journal"]["durable_latency_ns"]["p50"], 0);
  }
  // Two runs, each a channel of its own, each byte for byte the file.
  const json list = json::parse(millrace({"journal", "ls", journal, "--json"}).out);
  ASSERT_EQ(list["lanes"].size(), 2U) << list;
  for (const json& lane : list["lanes"]) {
    EXPECT_EQ(millrace({"replay", "--journal", journal, lane["channel"]}).out, text);
  }
  expect_nothing_left();
}

TEST_F(RunJournaled, SeveralPublishersAndEveryPolicy) {
  for (const char* policy : {"block", "evict", "lossy"}) {
    const Outcome said = millrace({"run", "--json", "--input", file(some_lines(2000)), "--repeat",
                                   "5", "--publishers", "3", "--policy", policy, "--ring", "16K",
                                   "--journal", disk / policy});
    ASSERT_EQ(said.exit_code, 0) << policy << said.out << said.err;
    EXPECT_EQ(json_of(said)["journal"]["messages"], 30'000) << said.out;
    EXPECT_TRUE(json_of(said)["journal"]["checksum_ok"]);
  }
}

TEST_F(RunJournaled, AKilledRecorderIsReported) {
  Command program(domain, {"run", "--input", file(some_lines(1000)), "--repeat", "1000000",
                           "--rate", "20000", "--journal", disk / "killed"});
  const bool started =
      testing_support::eventually([&] { return child_of(program, "recorder", 0) != 0; });
  ASSERT_TRUE(started);
  const bool flows = testing_support::eventually([&] {
    const Outcome list = millrace({"journal", "ls", disk / "killed", "--json"});
    const json parsed = json::parse(list.out, nullptr, false);
    return !parsed.is_discarded() && parsed.contains("lanes") && !parsed["lanes"].empty();
  });
  ASSERT_TRUE(flows);
  const pid_t victim = child_of(program, "recorder", 0);
  ASSERT_GT(victim, 0);
  kill(victim, SIGKILL);
  const Outcome said = program.finish();
  EXPECT_EQ(said.exit_code, 1) << said.out << said.err;
  EXPECT_NE(said.out.find("recorder (pid " + std::to_string(victim) + ") was killed by signal 9"),
            std::string::npos)
      << said.out;
  EXPECT_TRUE(said.out.ends_with("NOT OK\n")) << said.out;
  expect_nothing_left();
}

TEST_F(RunJournaled, CtrlCEndsItInGoodOrder) {
  Command program(domain, {"run", "--seconds", "60", "--quiet"});
  ASSERT_TRUE(await_flow(program));
  program.send(SIGINT);
  const Outcome said = program.finish();
  EXPECT_EQ(said.exit_code, 0) << said.out << said.err;
  EXPECT_NE(said.out.find("exactly what was published"), std::string::npos) << said.out;
  EXPECT_TRUE(std::filesystem::is_empty(disk.path()));
  expect_nothing_left();
}

TEST_F(RunJournaled, RefusesAJournalThatCannotBe) {
  const auto expect = [this](std::vector<std::string> more, const std::string& part) {
    more.insert(more.begin(), "run");
    const Outcome said = millrace(more);
    EXPECT_EQ(said.exit_code, 2) << said.out << said.err;
    EXPECT_NE(said.err.find(part), std::string::npos) << said.err;
    EXPECT_EQ(std::count(said.err.begin(), said.err.end(), '\n'), 1) << said.err;
  };
  expect({"--journal", directory / "memory"}, "tmpfs");
  expect({"--journal", file("no directory\n")}, "input");
  expect({"--journal", disk / "a", "--no-journal"}, "--no-journal");
  EXPECT_FALSE(std::filesystem::exists(domain));
  EXPECT_TRUE(std::filesystem::is_empty(disk.path()));
}

}  // namespace
}  // namespace millrace
