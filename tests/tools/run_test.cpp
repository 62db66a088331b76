// `millrace run` with real processes: every message arrives, is checked, and the figures add up.
#include "run_checksum.hpp"
#include "run_figures.hpp"
#include "run_fixture.hpp"

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

namespace millrace {
namespace {

using nlohmann::json;
using testing_support::Outcome;

class Run : public testing_support::RunFixture {
 protected:
  Outcome run_json(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"run", "--json"});
    return millrace(arguments);
  }

  // Every subscriber has received and lost, together, what was published.
  static void expect_exact(const json& result, std::uint64_t published) {
    EXPECT_EQ(result["published"], published);
    for (const json& subscriber : result["subscribers"]) {
      EXPECT_EQ(
          subscriber["received"].get<std::uint64_t>() + subscriber["lost"].get<std::uint64_t>(),
          published);
      EXPECT_TRUE(subscriber["checksum_ok"].get<bool>()) << result;
    }
  }
};

std::string some_lines(int count) {
  std::string text;
  for (int line = 0; line != count; ++line)
    text += std::to_string(line * 7919) + "," + std::string(static_cast<unsigned>(line) % 61, 'x') +
            "\n";
  return text;
}

// The checksum as the document of the format would have it computed, from the input alone.
std::string checksum_of(const std::vector<std::string>& messages, int times = 1) {
  tools::LaneChecksum sum;
  std::uint64_t sequence = 0;
  for (int time = 0; time != times; ++time) {
    for (const std::string& message : messages) {
      const auto bytes = std::as_bytes(std::span(message));
      sum.add(tools::hash_of(bytes.data(), bytes.size()), sequence++);
    }
  }
  return tools::checksum_text(sum.value());
}

TEST_F(Run, SamplesTheHostWithoutAnyInput) {
  const Outcome said = run_json({"--seconds", "0.3"});
  ASSERT_EQ(said.exit_code, 0) << said.out << said.err;
  const json result = json_of(said);
  EXPECT_TRUE(result["ok"]);
  EXPECT_GT(result["published"], 100);
  expect_exact(result, result["published"]);
  EXPECT_EQ(result["subscribers"][0]["lost"], 0);
  expect_nothing_left();
}

TEST_F(Run, SaysWhatIsAskedOfIt) {
  const json result = json_of(run_json({"--input", file(some_lines(100))}));
  for (const char* key : {"ok", "published", "bytes", "seconds", "messages_per_second", "checksum",
                          "subscribers", "latency_ns", "bare_pingpong_ns"}) {
    EXPECT_TRUE(result.contains(key)) << key;
  }
  for (const char* key : {"received", "lost", "checksum_ok"})
    EXPECT_TRUE(result["subscribers"][0].contains(key)) << key;
  for (const char* key : {"p50", "p99", "p999"})
    EXPECT_TRUE(result["latency_ns"][key].is_number()) << key;
  EXPECT_TRUE(result["bare_pingpong_ns"].contains("p50"));
}

TEST_F(Run, PrintsATableThatEndsWithOk) {
  const Outcome said = millrace({"run", "--input", file("one\ntwo\n")});
  EXPECT_EQ(said.exit_code, 0);
  EXPECT_TRUE(said.out.ends_with("\nOK\n")) << said.out;
  EXPECT_NE(said.out.find(checksum_of({"one", "two"})), std::string::npos) << said.out;
}

class RunCrowd : public Run, public ::testing::WithParamInterface<std::tuple<int, int>> {};

TEST_P(RunCrowd, EverySubscriberGetsEveryMessageOfEveryPublisher) {
  const auto [publishers, subscribers] = GetParam();
  const Outcome said =
      run_json({"--input", file(some_lines(2000)), "--repeat", "2", "--publishers",
                std::to_string(publishers), "--subscribers", std::to_string(subscribers)});
  ASSERT_EQ(said.exit_code, 0) << said.out << said.err;
  const json result = json_of(said);
  expect_exact(result, static_cast<std::uint64_t>(publishers) * 4000);
  ASSERT_EQ(result["subscribers"].size(), static_cast<std::size_t>(subscribers));
  for (const json& subscriber : result["subscribers"])
    EXPECT_EQ(subscriber["lost"], 0);
  expect_nothing_left();
}

INSTANTIATE_TEST_SUITE_P(OneToThree, RunCrowd,
                         ::testing::Combine(::testing::Values(1, 2, 3),
                                            ::testing::Values(1, 2, 3)));

