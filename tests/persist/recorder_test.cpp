// The recorder joins channels to a log: what was published is in the log, with the same bytes and
// in the same order, across recorders, reboots and full rings.
#include "millrace/transport/history.hpp"
#include "persist/recorder_fixture.hpp"

#include <algorithm>

#include <gmock/gmock.h>

namespace millrace {
namespace {

using testing_support::bytes_of;
using testing_support::check_log;
using testing_support::code_of;
using testing_support::Journaled;
using testing_support::kWatchdog;
using testing_support::NumberedMessage;
using testing_support::RecorderThread;
using testing_support::said;

class RecorderTest : public testing_support::RecorderTest {
 protected:
  // Publishes in every way there is, until `end`; numbers of given-up claims go to `given_up`.
  static std::string publish_all_ways(Publisher& source, std::string_view name, std::size_t most,
                                      Journaled& journaled, Sequence end) {
    while (source.next_sequence() < end) {
      const Sequence number = source.next_sequence();
      std::string wrong;
      if (number % 7 == 3) {
        wrong = claim_twice(source, name, most, journaled);
      } else if (number % 7 == 5) {
        wrong = send_batch(source, name, most, std::min<Sequence>(end - number, 20));
      } else {
        wrong = send_next(source, name, most);
      }
      if (!wrong.empty()) return wrong;
    }
    journaled.end = source.next_sequence();
    return "";
  }

  // Gives a claim up where that takes a number, and publishes the next one.
  static std::string claim_twice(Publisher& source, std::string_view name, std::size_t most,
                                 Journaled& journaled) {
    {
      const Sequence number = source.next_sequence();
      auto given_up = source.claim_for(kWatchdog, 100);
      if (!given_up) return said(given_up);
      std::move(*given_up).abort();
      if (source.next_sequence() != number) journaled.given_up.insert(number);
    }
    const NumberedMessage message(name, source.next_sequence(), most);
    auto claim = source.claim_for(kWatchdog, message.length());
    if (!claim) return said(claim);
    message.write(claim->bytes());
    std::move(*claim).publish();
    return "";
  }

  static std::string send_batch(Publisher& source, std::string_view name, std::size_t most,
                                Sequence count) {
    const Sequence first = source.next_sequence();
    auto batch = source.batch(kWatchdog);
    if (!batch) return said(batch);
    for (Sequence i = 0; i < count; ++i) {
      const auto added = batch->add(NumberedMessage(name, first + i, most).bytes());
      if (added) continue;
      if (added.error().code() == Errc::too_big && i != 0) break;
      return said(added);
    }
    std::move(*batch).publish();
    return "";
  }
};

TEST_F(RecorderTest, WritesWhatSeveralPublishersSay) {
  constexpr std::size_t kMost = 3000;
  const Channel channel = orders();
  RecorderThread recorder(enter("recorder"), log_options(), {"orders"});
  ASSERT_EQ(recorder.opened(), "");
  std::map<std::string, Journaled> all;
  std::vector<std::string> wrong(4);
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      const std::string name = "feed-" + std::to_string(i);
      Journaled& journaled = all[name];
      threads.emplace_back([&, name, i] {
        Publisher source = publisher(channel, name);
        wrong[static_cast<std::size_t>(i)] = publish_all_ways(
            source, name, kMost, journaled, 5000U + 100U * static_cast<unsigned>(i));
      });
    }
  }
  EXPECT_THAT(wrong, ::testing::Each(""));
  EXPECT_EQ(recorder.end(), "");
  EXPECT_EQ(check_log(journal(), kMost, all), "");
  EXPECT_EQ(recorder.stats().lanes, 4U);
  EXPECT_EQ(recorder.stats().gaps, 0U);
  EXPECT_TRUE(recorder.stats().refused.empty());
}

TEST_F(RecorderTest, WritesMessagesOfEveryLengthUpToAMegabyte) {
  constexpr std::size_t kMost = std::size_t{1} << 20;
  const Channel channel = orders(8 * kRing);
  Journaled journaled;
  {
    RecorderThread recorder(enter("recorder"), log_options(), {"orders"});
    ASSERT_EQ(recorder.opened(), "");
    Publisher source = publisher(channel, "feed");
    ASSERT_EQ(publish_all_ways(source, "feed", kMost, journaled, 400), "");
    EXPECT_EQ(recorder.end(), "");
  }
  EXPECT_EQ(check_log(journal(), kMost, {{"feed", journaled}}), "");
}

TEST_F(RecorderTest, KeepsLanesApartFairly) {
  // One lane never rests; the other's few messages must get through beside it.
  const Channel channel = orders();
  RecorderThread recorder(enter("recorder"), log_options(), {"orders"});
  ASSERT_EQ(recorder.opened(), "");
  std::atomic<bool> enough{false};
  std::string wrong;
  std::jthread flood([&] {
    Publisher source = publisher(channel, "flood");
    while (!enough && wrong.empty())
      wrong = send_next(source, "flood", 1000);
  });
  Publisher calm = publisher(channel, "calm");
  for (int i = 0; i < 200; ++i) {
    const NumberedMessage message("calm", calm.next_sequence(), 100);
    const auto sent = calm.send(message.bytes());
    ASSERT_TRUE(sent) << said(sent);
    const auto durable = calm.wait_durable(*sent, kWatchdog);
    ASSERT_TRUE(durable) << said(durable);
  }
  enough = true;
  flood.join();
  EXPECT_EQ(wrong, "");
}

