// The bench of rivals, as far as it can be judged without a clock: who takes part, who is missing
// and why, and that nothing is left behind.
#include "command_fixture.hpp"

namespace millrace::testing_support {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Rivals : public CommandTest {
 protected:
  Outcome bench(std::vector<std::string> words) const {
    words.insert(words.begin(), {"bench", "rivals"});
    return run(words);
  }

  // Why a rival has no line; empty if it has one.
  static std::string missing(const nlohmann::json& report, const std::string& rival) {
    for (const auto& one : report["missing"]) {
      if (one["rival"] == rival) return one["why"];
    }
    return {};
  }

  static std::size_t lines(const nlohmann::json& report, const std::string& rival) {
    const auto& rows = report["rows"];
    return static_cast<std::size_t>(std::count_if(
        rows.begin(), rows.end(), [&](const auto& row) { return row["rival"] == rival; }));
  }

  static std::vector<std::string> left_behind() {
    std::vector<std::string> found;
    for (const auto& entry : std::filesystem::directory_iterator("/dev/shm")) {
      const std::string name = entry.path().filename().string();
      if (name.starts_with("millrace-rivals-") || name.starts_with("mrv")) found.push_back(name);
    }
    return found;
  }
};

TEST_F(Rivals, AreListedWithWhatTheyNeed) {
  const Outcome got = bench({"--list"});
  EXPECT_EQ(got.exit_code, 0) << got.err;
  EXPECT_THAT(got.out, HasSubstr("round-trip/32"));
  EXPECT_THAT(got.out, ContainsRegex("millrace +Millrace +there"));
}

TEST_F(Rivals, ThatNobodyKnowsAreRefusedBeforeAnythingIsMade) {
  for (const auto& words : std::vector<std::vector<std::string>>{
           {"round-trip/33"}, {"--rival", "carrier-pigeon"}, {"--cpus", "0,0"}, {"--loud"}}) {
    const Outcome got = bench(words);
    EXPECT_EQ(got.exit_code, 2) << got.out;
    EXPECT_THAT(got.err, HasSubstr(words.back()));
  }
}

// Slices that the machine disturbed give no line, and that is said; every message came right.
TEST_F(Rivals, PassEveryMessageUnharmed) {
  const Outcome got =
      bench({"--smoke", "--json", "round-trip/32", "stream/1024", "--rival", "bare-cpp,pipe"});
  ASSERT_EQ(got.exit_code, 0) << got.err;
  const auto report = json_of(got.out);
  for (const std::string rival : {"bare-cpp", "pipe"}) {
    const std::string why = missing(report, rival);
    EXPECT_TRUE(lines(report, rival) > 0 || why.find("agreed") != std::string::npos) << why;
  }
  EXPECT_THAT(left_behind(), IsEmpty());
}

TEST_F(Rivals, ThatFailSayWhyAndTheOthersGoOn) {
  const std::filesystem::path real = MILLRACE_BIN_DIR "/rivals";
  const std::filesystem::path programs = std::filesystem::path(file("x", "")).replace_filename("p");
  std::filesystem::create_directory(programs);
  std::filesystem::create_symlink(real / "rival-bare", programs / "rival-bare");
  std::ofstream(programs / "rival-kernel") << "#!/bin/sh\necho out of luck >&2\nexit 2\n";
  std::filesystem::permissions(programs / "rival-kernel", std::filesystem::perms::owner_all);
  const Outcome got = bench({"--smoke", "--json", "round-trip/32", "--rival",
                             "bare-cpp,pipe,boost-mq", "--programs", programs.string()});
  ASSERT_EQ(got.exit_code, 0) << got.err;
  const auto report = json_of(got.out);
  EXPECT_THAT(missing(report, "pipe"), HasSubstr("out of luck"));
  EXPECT_THAT(missing(report, "boost-mq"), HasSubstr("not installed"));
  EXPECT_THAT(left_behind(), IsEmpty());
}

TEST_F(Rivals, GoOnWhenOneOfThemIsKilled) {
  const Outcome got = bench({"--json", "--kills", "1", "kill/producer", "kill/consumer", "--rival",
                             "millrace", "--patience", "30"});
  ASSERT_EQ(got.exit_code, 0) << got.err;
  const auto report = json_of(got.out);
  ASSERT_EQ(report["rows"].size(), 2U) << got.out;
  for (const auto& row : report["rows"])
    EXPECT_EQ(row["still_waiting"], 0) << row;
  EXPECT_THAT(left_behind(), IsEmpty());
}

}  // namespace
}  // namespace millrace::testing_support