TEST_F(Run, BringsEveryByteOfEveryKindOfLine) {
  std::string junk;
  for (int byte = 0; byte != 256; ++byte)
    if (byte != '\n') junk += static_cast<char>(byte);
  const std::vector<std::string> lines{"",    "dos\r", "", "\xff\xfe", junk, std::string(900, '\0'),
                                       "last"};
  std::string text;
  for (const std::string& line : lines)
    text += line + "\n";
  text.pop_back();  // the last line needs no newline
  for (const char* ring : {"8192", "1M"}) {
    const Outcome said = run_json({"--input", file(text), "--ring", ring, "--repeat", "50"});
    ASSERT_EQ(said.exit_code, 0) << said.out << said.err;
    const json result = json_of(said);
    expect_exact(result, 50 * lines.size());
    EXPECT_EQ(result["bytes"], 50 * (text.size() - (lines.size() - 1)));
    EXPECT_EQ(result["checksum"], checksum_of(lines, 50));
  }
}

TEST_F(Run, ReadsAPipeOnceForAllPublishers) {
  const Outcome said =
      millrace({"run", "--json", "--input", "-", "--publishers", "2"}, "a\nbb\nccc\n");
  ASSERT_EQ(said.exit_code, 0) << said.out << said.err;
  const json result = json_of(said);
  EXPECT_EQ(result["published"], 6);
  for (const json& lane : result["lanes"])
    EXPECT_EQ(lane["checksum"], checksum_of({"a", "bb", "ccc"}));
}

TEST_F(Run, ReadsAFileThatSaysItHasNoBytes) {
  EXPECT_EQ(run_json({"--input", "/proc/self/status"}).exit_code, 0);
}

TEST_F(Run, ASmallRingHoldsThePublisherBack) {
  const Outcome said =
      run_json({"--input", file(some_lines(3000)), "--ring", "4096", "--subscribers", "2"});
  ASSERT_EQ(said.exit_code, 0) << said.out << said.err;
  expect_exact(json_of(said), 3000);
  EXPECT_EQ(json_of(said)["subscribers"][1]["lost"], 0);
}

TEST_F(Run, CountsEveryLossWhereNobodyWaits) {
  for (const char* policy : {"lossy", "evict"}) {
    const Outcome said = run_json({"--input", file(some_lines(5000)), "--ring", "4096", "--repeat",
                                   "20", "--policy", policy, "--subscribers", "3"});
    ASSERT_EQ(said.exit_code, 0) << said.out << said.err;
    const json result = json_of(said);
    expect_exact(result, 100'000);
    EXPECT_EQ(result["checksum"], result["lanes"][0]["checksum"]);
  }
}

TEST_F(Run, PublishesToNobodyIfAsked) {
  const Outcome said = run_json({"--input", file(some_lines(100)), "--subscribers", "0"});
  ASSERT_EQ(said.exit_code, 0) << said.out << said.err;
  EXPECT_EQ(json_of(said)["published"], 100);
  EXPECT_TRUE(json_of(said)["latency_ns"]["p50"].is_null());
}

TEST_F(Run, KeepsARateAndATime) {
  const Outcome said = run_json({"--input", file(some_lines(50)), "--repeat", "1000000", "--rate",
                                 "1000", "--seconds", "0.2"});
  ASSERT_EQ(said.exit_code, 0) << said.out << said.err;
  const auto published = json_of(said)["published"].get<std::uint64_t>();
  EXPECT_GT(published, 0U);
  // However late it was stopped, it was never faster than its rate.
  EXPECT_LE(static_cast<double>(published - 1), json_of(said)["seconds"].get<double>() * 1000 + 1);
}

TEST_F(Run, BringsTheQuotesThreeTimes) {
  const std::string quotes = MILLRACE_SOURCE_DIR "/../shared/data/aapl-2012-06-21-quotes.csv";
  if (!std::filesystem::exists(quotes)) GTEST_SKIP() << "no quotes here";
  const Outcome said = run_json({"--input", quotes, "--repeat", "3"});
  ASSERT_EQ(said.exit_code, 0) << said.out << said.err;
  expect_exact(json_of(said), 3 * 118'497);
}

// The canary of this family: a check that cannot fail proves nothing.
TEST_F(Run, AMessageMisreadByOneBitIsFound) {
  for (const char* policy : {"block", "lossy"}) {
    const Outcome said = run_json({"--input", file(some_lines(500)), "--plant-misread", "--policy",
                                   policy, "--subscribers", "2"});
    EXPECT_EQ(said.exit_code, 1) << said.out;
    const json result = json_of(said);
    EXPECT_FALSE(result["ok"]);
    EXPECT_FALSE(result["errors"].empty());
    EXPECT_FALSE(result["subscribers"][0]["checksum_ok"]);
    EXPECT_TRUE(result["subscribers"][1]["checksum_ok"]);
  }
}

}  // namespace
}  // namespace millrace