TEST_F(RecorderTest, HoldsARingThatIsNotYetDurable) {
  const Channel channel = orders(4096);
  Sequence sent = 0;
  {
    auto recorder = open_recorder();
    ASSERT_TRUE(recorder) << said(recorder);
    Publisher source = publisher(channel, "feed");
    // Nobody makes a round: what is in the ring stays there.
    while (source.try_send(NumberedMessage("feed", sent, 100).bytes()))
      ++sent;
    const auto refused = source.try_send(NumberedMessage("feed", sent, 100).bytes());
    ASSERT_EQ(code_of(refused), Errc::full);
    EXPECT_NE(refused.error().sentence().find("journal"), std::string_view::npos)
        << refused.error().sentence();
    ASSERT_GT(sent, 10U);
    EXPECT_EQ(source.durable(), 0U);
    while (source.durable() != sent)
      ASSERT_TRUE(recorder->round(std::chrono::milliseconds(10)));
    ASSERT_TRUE(source.try_send(NumberedMessage("feed", sent, 100).bytes()));
    const auto closed = recorder->close();
    EXPECT_TRUE(closed) << said(closed);
    EXPECT_EQ(code_of(recorder->round(std::chrono::nanoseconds(0))), Errc::closed);
  }
  EXPECT_EQ(check_log(journal(), 100, {{"feed", {.end = sent + 1}}}), "");
}

TEST_F(RecorderTest, IsContinuedByTheNextOne) {
  const Channel channel = orders();
  std::optional<Publisher> source;
  for (int life = 0; life < 5; ++life) {
    RecorderThread recorder(enter("recorder"), log_options(), {"orders"});
    ASSERT_EQ(recorder.opened(), "");
    if (!source) source = publisher(channel, "feed");
    for (int i = 0; i < 300; ++i)
      ASSERT_EQ(send_next(*source, "feed", 500), "");
    ASSERT_EQ(recorder.end(), "");
    // What comes while there is none waits in the ring.
    for (int i = 0; i < 100; ++i)
      ASSERT_EQ(send_next(*source, "feed", 500), "");
  }
  RecorderThread last(enter("recorder"), log_options(), {"orders"});
  ASSERT_EQ(last.opened(), "");
  ASSERT_EQ(last.end(), "");
  EXPECT_EQ(check_log(journal(), 500, {{"feed", {.end = 2000}}}), "");
}

TEST_F(RecorderTest, EndsThoughItsPublishersDoNot) {
  const Channel durable = orders();
  const auto plain = domain_->channel("quotes");
  ASSERT_TRUE(plain) << said(plain);
  auto recorder = std::make_unique<RecorderThread>(enter("recorder"), log_options(),
                                                   std::vector<std::string>{"orders", "quotes"});
  ASSERT_EQ(recorder->opened(), "");
  std::atomic<bool> enough{false};
  std::atomic<Sequence> sent{0};
  std::optional<Publisher> source = publisher(durable, "flood");
  Publisher loose = publisher(*plain, "loose");
  std::jthread flood([&] {
    while (!enough) {
      const NumberedMessage message("flood", source->next_sequence(), 1000);
      if (source->try_send(message.bytes())) ++sent;
      (void)loose.try_send(message.bytes());
    }
  });
  while (sent < 1000)
    std::this_thread::yield();
  const Sequence before = sent;
  EXPECT_EQ(recorder->end(), "");
  enough = true;
  flood.join();
  EXPECT_GE(source->durable(), before);
  const Sequence end = source->next_sequence();
  source.reset();
  recorder.reset();
  RecorderThread last(enter("recorder"), log_options(), {"orders"});
  ASSERT_EQ(last.opened(), "");
  ASSERT_EQ(last.end(), "");
  auto reader = JournalReader::open(journal());
  ASSERT_TRUE(reader) << said(reader);
  const auto lane = std::ranges::find(reader->lanes(), "flood", &JournalLane::producer);
  ASSERT_NE(lane, reader->lanes().end());
  EXPECT_EQ(lane->end, end);
}

TEST_F(RecorderTest, ContinuesSequencesAfterAReboot) {
  Sequence end = 0;
  for (int boot = 0; boot < 4; ++boot) {
    {
      const Channel channel = orders();
      RecorderThread recorder(enter("recorder"), log_options(), {"orders"});
      ASSERT_EQ(recorder.opened(), "");
      for (const std::string name : {"one", "two"}) {
        Publisher source = publisher(channel, name);
        ASSERT_EQ(source.next_sequence(), end) << name;
        for (int i = 0; i < 200; ++i)
          ASSERT_EQ(send_next(source, name, 300), "");
      }
      end += 200;
      ASSERT_EQ(recorder.end(), "");
    }
    forget_shared_memory();
  }
  EXPECT_EQ(check_log(journal(), 300, {{"one", {.end = end}}, {"two", {.end = end}}}), "");
}

