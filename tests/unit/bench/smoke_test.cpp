// The bench itself, as short as it can be: every subject runs, every message arrives in order, and
// the result is whole. No number is judged here.
#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <sys/wait.h>
#include <thread>

#include <gtest/gtest.h>

namespace {

struct Ended {
  int code = -1;
  std::string said;
};

Ended run(const std::string& arguments) {
  const std::string command = std::string(MILLRACE_BIN_DIR) + "/millrace-bench " + arguments;
  std::FILE* const pipe = popen(command.c_str(), "r");
  Ended ended;
  if (pipe == nullptr) return ended;
  std::array<char, 4096> part{};
  for (std::size_t got = 0; (got = std::fread(part.data(), 1, part.size(), pipe)) != 0;) {
    ended.said.append(part.data(), got);
  }
  const int status = pclose(pipe);
  ended.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return ended;
}

TEST(Bench, RunsEverySubjectAndSaysSo) {
  if (std::thread::hardware_concurrency() < 2) {
    const Ended alone = run("--smoke 2>&1");
    EXPECT_EQ(alone.code, 2);
    EXPECT_NE(alone.said.find("two processors are needed"), std::string::npos) << alone.said;
    return;
  }
  const Ended ended = run("--smoke --json");
  ASSERT_TRUE(ended.code == 0 || ended.code == 1) << ended.said;
  const auto json = nlohmann::json::parse(ended.said, nullptr, false);
  ASSERT_TRUE(json.is_object()) << ended.said;
  EXPECT_EQ(json["restarts"], 2);
  EXPECT_EQ(json["cpus"].size(), 2U);
  EXPECT_FALSE(json["machine"]["kernel"].get<std::string>().empty());
  EXPECT_GE(json["slices"].get<std::uint64_t>(), json["kept"].get<std::uint64_t>());
  // Two restarts of 13 subjects at least, kept or not.
  EXPECT_GE(json["slices"].get<std::uint64_t>(), 26U);
  for (const auto& row : json["rows"]) {
    for (const char* key :
         {"key", "name", "kind", "better", "state", "state_bare_ns", "ratio", "low", "high",
          "slices", "restarts", "all", "ns", "millions_per_second", "goal", "met"}) {
      EXPECT_TRUE(row.contains(key)) << key << " in " << row;
    }
    EXPECT_NE(row["met"], "no") << "two restarts judge nothing: " << row;
  }
}

TEST(Bench, CountsWhatItCommitsOnPurpose) {
  if (std::thread::hardware_concurrency() < 2) return;
  const Ended ended = run("--smoke --json");
  const auto json = nlohmann::json::parse(ended.said, nullptr, false);
  ASSERT_TRUE(json.is_object()) << ended.said;
  const auto& counted = json["counted"];
  if (!counted["refused"].is_null()) GTEST_SKIP() << counted["refused"];
  EXPECT_TRUE(counted["control_ok"].get<bool>()) << counted;
  ASSERT_EQ(counted["rows"].size(), 4U);
  for (const auto& row : counted["rows"]) {
    if (row["messages"] == 0) continue;
    EXPECT_EQ(row["allocations"], 0) << row;
    EXPECT_EQ(row["system_calls"], row["death_checks"]) << row;
  }
}

TEST(Bench, SaysInOneLineWhatItCannotDo) {
  for (const char* wrong : {"--cpus 0", "--cpus 0,0", "--cpus 0,99999", "--cpus x,y",
                            "--dir /nowhere/at/all", "--plant nothing", "--seconds -1"}) {
    const Ended ended = run(std::string(wrong) + " --smoke 2>&1");
    EXPECT_EQ(ended.code, 2) << wrong;
    EXPECT_FALSE(ended.said.empty()) << wrong;
  }
}

}  // namespace
