// Replaying a journal: any range, as fast as possible or as it was, of a log that rests or grows.
#include "millrace/persist/replayer.hpp"

#include "persist/recorder_fixture.hpp"

namespace millrace {
namespace {

using testing_support::code_of;
using testing_support::kWatchdog;
using testing_support::NumberedMessage;
using testing_support::RecorderThread;
using testing_support::said;

constexpr std::size_t kMost = 400;

class ReplayerTest : public testing_support::RecorderTest {
 protected:
  using Seen = std::vector<std::pair<std::string, Sequence>>;

  void record(const std::string& channel_name, const std::string& name, int messages) {
    auto channel = domain_->channel(channel_name, durable_options());
    ASSERT_TRUE(channel) << said(channel);
    RecorderThread recorder(enter("recorder"), log_options(), {channel_name});
    ASSERT_EQ(recorder.opened(), "");
    Publisher source = publisher(*channel, name);
    for (int i = 0; i < messages; ++i)
      ASSERT_EQ(send_next(source, name, kMost), "");
    ASSERT_EQ(recorder.end(), "");
  }

  [[nodiscard]] ReplayOptions options() const {
    ReplayOptions options;
    options.directory = journal();
    return options;
  }

  // Everything until the end of the range.
  static void replay(const ReplayOptions& options, Seen& seen) {
    auto replayer = Replayer::open(options);
    ASSERT_TRUE(replayer) << said(replayer);
    for (;;) {
      const auto message = replayer->next();
      ASSERT_TRUE(message) << said(message);
      if (!*message) break;
      const std::string producer((*message)->producer);
      ASSERT_TRUE(NumberedMessage(producer, (*message)->sequence, kMost).is((*message)->bytes))
          << producer << " " << (*message)->sequence;
      seen.emplace_back(producer, (*message)->sequence);
    }
    EXPECT_TRUE(replayer->done());
  }