TEST_F(RecorderTest, RecordsSeveralChannelsIntoOneLog) {
  const Channel first = orders();
  auto second = domain_->channel("trades", durable_options());
  ASSERT_TRUE(second) << said(second);
  RecorderThread recorder(enter("recorder"), log_options(), {"orders", "trades"});
  ASSERT_EQ(recorder.opened(), "");
  {
    Publisher a = publisher(first, "a");
    Publisher b = publisher(*second, "b");
    for (int i = 0; i < 1000; ++i) {
      ASSERT_EQ(send_next(a, "a", 300), "");
      ASSERT_EQ(send_next(b, "b", 300), "");
    }
  }
  ASSERT_EQ(recorder.end(), "");
  EXPECT_EQ(check_log(journal(), 300, {{"a", {.end = 1000}}, {"b", {.end = 1000}}}), "");
}

TEST_F(RecorderTest, SleepsWhenNothingComes) {
  (void)orders();
  RecorderThread recorder(enter("recorder"), log_options(), {"orders"});
  ASSERT_EQ(recorder.opened(), "");
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  ASSERT_EQ(recorder.end(), "");
  // Each sleep lasts up to 10 ms; a process that spins would have made many thousand.
  EXPECT_GE(recorder.stats().wakes, 1U);
  EXPECT_LE(recorder.stats().wakes, 1000U);
  EXPECT_LE(recorder.stats().journal.items, 8U) << "an idle log grows";
}

TEST_F(RecorderTest, WaitsForTheOneBeforeIfItIsAskedTo) {
  const Channel channel = orders();
  auto first = std::make_unique<RecorderThread>(enter("first"), log_options(),
                                                std::vector<std::string>{"orders"});
  ASSERT_EQ(first->opened(), "");
  Publisher source = publisher(channel, "feed");
  ASSERT_EQ(send_next(source, "feed", 100), "");
  ASSERT_TRUE(source.wait_durable(0, kWatchdog));
  std::atomic<bool> opened{false};
  std::string wrong;
  std::jthread second([&] {
    JournalOptions patient = log_options();
    patient.wait_for_lock = true;
    auto recorder = Recorder::open(enter("second"), patient, {"orders"});
    opened = true;
    wrong = recorder ? "" : said(recorder);
    if (!recorder) return;
    while (source.durable() < 2 && wrong.empty()) {
      if (auto done = recorder->round(std::chrono::milliseconds(10)); !done) wrong = said(done);
    }
    if (auto closed = recorder->close(); !closed) wrong += said(closed);
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_FALSE(opened) << "two recorders at once: " << wrong;
  EXPECT_EQ(first->end(), "");
  first.reset();
  ASSERT_EQ(send_next(source, "feed", 100), "");
  second.join();
  EXPECT_EQ(wrong, "");
  EXPECT_EQ(check_log(journal(), 100, {{"feed", {.end = 2}}}), "");
}

TEST_F(RecorderTest, WritesDownExactlyWhatPublishersOverwroteMeanwhile) {
  ChannelOptions options = durable_options(4096);
  options.when_journal_fails = WhenJournalFails::proceed;
  const auto channel = domain_->channel("orders", options);
  ASSERT_TRUE(channel) << said(channel);
  std::optional<Publisher> source;
  {
    auto recorder = open_recorder();
    ASSERT_TRUE(recorder) << said(recorder);
    source = publisher(*channel, "feed");
    for (int i = 0; i < 10; ++i)
      ASSERT_EQ(send_next(*source, "feed", 100), "");
    ASSERT_TRUE(recorder->close());
  }
  // Nobody journals, and nobody is waited for: several laps.
  for (int i = 0; i < 500; ++i)
    ASSERT_EQ(send_next(*source, "feed", 100), "");
  RecorderStats stats;
  {
    auto recorder = open_recorder();
    ASSERT_TRUE(recorder) << said(recorder);
    ASSERT_TRUE(recorder->close());
    stats = recorder->stats();
  }
  EXPECT_GT(stats.gaps, 300U);
  EXPECT_EQ(stats.gaps + stats.messages, 500U);
  auto reader = JournalReader::open(journal());
  ASSERT_TRUE(reader) << said(reader);
  const Uuid in_log = reader->lanes().at(0).channel;
  auto history = open_history(journal(), in_log);
  ASSERT_TRUE(history) << said(history);
  auto lane = (*history)->lane("feed");
  ASSERT_TRUE(lane) << said(lane);
  Sequence next = 0;
  std::uint64_t missing = 0;
  while (next < 510) {
    const auto message = (*lane)->read(next, 510);
    if (!message) {
      ASSERT_EQ(code_of(message), Errc::gap) << said(message);
      missing += message.error().lost();
      next += message.error().lost();
      continue;
    }
    ASSERT_TRUE(*message) << next;
    ASSERT_EQ((*message)->sequence, next);
    ASSERT_TRUE(NumberedMessage("feed", next, 100).is((*message)->bytes)) << next;
    ++next;
  }
  EXPECT_EQ(missing, stats.gaps);
}

}  // namespace
}  // namespace millrace
