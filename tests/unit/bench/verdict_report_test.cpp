#include "millrace/bench/verdict_report.hpp"

#include "simulated_reports.hpp"

#include <limits>
#include <nlohmann/json.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace::bench {
namespace {

using nlohmann::json;

CheckResult row(const char* name, Verdict verdict, const char* placement = "120 ns") {
  CheckResult made = exact_result(name, {.placement = placement}, 100, 101);
  conclude(made, verdict, verdict == Verdict::pass ? "" : "because");
  return made;
}

TEST(VerdictReport, EachCheckBelongsToItsModel) {
  EXPECT_EQ(model_of("throughput.count"), "throughput");
  EXPECT_EQ(model_of("latency.durable"), "latency");
  for (const char* name : {"little", "wake", "curve", "curve.burst", "curve.replay"})
    EXPECT_EQ(model_of(name), "latency") << name;
  EXPECT_EQ(model_of("availability"), "availability");
  EXPECT_EQ(model_of("sharing.balance"), "sharing");
  EXPECT_EQ(model_of("observer"), "");
  EXPECT_EQ(model_of("alibi"), "");
}

TEST(VerdictReport, AModelIsItsWorstRowAndPlacementsAreNotAveraged) {
  const auto report = make_verdict_report(
      {row("throughput.count", Verdict::pass), row("curve", Verdict::pass, "120 ns"),
       row("curve", Verdict::inconclusive, "550 ns"), row("little", Verdict::pass),
       row("sharing.count", Verdict::fail)});
  EXPECT_EQ(report.models[0].verdict, Verdict::pass);
  EXPECT_EQ(report.models[1].verdict, Verdict::inconclusive);
  EXPECT_EQ(report.models[1].worst, "curve at 550 ns");
  EXPECT_EQ(report.models[1].rows, 3U);
  EXPECT_EQ(report.models[2].verdict, Verdict::inconclusive);  // nothing was shown
  EXPECT_EQ(report.models[2].rows, 0U);
  EXPECT_EQ(report.models[3].verdict, Verdict::fail);
  EXPECT_EQ(report.verdict, Verdict::fail);
}

TEST(VerdictReport, TheProfilersOwnChecksSpoilTheReportAndNoModel) {
  const auto report =
      make_verdict_report({row("throughput.count", Verdict::pass), row("alibi", Verdict::fail)});
  EXPECT_EQ(report.verdict, Verdict::fail);
  EXPECT_EQ(report.models[0].verdict, Verdict::pass);
  EXPECT_EQ(make_verdict_report({}).verdict, Verdict::inconclusive);
}

TEST(VerdictReport, JsonNamesEveryCheckAndModel) {
  CheckResult endless = row("curve", Verdict::inconclusive);
  endless.seconds_needed = std::numeric_limits<double>::infinity();
  const auto report = make_verdict_report({row("throughput.count", Verdict::pass), endless});
  const json parsed = json::parse(verdict_json(report), nullptr, false);
  ASSERT_TRUE(parsed.is_object());
  ASSERT_EQ(parsed["checks"].size(), 2U);
  const json& first = parsed["checks"][0];
  EXPECT_EQ(first["name"], "throughput.count");
  EXPECT_EQ(first["verdict"], "PASS");
  for (const char* key :
       {"prediction", "measurement", "residual", "low", "high", "smallest_defect", "placement"})
    EXPECT_TRUE(first.contains(key)) << key;
  EXPECT_EQ(first["prediction"], 100);
  EXPECT_EQ(first["measurement"], 101);
  EXPECT_TRUE(parsed["checks"][1]["seconds_needed"].is_null());
  for (const char* model : {"throughput", "latency", "availability", "sharing"})
    EXPECT_TRUE(parsed["models"][model]["verdict"].is_string()) << model;
  EXPECT_EQ(parsed["models"]["availability"]["rows"], 0);
  EXPECT_EQ(parsed["verdict"], "INCONCLUSIVE");
  EXPECT_EQ(parsed["exit_code"], 3);
}

// 200 reports of twelve rows in three placements, every one of them exactly at its limit.
TEST(VerdictReport, AtTheLimitsReportsFailAsSeldomAsPromised) {
  const auto report = [](std::uint64_t seed) {
    Noise noise(seed, 0.01);
    std::vector<CheckResult> rows;
    for (int at = 0; at < 36; ++at) {
      const Replicates found{.ratios = restarts_of([&] { return 1.15 * noise(); }),
                             .control = restarts_of([&] { return noise(); }),
                             .slices = 400};
      rows.push_back(judge_ratio("latency.sum", kHere, 160, {0.85, 1.15}, found));
    }
    return make_verdict_report(std::move(rows));
  };
  EXPECT_LE(reports(Verdict::fail, report), kFalseFails);
}

}  // namespace
}  // namespace millrace::bench
