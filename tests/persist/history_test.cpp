// Reading the past of a durable channel: late subscribers go from the log over into the ring, with
// every message once, under load, laps of the ring and retention.
#include "millrace/transport/history.hpp"

#include "persist/recorder_fixture.hpp"

#include <algorithm>

#include <gmock/gmock.h>

namespace millrace {
namespace {

using testing_support::check_log;
using testing_support::code_of;
using testing_support::kWatchdog;
using testing_support::NumberedMessage;
using testing_support::RecorderThread;
using testing_support::said;

constexpr std::size_t kMost = 400;

class HistoryTest : public testing_support::RecorderTest {
 protected:
  static constexpr std::uint64_t kSmallRing = std::uint64_t{64} << 10;

  void start(const JournalOptions& options, Policy policy = Policy::block) {
    ChannelOptions wanted = durable_options(kSmallRing);
    wanted.policy = policy;
    auto channel = domain_->channel("orders", wanted);
    ASSERT_TRUE(channel) << said(channel);
    channel_ = *channel;
    recorder_.emplace(enter("recorder"), options, std::vector<std::string>{"orders"});
    ASSERT_EQ(recorder_->opened(), "");
  }

  void start() { start(log_options()); }

  void send(const std::string& name, int messages) {
    Publisher source = publisher(*channel_, name);
    for (int i = 0; i < messages; ++i)
      ASSERT_EQ(send_next(source, name, kMost), "");
    ASSERT_TRUE(source.wait_durable(source.next_sequence() - 1, kWatchdog));
  }

  [[nodiscard]] std::unique_ptr<History> history() const {
    auto reader = JournalReader::open(journal());
    EXPECT_TRUE(reader) << said(reader);
    if (!reader || reader->lanes().empty()) return nullptr;
    auto opened = open_history(journal(), reader->lanes().front().channel);
    EXPECT_TRUE(opened) << said(opened);
    return opened ? std::move(*opened) : nullptr;
  }

  [[nodiscard]] static std::unique_ptr<LaneHistory> lane(History& history,
                                                         std::string_view producer) {
    auto found = history.lane(producer);
    EXPECT_TRUE(found) << said(found);
    return found ? std::move(*found) : nullptr;
  }

  [[nodiscard]] Subscriber subscriber(From from) const {
    SubscriberOptions options;
    options.from = from;
    auto made = channel_->subscriber(options);
    EXPECT_TRUE(made) << said(made);
    return std::move(*made);
  }

  // Reads one lane's messages [next, end) and nothing else.
  static void expect_run(Subscriber& reader, std::string_view name, Sequence next, Sequence end) {
    while (next < end) {
      const auto message = reader.poll_for(kWatchdog);
      ASSERT_TRUE(message) << said(message) << " instead of " << next;
      ASSERT_EQ(message->sequence(), next);
      ASSERT_TRUE(NumberedMessage(name, next, kMost).is(message->bytes())) << next;
      ++next;
    }
  }

