// millrace profile and compare, as a user runs them. No verdict on time is expected to be PASS: the
// machine may be as busy as it likes. Counts are exact all the same.
#include "command_fixture.hpp"

namespace millrace::testing_support {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

class Profile : public CommandTest {
 protected:
  // A short run; its JSON.
  json profile(std::vector<std::string> more, int* exit_code = nullptr) const {
    std::vector<std::string> words = {"profile",           "--quick",    "--seconds", "0.2",
                                      "--no-search",       "--no-curve", "--quiet",   "--load",
                                      "constant:rate=20k", "--json",     "-"};
    words.insert(words.end(), more.begin(), more.end());
    const Outcome got = run(words);
    if (exit_code != nullptr) *exit_code = got.exit_code;
    EXPECT_NE(got.exit_code, 2) << got.out << got.err;
    return json_of(got.out);
  }

  static std::string verdict_of(const json& report, const std::string& check) {
    for (const json& row : report["checks"]) {
      if (row["name"] == check) return row["verdict"];
    }
    return "missing";
  }
};

TEST_F(Profile, ReportsALoadInEveryForm) {
  const std::string base = scratch_ / "report";
  const Outcome got =
      run({"profile", "--quick", "--seconds", "0.2", "--no-search", "--quiet", "--load",
           "poisson:rate=20k", "--handler", "work:2us", "--slo", "p99=10us", "--json",
           base + ".json", "--report", base + ".html", "--prometheus", base + ".prom"});
  EXPECT_NE(got.exit_code, 2) << got.err;
  EXPECT_THAT(got.out, HasSubstr("latency "));
  EXPECT_THAT(got.out, HasSubstr("on a quiet core"));
  EXPECT_THAT(got.out, HasSubstr("throughput.count"));
  std::ifstream file(base + ".json");
  const json report = json::parse(file, nullptr, false);
  ASSERT_FALSE(report.is_discarded());
  EXPECT_EQ(report["load"], "poisson:rate=20000");
  EXPECT_EQ(report["integrity"]["lost"], 0);
  EXPECT_EQ(report["integrity"]["sent"], report["integrity"]["received"]);
  EXPECT_EQ(report["slowest"].size(), 5U);
  EXPECT_GT(std::filesystem::file_size(base + ".html"), 20'000U);
  EXPECT_GT(std::filesystem::file_size(base + ".prom"), 500U);
  // Nothing of it stays in the domain.
  for (const std::string& name : names())
    EXPECT_EQ(name.find("profile-"), std::string::npos) << name;
}

TEST_F(Profile, PlantedDefectsOfCountingFlipTheirVerdictToFail) {
  for (const char* plant : {"drop", "duplicate", "wrong-byte", "counter"}) {
    int exit_code = 0;
    const json report = profile({"--plant", plant}, &exit_code);
    EXPECT_EQ(verdict_of(report, "throughput.count"), "FAIL") << plant;
    EXPECT_EQ(exit_code, 1) << plant;
  }
  EXPECT_NE(verdict_of(profile({}), "throughput.count"), "FAIL");
}

TEST_F(Profile, ALossyChannelCountsItsLossAndDoesNotFailForIt) {
  const json report = profile({"--policy", "lossy", "--ring", "16K", "--load",
                               "burst:rate=50k,size=2000", "--handler", "work:20us"});
  EXPECT_GT(report["integrity"]["lost"], 0);
  EXPECT_EQ(report["integrity"]["lost"], report["integrity"]["transport_lost"]);
  EXPECT_EQ(verdict_of(report, "throughput.count"), "missing");
}

TEST_F(Profile, ReplaysArrivalsOfAFile) {
  const std::string csv = file("times.csv", "time\n0\n1000\n1500\n9000\n");
  EXPECT_EQ(profile({"--load", "replay:" + csv + ",unit=us"})["load"],
            "replay:" + csv + ",unit=us");
}

TEST_F(Profile, ComparesAReportWithItself) {
  const std::string path = file("a.json", profile({}).dump());
  const Outcome same = run({"compare", path, path});
  EXPECT_THAT(same.out, HasSubstr("B / A, 98 %"));
  EXPECT_EQ(same.exit_code, 0) << same.out << same.err;
  EXPECT_EQ(run({"compare", path, scratch_ / "none.json"}).exit_code, 2);
  EXPECT_EQ(run({"compare", path, file("b.json", "{}")}).exit_code, 2);
}

TEST_F(Profile, WrongUseIsOneSentenceAndLeavesNothing) {
  const auto refused = [&](std::vector<std::string> words, const char* hint) {
    words.insert(words.begin(), "profile");
    const Outcome got = run(words);
    EXPECT_EQ(got.exit_code, 2) << got.out;
    EXPECT_THAT(got.err, HasSubstr(hint));
    EXPECT_EQ(std::count(got.err.begin(), got.err.end(), '\n'), 1) << got.err;
  };
  refused({"--load", "poisson:rate=0"}, "is no rate");
  refused({"--handler", "sleep:1"}, "there is no such handler");
  refused({"--slo", "fast"}, "is no goal");
  refused({"--size", "4"}, "write at least 8");
  refused({"--cpus", "0,0"}, "two different processors");
  refused({"--policy", "maybe"}, "block, evict or lossy");
  refused({"--quick", "--full"}, "choose one");
  refused({"--report", "/nowhere/x.html"}, "cannot write");
  refused({"--load", "replay:/nowhere.csv"}, "cannot read the arrivals");
  EXPECT_FALSE(std::filesystem::exists(domain()));
}

}  // namespace
}  // namespace millrace::testing_support
