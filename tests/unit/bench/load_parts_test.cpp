// The parts of the load generator: what it does with a message, which time it misses, and whether
// it was late by its own fault.
#include "millrace/bench/load_handler.hpp"
#include "millrace/bench/load_slip.hpp"

#include <array>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace millrace::bench {
namespace {

TEST(GapMeter, NotesTurnsThatTookTooLongWithTheirPlace) {
  std::array<Gap, 2> places{};
  GapMeter meter(places, 300);
  meter.restart(1000);
  for (const std::uint64_t now : {1100U, 1400U, 1700U, 2001U, 2002U})
    meter.see(now);
  ASSERT_EQ(meter.count(), 1U);
  EXPECT_EQ(places[0].begin, 1700U);
  EXPECT_EQ(places[0].length, 301U);
  meter.see_work(4000, 1500);  // 1998 ticks: 498 more than usual
  ASSERT_EQ(meter.count(), 2U);
  EXPECT_EQ(places[1].begin, 3502U);
  EXPECT_EQ(places[1].length, 498U);
  meter.restart(9000);  // nobody's time
  meter.see(9001);
  EXPECT_EQ(meter.count(), 2U);
  meter.see(10'000);
  EXPECT_EQ(meter.count(), 2U);
  EXPECT_EQ(meter.lost(), 1U);
}

TEST(LoadHandler, EveryFormIsReadBackFromItsText) {
  for (const char* text : {"none", "work:2000ns", "work:5000x", "deadline:1500ns"})
    EXPECT_EQ(to_string(parse_handler(text).value()), text);
  EXPECT_EQ(parse_handler("deadline:2us")->ns, 2000);
}

TEST(LoadHandler, WhatCannotBeIsRefused) {
  for (const char* text : {"", "work", "work:", "work:0x", "work:x", "work:-1us", "work:2s",
                           "deadline:5x", "sleep:1ms", "work:1.5x", "none:1"}) {
    const auto parsed = parse_handler(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_NE(parsed.error().sentence().find("deadline:2us"), std::string::npos) << text;
  }
  const auto library = parse_handler("lib:nowhere.so");
  ASSERT_FALSE(library);
  EXPECT_EQ(library.error().code(), Errc::not_found);
}

// No time is judged here beyond what the clock itself must say.
TEST(LoadHandler, DeadlineLastsAtLeastSoLongAndWorkDoesItsIterations) {
  const Clock clock = Clock::local();
  std::array<Gap, 64> places{};
  GapMeter gaps(places, clock.duration_ticks(kGapThresholdNs));
  RunningHandler deadline(*parse_handler("deadline:50us"), clock);
  const std::uint64_t began = clock.ticks();
  gaps.restart(began);
  const std::uint64_t ended = deadline.handle({}, began, gaps);
  EXPECT_GE(clock.duration_ns(ended - began), 49'999U);
  EXPECT_EQ(RunningHandler(*parse_handler("work:777x"), clock).iterations(), 777U);
  EXPECT_GT(RunningHandler(*parse_handler("work:10us"), clock).iterations(), 1000U);
  EXPECT_EQ(work(0, 5), 5U);
  EXPECT_NE(work(1, 5), work(2, 5));
}

TEST(LoadHandler, TheUsersOwnFunctionSeesTheBytes) {
  std::string seen;
  LoadHandler own;
  own.kind = LoadHandler::Kind::user;
  own.function = [&seen](std::span<const std::byte> bytes) {
    seen.assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  };
  const Clock clock = Clock::local();
  std::array<Gap, 4> places{};
  GapMeter gaps(places, 300);
  const std::string text = "message";
  RunningHandler(own, clock).handle(std::as_bytes(std::span(text)), clock.ticks(), gaps);
  EXPECT_EQ(seen, text);
  EXPECT_EQ(to_string(own), "own function");
}

struct Generated {
  std::vector<std::uint64_t> intended;
  std::vector<std::uint64_t> began;
  std::vector<std::uint64_t> published;
  std::vector<Gap> gaps;

  // A generator that needs `cost` a message and stands still in its gaps.
  static Generated at_rate(std::uint64_t gap_ns, std::uint64_t cost_ns, std::vector<Gap> gaps) {
    Generated run;
    run.gaps = std::move(gaps);
    std::uint64_t free_ns = 0;
    for (std::uint64_t each = 0; each < 10'000; ++each) {
      const std::uint64_t due = each * gap_ns;
      std::uint64_t at = std::max(due, free_ns);
      for (const Gap& gap : run.gaps) {
        if (at >= gap.begin && at < gap.begin + gap.length) at = gap.begin + gap.length;
      }
      run.intended.push_back(due);
      run.began.push_back(at);
      run.published.push_back(at + cost_ns);
      free_ns = at + cost_ns;
    }
    return run;
  }

  [[nodiscard]] SlipAccount account(std::uint64_t full_ns = 0) const {
    return account_slip({intended, began, published, gaps, full_ns});
  }
};

TEST(Slip, OfAGapAndTheWayBackFromItIsExplained) {
  // 1 ms lost; 100 messages a ms at 4 us each: some 66 more are late until it has caught up.
  const Generated run = Generated::at_rate(10'000, 4'000, {{5'000'000, 1'000'000}});
  const SlipAccount account = run.account();
  EXPECT_GT(account.max_ns, 900'000);
  EXPECT_GT(account.explained, 150U);
  EXPECT_LT(account.explained, 180U);
  EXPECT_EQ(account.own_p99_ns, 0);
  EXPECT_TRUE(slip_acceptable(account, 1'000, 200));
}

TEST(Slip, ThatNoGapExplainsIsTheGeneratorsOwn) {
  Generated run = Generated::at_rate(10'000, 4'000, {{5'000'000, 1'000'000}});
  run.gaps.clear();  // the same lateness, and the meter saw nothing
  EXPECT_GT(run.account().own_p99_ns, 100'000);
  EXPECT_FALSE(slip_acceptable(run.account(), 1'000, 200));
}

TEST(Slip, OfAGeneratorThatIsTooSlowIsNotForgivenByOneGap) {
  const Generated run = Generated::at_rate(1'000, 1'500, {});
  EXPECT_FALSE(slip_acceptable(run.account(), 5'000, 200));
  EXPECT_NEAR(run.account().achieved_share, 0.667, 0.01);
}

TEST(Slip, BehindAFullRingIsExplained) {
  Generated run = Generated::at_rate(10'000, 4'000, {});
  run.published[10] += 500'000;  // it waited for room
  for (std::size_t each = 11; each < 400; ++each) {
    run.began[each] = run.published[each - 1];
    run.published[each] = run.began[each] + 9'900;
  }
  EXPECT_FALSE(slip_acceptable(run.account(), 1'000, 200)) << "without knowing of the full ring";
  EXPECT_TRUE(slip_acceptable(run.account(100'000), 1'000, 200));
}

TEST(Slip, OfMessagesThatAreDueAtOnceIsTheLoadsDoing) {
  Generated run;
  for (std::uint64_t batch = 0; batch < 1000; ++batch) {
    for (std::uint64_t each = 0; each < 16; ++each) {
      run.intended.push_back(batch * 100'000);
      run.began.push_back(batch * 100'000 + each * 100);
      run.published.push_back(run.began.back() + 100);
    }
  }
  EXPECT_EQ(run.account().own_p99_ns, 0);
}

}  // namespace
}  // namespace millrace::bench