  std::optional<Channel> channel_;
  std::optional<RecorderThread> recorder_;
};

TEST_F(HistoryTest, GivesEveryMessageOfInterleavedLanes) {
  ASSERT_NO_FATAL_FAILURE(start());
  for (int round = 0; round < 4; ++round) {
    ASSERT_NO_FATAL_FAILURE(send("one", 500));
    ASSERT_NO_FATAL_FAILURE(send("two", 250));
  }
  const auto past = history();
  ASSERT_TRUE(past);
  const auto one = lane(*past, "one");
  const auto two = lane(*past, "two");
  for (Sequence i = 0; i < 2000; ++i) {
    const auto message = one->read(i, 2000);
    ASSERT_TRUE(message) << said(message);
    ASSERT_TRUE(*message) << i;
    ASSERT_EQ((*message)->sequence, i);
    ASSERT_TRUE(NumberedMessage("one", i, kMost).is((*message)->bytes)) << i;
    if (i % 2 != 0) continue;
    const auto other = two->read(i / 2, 1000);
    ASSERT_TRUE(other && *other) << i;
    ASSERT_TRUE(NumberedMessage("two", i / 2, kMost).is((*other)->bytes)) << i;
  }
  EXPECT_EQ(one->oldest().value(), 0U);
  EXPECT_FALSE(one->read(2000, 2000).value()) << "beyond the end";
}

TEST_F(HistoryTest, GivesAnyMessageThatIsAskedForAndNoneAbove) {
  ASSERT_NO_FATAL_FAILURE(start());
  ASSERT_NO_FATAL_FAILURE(send("feed", 3000));
  const auto past = history();
  ASSERT_TRUE(past);
  const auto feed = lane(*past, "feed");
  for (Sequence i = 0, at = 7; i < 200; ++i, at = (at * 1103 + 12345) % 3000) {
    const auto message = feed->read(at, 3000);
    ASSERT_TRUE(message) << said(message);
    ASSERT_TRUE(*message) << at;
    ASSERT_EQ((*message)->sequence, at);
    ASSERT_TRUE(NumberedMessage("feed", at, kMost).is((*message)->bytes)) << at;
  }
  EXPECT_FALSE(feed->read(10, 10).value());
  EXPECT_TRUE(feed->read(10, 11).value());
  EXPECT_FALSE(lane(*past, "nobody")->read(0, 10).value());
}

TEST_F(HistoryTest, PassesOverClaimsThatWereGivenUp) {
  ASSERT_NO_FATAL_FAILURE(start());
  Sequence end = 0;
  std::set<Sequence> given_up;
  {
    Publisher source = publisher(*channel_, "feed");
    for (int i = 0; i < 300; ++i) {
      const Sequence number = source.next_sequence();
      if (i % 10 == 4) {
        auto claim = source.claim_for(kWatchdog, 10);
        ASSERT_TRUE(claim);
        std::move(*claim).abort();
        if (source.next_sequence() != number) given_up.insert(number);
      }
      ASSERT_EQ(send_next(source, "feed", kMost), "");
    }
    end = source.next_sequence();
    ASSERT_TRUE(source.wait_durable(end - 1, kWatchdog));
  }
  const auto past = history();
  ASSERT_TRUE(past);
  const auto feed = lane(*past, "feed");
  for (Sequence i = 0; i < end; ++i) {
    const auto message = feed->read(i, end);
    ASSERT_TRUE(message && *message) << i << ": " << said(message);
    ASSERT_EQ((*message)->sequence, given_up.contains(i) ? i + 1 : i);
  }
}

TEST_F(HistoryTest, FindsAMomentInTime) {
  ASSERT_NO_FATAL_FAILURE(start());
  ASSERT_NO_FATAL_FAILURE(send("feed", 100));
  std::this_thread::sleep_for(std::chrono::milliseconds(5));
  const auto moment = std::chrono::system_clock::now();
  const auto moment_ns = static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(moment.time_since_epoch()).count());
  std::this_thread::sleep_for(std::chrono::milliseconds(5));
  ASSERT_NO_FATAL_FAILURE(send("feed", 100));
  ASSERT_EQ(recorder_->end(), "");
  const auto past = history();
  ASSERT_TRUE(past);
  const auto feed = lane(*past, "feed");
  EXPECT_EQ(feed->first_since(moment_ns).value(), 100U);
  EXPECT_EQ(feed->first_since(0).value(), 0U);
  EXPECT_EQ(feed->first_since(moment_ns + 3'600'000'000'000).value(), 200U);
}

TEST_F(HistoryTest, LetsALateSubscriberCatchUpUnderLoad) {
  ASSERT_NO_FATAL_FAILURE(start());
  // Many laps of the ring, and a publisher that goes on meanwhile.
  constexpr Sequence kEnd = 20'000;
  ASSERT_NO_FATAL_FAILURE(send("feed", 5000));
  std::string wrong;
  std::jthread flood([&] {
    Publisher source = publisher(*channel_, "feed");
    while (wrong.empty() && source.next_sequence() < kEnd)
      wrong = send_next(source, "feed", kMost);
  });
  Subscriber oldest = subscriber(From::oldest());
  Subscriber middle = subscriber(From::at(2500));
  ASSERT_NO_FATAL_FAILURE(expect_run(oldest, "feed", 0, 3000));
  ASSERT_NO_FATAL_FAILURE(expect_run(middle, "feed", 2500, kEnd));
  ASSERT_NO_FATAL_FAILURE(expect_run(oldest, "feed", 3000, kEnd));
  flood.join();
  EXPECT_EQ(wrong, "");
  EXPECT_FALSE(oldest.try_poll().value());
  EXPECT_EQ(oldest.stats().lost, 0U);
}

TEST_F(HistoryTest, LetsALateSubscriberCatchUpInSeveralLanes) {
  ASSERT_NO_FATAL_FAILURE(start());
  constexpr Sequence kEnd = 6000;
  const std::vector<std::string> names{"a", "b", "c"};
  for (const std::string& name : names)
    ASSERT_NO_FATAL_FAILURE(send(name, 2000));
  std::vector<std::string> wrong(names.size());
  std::vector<std::jthread> floods;
  for (std::size_t i = 0; i < names.size(); ++i) {
    floods.emplace_back([&, i] {
      Publisher source = publisher(*channel_, names[i]);
      while (wrong[i].empty() && source.next_sequence() < kEnd)
        wrong[i] = send_next(source, names[i], kMost);
    });
  }
  Subscriber reader = subscriber(From::oldest());
  std::map<std::uint32_t, std::pair<std::string, Sequence>> places;
  const auto stats = channel_->stats();
  ASSERT_TRUE(stats) << said(stats);
  for (const LaneStats& lane : stats->lanes)
    places[lane.lane] = {lane.producer, 0};
  for (Sequence i = 0; i < kEnd * names.size(); ++i) {
    const auto message = reader.poll_for(kWatchdog);
    ASSERT_TRUE(message) << said(message);
    auto& [name, next] = places.at(message->lane());
    ASSERT_EQ(message->sequence(), next) << name;
    ASSERT_TRUE(NumberedMessage(name, next, kMost).is(message->bytes())) << name << " " << next;
    ++next;
  }
  EXPECT_THAT(wrong, ::testing::Each(""));
}

TEST_F(HistoryTest, BeginsAtAMomentInTime) {
  ASSERT_NO_FATAL_FAILURE(start());
  ASSERT_NO_FATAL_FAILURE(send("feed", 1000));
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  const auto moment = std::chrono::system_clock::now();
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  ASSERT_NO_FATAL_FAILURE(send("feed", 1000));
  Subscriber reader = subscriber(From::since(moment));
  ASSERT_NO_FATAL_FAILURE(expect_run(reader, "feed", 1000, 2000));
}

TEST_F(HistoryTest, CountsExactlyWhatRetentionTookFromASlowReader) {
  JournalOptions options = log_options();
  options.retain.bytes = 4 * options.segment_bytes;
  // Nobody waits for the reader: evicted from the ring, it goes on from the journal.
  ASSERT_NO_FATAL_FAILURE(start(options, Policy::evict));
  Subscriber slow = subscriber(From::oldest());
  ASSERT_NO_FATAL_FAILURE(send("feed", 1000));
  ASSERT_NO_FATAL_FAILURE(expect_run(slow, "feed", 0, 10));
  // Several times what is retained.
  constexpr Sequence kEnd = 60'000;
  ASSERT_NO_FATAL_FAILURE(send("feed", static_cast<int>(kEnd) - 1000));
  Sequence next = 10;
  std::uint64_t lost = 0;
  while (next < kEnd) {
    const auto message = slow.poll_for(kWatchdog);
    if (!message) {
      ASSERT_EQ(code_of(message), Errc::trimmed) << said(message);
      lost += message.error().lost();
      next += message.error().lost();
      continue;
    }
    ASSERT_EQ(message->sequence(), next);
    ASSERT_TRUE(NumberedMessage("feed", next, kMost).is(message->bytes())) << next;
    ++next;
  }
  EXPECT_GT(lost, 0U);
  EXPECT_EQ(next, kEnd);
}

}  // namespace
}  // namespace millrace
