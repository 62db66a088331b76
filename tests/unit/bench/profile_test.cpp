// Analysis and reports of a profile over evidence made by hand: every figure is known.
#include "millrace/bench/hlog.hpp"
#include "millrace/bench/profile_checks.hpp"
#include "millrace/bench/profile_compare.hpp"
#include "millrace/bench/profile_report.hpp"
#include "millrace/bench/profile_whatif.hpp"

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace::bench {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

constexpr std::uint64_t kEveryNs = 10'000;
constexpr std::uint64_t kServiceNs = 2'000;
constexpr std::uint64_t kHandOverNs = 200;
constexpr std::uint64_t kMessages = 500;

// One restart of an even load that nobody disturbs, but for one gap of the reader.
LoadEvidence made_up(std::uint32_t restart, std::uint64_t gap_ns = 0, std::uint64_t slower = 0) {
  LoadEvidence evidence;
  evidence.restart = restart;
  LoadSlice slice{SliceKind::load, 0, kMessages, 120, 121, 10'000, 0, {}, {}, 0, 0};
  std::uint64_t free = 0;
  const std::uint64_t gap_at = slice.begin_ns + 100 * kEveryNs + 5'000;
  if (gap_ns != 0) evidence.subscriber_gaps.push_back({gap_at, gap_ns});
  for (std::uint64_t each = 0; each < kMessages; ++each) {
    const std::uint64_t due = slice.begin_ns + each * kEveryNs;
    evidence.intended.push_back(due);
    evidence.began.push_back(due + 10);
    evidence.published.push_back(due + 40);
    std::uint64_t visible = std::max(due + 40 + kHandOverNs, free);
    if (gap_ns != 0 && visible >= gap_at && visible < gap_at + gap_ns) visible = gap_at + gap_ns;
    evidence.visible.push_back(visible);
    free = visible + kServiceNs + slower;
    evidence.processed.push_back(free);
    evidence.durable.push_back(0);
  }
  slice.end_ns = free;
  evidence.slices.push_back(slice);
  evidence.bare_ns = {120, 121};
  evidence.counts.sent = evidence.counts.received = kMessages;
  return evidence;
}

ProfileRun made_up_run(std::uint64_t gap_ns = 0, std::uint64_t slower = 0) {
  ProfileRun run;
  run.options.plan.shape = parse_load("constant:rate=100k").value();
  run.options.plan.handler = parse_handler("deadline:2us").value();
  run.options.plan.cpus = {0, 1};
  run.calibration.service = {kServiceNs};
  run.calibration.service_ns = kServiceNs;
  run.calibration.hand_over_ns = kHandOverNs;
  for (std::uint32_t restart = 0; restart < 5; ++restart) {
    run.load.push_back(made_up(restart, gap_ns, slower + restart));
    run.control.push_back(made_up(restart, 0, restart));
  }
  return run;
}

LoadPicture picture_for(const ProfileRun& run) {
  return picture_of(run.load, run.calibration.service_ns, run.calibration.hand_over_ns,
                    Handling::deadline);
}

std::string report_of(const ProfileRun& run) {
  return profile_json(run, picture_for(run), ProfileVerdicts{});
}

TEST(LoadAnalysis, PartsOfAMessageAddUpToItsLatency) {
  const LoadEvidence evidence = made_up(0);
  const MessageTimes times = times_of(evidence, evidence.slices[0], 7);
  EXPECT_EQ(times.slip, 10);
  EXPECT_EQ(times.enqueue, 30);
  EXPECT_EQ(times.wait, 0);
  EXPECT_EQ(times.transfer, 200);
  EXPECT_EQ(times.handling, 2000);
  EXPECT_EQ(times.total, 2240);
}

TEST(LoadAnalysis, TheSlowestMessagesNameTheGapThatHeldThemUp) {
  const ProfileRun run = made_up_run(1'000'000);
  const LoadPicture picture = picture_for(run);
  ASSERT_EQ(picture.slowest.size(), kSlowest);
  EXPECT_GT(picture.slowest[0].times.total, 900'000);
  EXPECT_THAT(picture.slowest[0].cause, HasSubstr("the reader's processor was away for 1000 us"));
  EXPECT_GE(picture.slowest[0].times.total, picture.slowest[4].times.total);
}

TEST(LoadAnalysis, AQuietCoreHasNoGap) {
  const LoadPicture picture = picture_for(made_up_run(1'000'000));
  const auto measured = figures_of(HistogramView(*picture.from_intended));
  const auto quiet = figures_of(HistogramView(*picture.quiet));
  EXPECT_GT(measured.max, 900'000);
  EXPECT_LT(quiet.max, 2'400);
  EXPECT_EQ(picture.messages, 5 * kMessages);
  std::uint64_t painted = 0;
  for (const auto& window : picture.heat) {
    for (const std::uint32_t count : window)
      painted += count;
  }
  EXPECT_EQ(painted, picture.messages);
}

TEST(LoadAnalysis, GapsAreCutToTheTimeAskedFor) {
  const std::vector<Gap> gaps = {{100, 50}, {200, 100}, {400, 10}};
  const GapSum sum = gaps_within(gaps, 120, 250);
  EXPECT_EQ(sum.count, 2);
  EXPECT_EQ(sum.total_ns, 30 + 50);
  EXPECT_EQ(sum.max_ns, 50);
  EXPECT_EQ(gaps_within(gaps, 300, 400).count, 0);
}

TEST(RateSearch, ATrendIsToldFromNoise) {
  EXPECT_TRUE(grows(std::vector<double>{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}));
  EXPECT_FALSE(grows(std::vector<double>{5, 3, 6, 2, 7, 4, 5, 3, 6, 4}));
  EXPECT_FALSE(grows(std::vector<double>{1, 2, 3}));
}

TEST(ProfileOptions, GoalsAreReadAndWritten) {
  EXPECT_EQ(to_string(parse_slo("p99=10us").value()), "p99=10us");
  EXPECT_EQ(parse_slo("p99.9=1ms")->ns, 1e6);
  EXPECT_EQ(parse_slo("max=5ms")->percent, 100);
  for (const char* text : {"", "p99", "p99=", "99=10us", "p0=1us", "p101=1us", "p99=-1us", "p=1us"})
    EXPECT_FALSE(parse_slo(text)) << text;
}

TEST(ProfileReport, EveryFormSaysTheSame) {
  const ProfileRun run = made_up_run();
  const std::string text = report_of(run);
  const json report = json::parse(text);
  EXPECT_EQ(report["schema"], "millrace-profile/1");
  EXPECT_EQ(report["integrity"]["sent"], 5 * kMessages);
  EXPECT_EQ(report["per_restart"].size(), 5U);
  const double p50 = report["latency"]["from_intended"]["p50_ns"];
  EXPECT_NEAR(p50, 2240, 20);
  EXPECT_THAT(profile_text(text).value(), HasSubstr("2.24 us"));
  EXPECT_THAT(profile_prometheus(text).value(),
              HasSubstr("millrace_profile_messages_total{fate=\"sent\"} 2500\n"));
  EXPECT_THAT(fit_text(text).value(), HasSubstr("fit for verdicts"));
}

TEST(ProfileReport, ThePageHoldsTheReportAndNeedsNothingElse) {
  ProfileRun run = made_up_run();
  run.notes.emplace_back("</script><b>@PAGE_JS@");
  const std::string page = profile_page(report_of(run)).value();
  EXPECT_THAT(page, HasSubstr("\"schema\":\"millrace-profile/1\""));
  EXPECT_EQ(page.find("</script><b>"), std::string::npos) << "what it reports cannot end it";
  EXPECT_EQ(page.find("src="), std::string::npos);
  EXPECT_EQ(page.find("@REPORT@"), std::string::npos);
}

TEST(ProfileReport, WhatIsNoReportIsRefused) {
  for (const char* text : {"", "[]", "{}", "{\"schema\":\"other\"}", "{"}) {
    EXPECT_EQ(profile_text(text).error().code(), Errc::format) << text;
    EXPECT_EQ(profile_page(text).error().code(), Errc::format) << text;
  }
}

TEST(Calibration, IsReadBackFromItsFrozenTextAndNotFromAChangedOne) {
  LoadCalibration calibration;
  calibration.service = {1990, 2000, 2010};
  calibration.places = {{120, 200}, {550, 300}};
  calibration.enqueue_ns = 20;
  std::string text = freeze_calibration(calibration, made_up_run().options.plan);
  const auto thawed = thaw_calibration(text);
  ASSERT_TRUE(thawed);
  EXPECT_EQ(thawed->service_ns, 2000);
  EXPECT_EQ(thawed->hand_over_at(500), 300);
  EXPECT_EQ(thawed->hand_over_at(100), 200);
  const std::size_t digit = text.find("2010");
  ASSERT_NE(digit, std::string::npos);
  text[digit] = '3';
  EXPECT_EQ(thaw_calibration(text).error().code(), Errc::format);
}

TEST(Whatif, AnswersFromTheReplayAndSaysWhereItsCheckDidNotPass) {
  const std::vector<std::uint64_t> arrivals = {0, 10'000, 20'000, 30'000};
  const auto answers = ask_profile(report_of(made_up_run()), arrivals, 2, 0.5);
  ASSERT_TRUE(answers) << answers.error().sentence();
  ASSERT_EQ(answers->size(), 1U);
  EXPECT_FALSE(answers->front().answer.supported) << "no check was made";
  EXPECT_NEAR(answers->front().answer.load, 0.3, 0.11);
  EXPECT_THAT(whatif_text(*answers), HasSubstr("NOT SUPPORTED"));
  EXPECT_EQ(json::parse(whatif_json(*answers))["answers"].size(), 1U);
  EXPECT_EQ(ask_profile("{}", arrivals, 1, 0).error().code(), Errc::format);
}

TEST(Whatif, FactorsAndSharesAreRead) {
  EXPECT_EQ(parse_factor("2x").value(), 2);
  EXPECT_EQ(parse_share("20%").value(), 0.2);
  for (const char* text : {"", "2", "x", "-1x", "2xx"})
    EXPECT_FALSE(parse_factor(text)) << text;
  for (const char* text : {"", "20", "%", "-100%"})
    EXPECT_FALSE(parse_share(text)) << text;
}

TEST(Compare, TheSameIsNoDifferenceAndSlowerIsSeen) {
  const std::string a = report_of(made_up_run());
  const auto same = compare_profiles(a, a);
  ASSERT_TRUE(same);
  EXPECT_EQ(exit_code(*same), 0);
  const std::string b = report_of(made_up_run(0, 300));
  const auto slower = compare_profiles(a, b);
  ASSERT_TRUE(slower);
  EXPECT_EQ(slower->figures[0].difference, Difference::slower);
  EXPECT_EQ(exit_code(*slower), 1);
  EXPECT_EQ(compare_profiles(b, a)->figures[0].difference, Difference::faster);
  EXPECT_THAT(compare_text(*slower), HasSubstr("slower"));
  EXPECT_EQ(json::parse(compare_json(*slower))["exit_code"], 1);
}

TEST(Compare, IsVoidWhereTheNullIsNotOne) {
  ProfileRun other = made_up_run(0, 300);
  for (LoadEvidence& one : other.control)
    one = made_up(one.restart, 0, 500);
  const auto compared = compare_profiles(report_of(made_up_run()), report_of(other));
  ASSERT_TRUE(compared);
  EXPECT_EQ(compared->figures[0].difference, Difference::void_);
  EXPECT_EQ(exit_code(*compared), 3);
}

TEST(Compare, RefusesOtherLoadsAndTooFewRestarts) {
  const std::string a = report_of(made_up_run());
  ProfileRun other = made_up_run();
  other.options.plan.shape.rate = 5;
  EXPECT_EQ(compare_profiles(a, report_of(other)).error().code(), Errc::bad_argument);
  other = made_up_run();
  other.load.resize(2);
  EXPECT_EQ(compare_profiles(a, report_of(other)).error().code(), Errc::bad_argument);
}

TEST(Hlog, HasItsLegendAndARowForEachTag) {
  const auto bytes = std::make_unique<layout::HistogramBytes>();
  Histogram histogram(*bytes);
  histogram.record(1'000'000, 3);
  const auto text = hlog_text(1'500'000'000'000, "test", {{"wait", 0, 2.5, histogram}});
  if (!text) GTEST_SKIP() << text.error().sentence();
  EXPECT_THAT(*text, HasSubstr("#[Histogram log format version 1.3]\n"));
  EXPECT_THAT(*text, HasSubstr("#[StartTime: 1500.000 (seconds since epoch)]\n"));
  EXPECT_THAT(*text, HasSubstr("Tag=wait,0.000,2.500,1.000,HISTFAAA"));
}

}  // namespace
}  // namespace millrace::bench
