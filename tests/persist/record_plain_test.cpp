// Channels that are not durable: recorded by a plain subscriber that nobody waits for and that says
// what it missed.
#include "persist/recorder_fixture.hpp"

namespace millrace {
namespace {

using testing_support::check_log;
using testing_support::Journaled;
using testing_support::kWatchdog;
using testing_support::NumberedMessage;
using testing_support::RecorderThread;
using testing_support::said;

constexpr std::size_t kMost = 500;

class RecordPlainTest : public testing_support::RecorderTest {
 protected:
  [[nodiscard]] Channel quotes(std::uint64_t ring = kRing) {
    ChannelOptions options;
    options.ring_bytes = ring;
    auto channel = domain_->channel("quotes", options);
    EXPECT_TRUE(channel) << said(channel);
    return *channel;
  }

  [[nodiscard]] Result<Recorder> recorder() const { return open_recorder({"quotes"}); }

  // Rounds until everything that is published was taken.
  static void settle(Recorder& recorder, std::uint64_t messages) {
    for (int i = 0; i < 1000 && recorder.stats().messages < messages; ++i)
      ASSERT_TRUE(recorder.round(std::chrono::milliseconds(30)));
    ASSERT_EQ(recorder.stats().messages, messages);
  }

  static void send(Publisher& source, const std::string& name, int messages) {
    for (int i = 0; i < messages; ++i)
      ASSERT_EQ(send_next(source, name, kMost), "");
  }
};

TEST_F(RecordPlainTest, WritesWhatIsPublishedFromNowOn) {
  const Channel channel = quotes();
  Publisher feed = publisher(channel, "feed");
  ASSERT_NO_FATAL_FAILURE(send(feed, "feed", 100));
  auto recorder = this->recorder();
  ASSERT_TRUE(recorder) << said(recorder);
  ASSERT_NO_FATAL_FAILURE(send(feed, "feed", 100));
  const auto closed = recorder->close();
  ASSERT_TRUE(closed) << said(closed);
  EXPECT_EQ(recorder->stats().messages, 100U);
  EXPECT_EQ(check_log(journal(), kMost, {{"feed", {.end = 200, .first = 100}}}), "");
}

TEST_F(RecordPlainTest, GoesOnWhereTheLogEndsIfTheRingHoldsIt) {
  const Channel channel = quotes();
  Publisher feed = publisher(channel, "feed");
  for (int life = 0; life < 3; ++life) {
    auto recorder = this->recorder();
    ASSERT_TRUE(recorder) << said(recorder);
    ASSERT_NO_FATAL_FAILURE(send(feed, "feed", 100));
    ASSERT_TRUE(recorder->close());
    ASSERT_NO_FATAL_FAILURE(send(feed, "feed", 100));
  }
  auto last = recorder();
  ASSERT_TRUE(last) << said(last);
  ASSERT_TRUE(last->close());
  EXPECT_EQ(check_log(journal(), kMost, {{"feed", {.end = 600}}}), "");
}

TEST_F(RecordPlainTest, SaysWhatItWasTooSlowFor) {
  const Channel channel = quotes(std::uint64_t{16} << 10);
  Publisher feed = publisher(channel, "feed");
  auto recorder = this->recorder();
  ASSERT_TRUE(recorder) << said(recorder);
  ASSERT_NO_FATAL_FAILURE(send(feed, "feed", 20));
  ASSERT_NO_FATAL_FAILURE(settle(*recorder, 20));
  // Many laps, and nobody looks.
  ASSERT_NO_FATAL_FAILURE(send(feed, "feed", 1000));
  ASSERT_TRUE(recorder->close());
  const RecorderStats stats = recorder->stats();
  EXPECT_GT(stats.gaps, 0U);
  EXPECT_EQ(stats.gaps + stats.messages, 1020U);
  auto reader = JournalReader::open(journal());
  ASSERT_TRUE(reader) << said(reader);
  Sequence next = 0;
  std::uint64_t missing = 0;
  for (;;) {
    const auto message = reader->next();
    ASSERT_TRUE(message) << said(message);
    if (!*message) break;
    if ((*message)->sequence != next) {
      EXPECT_EQ((*message)->gap_from, next);
      EXPECT_EQ((*message)->gap_to, (*message)->sequence);
      missing += (*message)->sequence - next;
      next = (*message)->sequence;
    }
    ASSERT_TRUE(NumberedMessage("feed", next, kMost).is((*message)->bytes)) << next;
    ++next;
  }
  EXPECT_EQ(next, 1020U);
  EXPECT_EQ(missing, stats.gaps);
}

TEST_F(RecordPlainTest, SaysWhatWasOverwrittenWhileNobodyRecorded) {
  const Channel channel = quotes(std::uint64_t{16} << 10);
  Publisher feed = publisher(channel, "feed");
  {
    auto recorder = this->recorder();
    ASSERT_TRUE(recorder) << said(recorder);
    ASSERT_NO_FATAL_FAILURE(send(feed, "feed", 20));
    ASSERT_TRUE(recorder->close());
  }
  // Some laps, though fewer messages than claims may be given up at once.
  ASSERT_NO_FATAL_FAILURE(send(feed, "feed", 500));
  auto recorder = this->recorder();
  ASSERT_TRUE(recorder) << said(recorder);
  ASSERT_TRUE(recorder->close());
  const RecorderStats stats = recorder->stats();
  EXPECT_GT(stats.gaps, 0U);
  EXPECT_EQ(stats.gaps + stats.messages, 500U);
}

TEST_F(RecordPlainTest, KeepsTheNumbersOfClaimsThatWereGivenUp) {
  const Channel channel = quotes();
  Publisher feed = publisher(channel, "feed");
  auto recorder = this->recorder();
  ASSERT_TRUE(recorder) << said(recorder);
  Journaled expected;
  ASSERT_NO_FATAL_FAILURE(send(feed, "feed", 10));
  for (int i = 0; i < 5; ++i) {
    const Sequence number = feed.next_sequence();
    auto claim = feed.claim_for(kWatchdog, 8);
    ASSERT_TRUE(claim) << said(claim);
    std::move(*claim).abort();
    if (feed.next_sequence() != number) expected.given_up.insert(number);
    ASSERT_NO_FATAL_FAILURE(send(feed, "feed", 3));
  }
  expected.end = feed.next_sequence();
  ASSERT_TRUE(recorder->close());
  EXPECT_EQ(recorder->stats().gaps, 0U);
  EXPECT_EQ(check_log(journal(), kMost, {{"feed", expected}}), "");
}

TEST_F(RecordPlainTest, TellsTheLivesOfALaneApart) {
  // After a reboot the numbers of such a lane begin again at 0.
  for (int boot = 0; boot < 2; ++boot) {
    {
      const Channel channel = quotes();
      auto recorder = this->recorder();
      ASSERT_TRUE(recorder) << said(recorder);
      Publisher feed = publisher(channel, "feed");
      ASSERT_NO_FATAL_FAILURE(send(feed, "feed", 50));
      Publisher nameless = publisher(channel, "");
      ASSERT_NO_FATAL_FAILURE(send(nameless, "", 5));
      ASSERT_TRUE(recorder->close());
      EXPECT_EQ(recorder->stats().messages, 55U);
      EXPECT_TRUE(recorder->stats().refused.empty());
    }
    forget_shared_memory();
  }
  auto reader = JournalReader::open(journal());
  ASSERT_TRUE(reader) << said(reader);
  std::map<std::string, Sequence> ends;
  for (const JournalLane& lane : reader->lanes())
    ends[lane.producer.substr(0, lane.producer.find('@'))] += lane.end - lane.first;
  EXPECT_EQ(reader->lanes().size(), 4U);
  EXPECT_EQ(ends["feed"], 100U);
  EXPECT_EQ(ends["lane-1"], 10U);
}

TEST_F(RecordPlainTest, LeavesNoRingsToADurableChannelOfItsName) {
  {
    const Channel channel = quotes();
    auto recorder = this->recorder();
    ASSERT_TRUE(recorder) << said(recorder);
    Publisher nameless = publisher(channel, "");
    ASSERT_NO_FATAL_FAILURE(send(nameless, "", 5));
    ASSERT_TRUE(recorder->close());
  }
  forget_shared_memory();
  auto channel = domain_->channel("quotes", durable_options());
  ASSERT_TRUE(channel) << said(channel);
  auto recorder = this->recorder();
  ASSERT_TRUE(recorder) << said(recorder);
  const auto stats = channel->stats();
  ASSERT_TRUE(stats) << said(stats);
  EXPECT_TRUE(stats->lanes.empty());
}

TEST_F(RecordPlainTest, WritesMessagesLongerThanAnItem) {
  constexpr std::size_t kLong = std::size_t{200} << 10;
  const Channel channel = quotes();
  auto recorder = this->recorder();
  ASSERT_TRUE(recorder) << said(recorder);
  Publisher feed = publisher(channel, "feed");
  Sequence sent = 0;
  for (; sent < 40; ++sent) {
    ASSERT_EQ(send_next(feed, "feed", kLong), "");
    // Never more than the ring holds.
    ASSERT_NO_FATAL_FAILURE(settle(*recorder, sent + 1));
  }
  ASSERT_TRUE(recorder->close());
  EXPECT_EQ(check_log(journal(), kLong, {{"feed", {.end = sent}}}), "");
}

TEST_F(RecordPlainTest, StandsBesideADurableChannel) {
  const Channel plain = quotes();
  const Channel durable = orders();
  RecorderThread recorder(enter("recorder"), log_options(), {"quotes", "orders"});
  ASSERT_EQ(recorder.opened(), "");
  {
    Publisher loose = publisher(plain, "loose");
    Publisher safe = publisher(durable, "safe");
    for (int i = 0; i < 200; ++i) {
      ASSERT_EQ(send_next(loose, "loose", kMost), "");
      ASSERT_EQ(send_next(safe, "safe", kMost), "");
    }
    ASSERT_TRUE(safe.wait_durable(199, kWatchdog));
  }
  ASSERT_EQ(recorder.end(), "");
  EXPECT_EQ(check_log(journal(), kMost, {{"loose", {.end = 200}}, {"safe", {.end = 200}}}), "");
}

}  // namespace
}  // namespace millrace