  static Seen run(const std::string& producer, Sequence from, Sequence to) {
    Seen all;
    for (Sequence i = from; i < to; ++i)
      all.emplace_back(producer, i);
    return all;
  }
};

TEST_F(ReplayerTest, GivesAllOfTheOnlyChannel) {
  ASSERT_NO_FATAL_FAILURE(record("orders", "feed", 3000));
  Seen seen;
  ASSERT_NO_FATAL_FAILURE(replay(options(), seen));
  EXPECT_EQ(seen, run("feed", 0, 3000));
}

TEST_F(ReplayerTest, GivesARangeOfSequences) {
  ASSERT_NO_FATAL_FAILURE(record("orders", "feed", 3000));
  ReplayOptions range = options();
  range.from = 1234;
  range.to = 2345;
  Seen seen;
  ASSERT_NO_FATAL_FAILURE(replay(range, seen));
  EXPECT_EQ(seen, run("feed", 1234, 2345));
}

TEST_F(ReplayerTest, GivesOneProducerOrAllInTheOrderOfTheLog) {
  ASSERT_NO_FATAL_FAILURE(record("orders", "one", 100));
  ASSERT_NO_FATAL_FAILURE(record("orders", "two", 50));
  ASSERT_NO_FATAL_FAILURE(record("orders", "one", 100));
  Seen expected = run("one", 0, 100);
  const Seen two = run("two", 0, 50);
  const Seen rest = run("one", 100, 200);
  expected.insert(expected.end(), two.begin(), two.end());
  expected.insert(expected.end(), rest.begin(), rest.end());
  Seen all;
  ASSERT_NO_FATAL_FAILURE(replay(options(), all));
  EXPECT_EQ(all, expected);
  ReplayOptions only = options();
  only.producer = "two";
  Seen seen;
  ASSERT_NO_FATAL_FAILURE(replay(only, seen));
  EXPECT_EQ(seen, two);
  ReplayOptions ranges = options();
  ranges.from = 40;
  ranges.to = 60;
  Seen both;
  ASSERT_NO_FATAL_FAILURE(replay(ranges, both));
  EXPECT_EQ(both.size(), 30U) << "20 of one, and 10 of two";
}

TEST_F(ReplayerTest, GivesARangeOfTime) {
  const auto now_ns = [] {
    return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(
                                          std::chrono::system_clock::now().time_since_epoch())
                                          .count());
  };
  std::vector<std::uint64_t> moments;
  for (int i = 0; i < 3; ++i) {
    ASSERT_NO_FATAL_FAILURE(record("orders", "feed", 100));
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    moments.push_back(now_ns());
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  ReplayOptions range = options();
  range.from_ns = moments[0];
  range.to_ns = moments[1];
  Seen seen;
  ASSERT_NO_FATAL_FAILURE(replay(range, seen));
  EXPECT_EQ(seen, run("feed", 100, 200));
}

TEST_F(ReplayerTest, KeepsThePaceThatWasRecorded) {
  ASSERT_NO_FATAL_FAILURE(record("orders", "feed", 10));
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  ASSERT_NO_FATAL_FAILURE(record("orders", "feed", 10));
  ReplayOptions paced = options();
  paced.speed = 2;
  const auto began = std::chrono::steady_clock::now();
  Seen seen;
  ASSERT_NO_FATAL_FAILURE(replay(paced, seen));
  EXPECT_EQ(seen, run("feed", 0, 20));
  EXPECT_GE(std::chrono::steady_clock::now() - began, std::chrono::milliseconds(50));
  auto replayer = Replayer::open(paced);
  ASSERT_TRUE(replayer) << said(replayer);
  for (int i = 0; i < 10; ++i)
    ASSERT_TRUE(replayer->next().value());
  // Not yet its time: nothing, but not the end.
  EXPECT_FALSE(replayer->next(std::chrono::nanoseconds(0)).value());
  EXPECT_FALSE(replayer->done());
  EXPECT_EQ(replayer->next().value().value().sequence, 10U);
}

TEST_F(ReplayerTest, FollowsALogThatGrows) {
  ASSERT_NO_FATAL_FAILURE(record("orders", "feed", 100));
  ReplayOptions following = options();
  following.follow = true;
  auto replayer = Replayer::open(following);
  ASSERT_TRUE(replayer) << said(replayer);
  const Channel channel = orders();
  RecorderThread recorder(enter("recorder"), log_options(), {"orders"});
  ASSERT_EQ(recorder.opened(), "");
  std::string wrong;
  std::jthread sender([&] {
    Publisher old_one = publisher(channel, "feed");
    for (int i = 0; i < 2000 && wrong.empty(); ++i)
      wrong = send_next(old_one, "feed", kMost);
    Publisher other = publisher(channel, "newcomer");
    for (int i = 0; i < 100 && wrong.empty(); ++i)
      wrong = send_next(other, "newcomer", kMost);
  });
  Sequence feed = 0;
  Sequence newcomer = 0;
  while (feed < 2100 || newcomer < 100) {
    const auto message = replayer->next(kWatchdog);
    ASSERT_TRUE(message) << said(message);
    ASSERT_TRUE(*message) << feed << ", " << newcomer;
    Sequence& next = (*message)->producer == "feed" ? feed : newcomer;
    ASSERT_EQ((*message)->sequence, next) << (*message)->producer;
    ++next;
  }
  EXPECT_FALSE(replayer->next(std::chrono::milliseconds(5)).value());
  EXPECT_FALSE(replayer->done());
  EXPECT_EQ(wrong, "");
}

TEST_F(ReplayerTest, SaysWhatRetentionHasTakenAndGoesOn) {
  JournalOptions small = log_options();
  small.retain.bytes = 4 * small.segment_bytes;
  const Channel channel = orders();
  RecorderThread recorder(enter("recorder"), small, {"orders"});
  ASSERT_EQ(recorder.opened(), "");
  Publisher source = publisher(channel, "feed");
  constexpr Sequence kEnd = 60'000;
  while (source.next_sequence() < kEnd)
    ASSERT_EQ(send_next(source, "feed", kMost), "");
  ASSERT_EQ(recorder.end(), "");
  ReplayOptions all = options();
  all.from = 5;
  auto replayer = Replayer::open(all);
  ASSERT_TRUE(replayer) << said(replayer);
  const auto refused = replayer->next();
  ASSERT_EQ(code_of(refused), Errc::trimmed) << said(refused);
  Sequence next = 5 + refused.error().lost();
  for (; next < kEnd; ++next) {
    const auto message = replayer->next();
    ASSERT_TRUE(message && *message) << said(message);
    ASSERT_EQ((*message)->sequence, next);
  }
  EXPECT_FALSE(replayer->next().value());
}

TEST_F(ReplayerTest, RefusesWhatCannotBe) {
  EXPECT_EQ(code_of(Replayer::open(options())), Errc::not_found);
  ASSERT_NO_FATAL_FAILURE(record("orders", "feed", 10));
  forget_shared_memory();
  {
    auto second = domain_->channel("trades", durable_options());
    ASSERT_TRUE(second) << said(second);
    RecorderThread recorder(enter("recorder"), log_options(), {"trades"});
    ASSERT_EQ(recorder.opened(), "");
    Publisher source = publisher(*second, "feed");
    ASSERT_EQ(send_next(source, "feed", kMost), "");
    ASSERT_EQ(recorder.end(), "");
  }
  EXPECT_EQ(code_of(Replayer::open(options())), Errc::bad_argument) << "which channel?";
  ReplayOptions wrong = options();
  wrong.channel = "absent";
  EXPECT_EQ(code_of(Replayer::open(wrong)), Errc::not_found);
  wrong.channel = "orders";
  wrong.producer = "nobody";
  EXPECT_EQ(code_of(Replayer::open(wrong)), Errc::not_found);
  wrong.producer = "feed";
  wrong.from = 7;
  wrong.to = 3;
  EXPECT_EQ(code_of(Replayer::open(wrong)), Errc::bad_argument);
  wrong.to = 9;
  wrong.speed = -1;
  EXPECT_EQ(code_of(Replayer::open(wrong)), Errc::bad_argument);
  wrong.speed = 0;
  Seen seen;
  ASSERT_NO_FATAL_FAILURE(replay(wrong, seen));
  EXPECT_EQ(seen, run("feed", 7, 9));
}

}  // namespace
}  // namespace millrace
