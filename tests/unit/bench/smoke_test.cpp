// millrace bench as a user runs it, as short as can be: every row runs, every message arrives in
// order, and the result is whole. No number is judged here but those of planted defects, which are
// large.
#include "tools/command.hpp"

#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <thread>

#include <gtest/gtest.h>

namespace millrace::testing_support {
namespace {

using nlohmann::json;

Outcome bench(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "bench");
  Command command("/nowhere", arguments);
  return command.finish();
}

json result_of(const Outcome& outcome) {
  EXPECT_TRUE(outcome.exit_code == 0 || outcome.exit_code == 1) << outcome.err;
  json parsed = json::parse(outcome.out, nullptr, false);
  EXPECT_TRUE(parsed.is_object()) << outcome.out << outcome.err;
  return parsed;
}

bool alone() {
  return std::thread::hardware_concurrency() < 2;
}

TEST(Bench, RunsEveryRowAndSaysSo) {
  const json result = result_of(bench({"--smoke", "--json"}));
  ASSERT_TRUE(result.is_object());
  std::set<std::string> seen;
  for (const auto& row : result["rows"]) {
    seen.insert(row["name"].get<std::string>());
    for (const char* key : {"name", "state", "ratio", "low", "high", "slices", "restarts", "goal",
                            "met", "all", "value", "unit", "better", "verdict"}) {
      EXPECT_TRUE(row.contains(key)) << key << " in " << row;
    }
    if (row["restarts"].get<int>() > 0) {
      EXPECT_TRUE(row["met"].is_null()) << "too little to judge: " << row;
    }
  }
  for (const char* row : {"round-trip/8", "round-trip/32", "round-trip/56", "round-trip/256",
                          "round-trip/1024", "stream/32", "stream/32x16", "stream/1024",
                          "stream/65536", "stream/quotes", "fan-out/64", "lanes/2", "lanes/16",
                          "lanes/256", "wake", "send/32", "latency/poisson", "latency/bursts"}) {
    EXPECT_TRUE(seen.contains(row)) << row;
  }
  EXPECT_FALSE(result["machine"]["kernel"].get<std::string>().empty());
  EXPECT_EQ(result["cpus"].size(), alone() ? 1U : 2U);
}

TEST(Bench, ListsWhatItThenRunsAlone) {
  const Outcome listed = bench({"--list"});
  EXPECT_EQ(listed.exit_code, 0);
  EXPECT_NE(listed.out.find("\nround-trip/32 "), std::string::npos) << listed.out;
  const json result = result_of(bench({"round-trip/32", "--seconds", "1", "--json"}));
  ASSERT_TRUE(result.is_object());
  EXPECT_FALSE(result["rows"].empty());
  for (const auto& row : result["rows"])
    EXPECT_EQ(row["name"], "round-trip/32");
  if (alone()) return;
  EXPECT_EQ(result["restarts"], 10);
  bool null_row = false;
  for (const auto& row : result["beside"])
    null_row = null_row || row["name"] == "null/bare";
  EXPECT_TRUE(null_row);
}

TEST(Bench, CountsWhatItCommitsOnPurpose) {
  if (alone()) return;
  const json result = result_of(bench({"counted", "--smoke", "--json"}));
  ASSERT_TRUE(result.is_object());
  ASSERT_EQ(result["rows"].size(), 3U);
  for (const auto& row : result["rows"]) {
    if (row.contains("why")) GTEST_SKIP() << row["why"];
    EXPECT_EQ(row["value"], 0) << row;
    EXPECT_EQ(row["met"], true) << row;
  }
}

TEST(Bench, OneProcessorMarksTheRowsThatNeedTwoAndGoesOn) {
  const std::string command = MILLRACE_BIN_DIR "/millrace";
  Command bound("/nowhere", "/usr/bin/taskset",
                {"-c", "0", command, "bench", "round-trip/32", "--smoke", "--json"});
  const Outcome outcome = bound.finish();
  if (outcome.exit_code == 127) GTEST_SKIP() << "there is no taskset here";
  const json result = result_of(outcome);
  ASSERT_TRUE(result.is_object());
  ASSERT_EQ(result["rows"].size(), 1U);
  EXPECT_EQ(result["rows"][0]["verdict"], "invalid");
  EXPECT_TRUE(result["rows"][0]["ratio"].is_null());
  ASSERT_EQ(result["notes"].size(), 1U);
  EXPECT_NE(result["notes"][0].get<std::string>().find("one processor"), std::string::npos);
}

TEST(Bench, SaysInOneLineWhatItCannotDo) {
  const std::vector<std::vector<std::string>> wrong = {
      {"--cpus", "0"},     {"--cpus", "0,0"},     {"--cpus", "0,99999"},
      {"--cpus", "x,y"},   {"nothing"},           {"--dir", "/nowhere/at/all"},
      {"--seconds", "-1"}, {"stream/32", "strea"}};
  for (auto arguments : wrong) {
    arguments.emplace_back("--smoke");
    const Outcome outcome = bench(arguments);
    EXPECT_EQ(outcome.exit_code, 2) << arguments.front();
    EXPECT_FALSE(outcome.err.empty()) << arguments.front();
    EXPECT_TRUE(outcome.out.empty()) << outcome.out;
  }
}

// The harness itself: what a defect costs must show. Several tries, because a machine that is busy
// with other things may keep two processes from ever running at once.
TEST(Bench, APlantedDefectIsAWorseRatio) {
  if (alone()) return;
  std::set<std::string> noticed;
  std::string last;
  for (int attempt = 0; attempt < 4 && noticed.size() < 2; ++attempt) {
    const json result = result_of(bench({"plant", "--seconds", "6", "--json"}));
    last = result.dump();
    for (const auto& row : result["rows"]) {
      const bool more = row["better"] == "higher";
      const auto& bound = more ? row["high"] : row["low"];
      if (!bound.is_number()) continue;
      const bool worse = more ? bound.get<double>() < 1 : bound.get<double>() > 1;
      if (worse) noticed.insert(row["name"].get<std::string>());
    }
  }
  EXPECT_EQ(noticed, (std::set<std::string>{"plant/fence", "plant/line"})) << last;
}

}  // namespace
}  // namespace millrace::testing_support
