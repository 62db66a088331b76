// One total order, as the commands make it, show it, check it and refuse it.
#include "run_fixture.hpp"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace millrace {
namespace {

using nlohmann::json;
using testing_support::Outcome;

class OneOrder : public testing_support::RunFixture {
 protected:
  // A command that must go well.
  Outcome good(const std::vector<std::string>& arguments, std::string_view input = {}) const {
    Outcome said = millrace(arguments, input);
    EXPECT_EQ(said.exit_code, 0) << said.out << said.err;
    return said;
  }

  // Refused in one sentence that contains `hint`.
  void expect_refusal(const std::vector<std::string>& arguments, const std::string& hint) const {
    const Outcome said = millrace(arguments, "text\n");
    EXPECT_EQ(said.exit_code, 2) << said.out << said.err;
    EXPECT_EQ(std::count(said.err.begin(), said.err.end(), '\n'), 1) << said.err;
    EXPECT_NE(said.err.find(hint), std::string::npos) << said.err;
  }

  [[nodiscard]] std::string lines(int count) const {
    std::string text;
    for (int line = 0; line != count; ++line)
      text += std::to_string(line) + std::string(static_cast<unsigned>(line) % 90, '.') + "\n";
    return file(text);
  }
};

TEST_F(OneOrder, PublishersGoOnBehindEachOther) {
  good({"pub", "c", "--order", "total", "--name", "a"}, "one\ntwo\n");
  good({"pub", "c", "--name", "b"}, "three\n");
  good({"pub", "c", "--order", "total", "--name", "a"}, "four\n");
  const Outcome heard = good({"sub", "c", "--from", "oldest", "--count", "4", "--timeout", "10"});
  EXPECT_EQ(heard.out, "one\ntwo\nthree\nfour\n");
}

TEST_F(OneOrder, StatSaysHowFarItIs) {
  good({"pub", "c", "--order", "total", "--name", "a"}, "one\ntwo\n");
  good({"pub", "c", "--name", "b"}, "three\n");
  const json told = json_of(good({"stat", "c", "--json", "--interval", "0"}));
  EXPECT_EQ(told["options"]["order"], "total");
  EXPECT_EQ(told["order"]["messages"], 3);
  EXPECT_EQ(told["order"]["publishes"], 3);
  const std::string text = good({"stat", "c", "--interval", "0"}).out;
  EXPECT_NE(text.find("one order"), std::string::npos) << text;
  EXPECT_NE(text.find("order: 3 messages in 3 publishes"), std::string::npos) << text;
}

TEST_F(OneOrder, StatOfAChannelByLaneSaysSo) {
  good({"pub", "c"}, "one\n");
  const json told = json_of(good({"stat", "c", "--json", "--interval", "0"}));
  EXPECT_EQ(told["options"]["order"], "lane");
  EXPECT_TRUE(told["order"].is_null());
}

class OneOrderRun : public OneOrder, public ::testing::WithParamInterface<const char*> {};

// Every subscriber has received and lost, together, what was published, to the byte.
TEST_P(OneOrderRun, IsCheckedToTheLastByte) {
  const Outcome said =
      millrace({"run", "--json", "--order", "total", "--policy", GetParam(), "--input", lines(3000),
                "--publishers", "3", "--subscribers", "2", "--ring", "16K", "--repeat", "5"});
  ASSERT_EQ(said.exit_code, 0) << said.out << said.err;
  const json result = json_of(said);
  EXPECT_TRUE(result["ok"]) << result;
  EXPECT_EQ(result["order"], "total");
  EXPECT_EQ(result["published"], 45'000);
  for (const json& subscriber : result["subscribers"]) {
    const std::uint64_t lost = subscriber["lost"];
    EXPECT_EQ(subscriber["received"].get<std::uint64_t>() + lost, 45'000U);
    EXPECT_TRUE(lost == 0 || std::string(GetParam()) != "block") << lost;
  }
  expect_nothing_left();
}

INSTANTIATE_TEST_SUITE_P(Policies, OneOrderRun, ::testing::Values("block", "evict", "lossy"),
                         [](const auto& policy) { return std::string(policy.param); });

// What a check that finds nothing is worth.
TEST_F(OneOrder, ARunFindsAByteThatDiffers) {
  const Outcome said = millrace({"run", "--json", "--order", "total", "--input", lines(500),
                                 "--publishers", "2", "--plant-misread"});
  EXPECT_EQ(said.exit_code, 1) << said.out << said.err;
  EXPECT_FALSE(json_of(said)["ok"]);
}

TEST_F(OneOrder, TelemetryRunsThroughMemoryAlone) {
  const Outcome said = millrace({"run", "--json", "--order", "total", "--seconds", "0.3"});
  ASSERT_EQ(said.exit_code, 0) << said.out << said.err;
  const json result = json_of(said);
  EXPECT_GT(result["published"], 100);
  EXPECT_TRUE(result["journal"].is_null()) << result["journal"];
  expect_nothing_left();
}

TEST_F(OneOrder, WrongWordsAndCombinationsAreRefused) {
  expect_refusal({"pub", "c", "--order", "sideways"}, "lane, total");
  expect_refusal({"run", "--order", "sideways"}, "lane, total");
  expect_refusal({"run", "--order", "total", "--journal", directory / "log"}, "--journal");
  EXPECT_FALSE(std::filesystem::exists(domain));
  EXPECT_FALSE(std::filesystem::exists(directory / "log"));
  expect_refusal({"pub", "c", "--order", "total", "--ring", "16G"}, "too large");
  EXPECT_FALSE(std::filesystem::exists(domain + "/c"));
}

TEST_F(OneOrder, AChannelByLaneIsNotMistakenForOne) {
  good({"pub", "c"}, "one\n");
  expect_refusal({"pub", "c", "--order", "total"}, "order");
}

// The journal of a lossy recording would keep lanes, and so would lose the order.
TEST_F(OneOrder, IsNotRecorded) {
  good({"pub", "c", "--order", "total"}, "one\n");
  expect_refusal({"record", "c", "--volatile", "--journal", directory / "log"}, "one order");
  EXPECT_EQ(millrace({"stat", "c", "--json", "--interval", "0"}).exit_code, 0);
}

}  // namespace
}  // namespace millrace
