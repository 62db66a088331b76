// Many publishers: fairness, discovery, names, successors, retirement, the end.
#include "support/channel_fixture.hpp"

#include <array>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace millrace {
namespace {

using testing_support::bytes_of;
using testing_support::code_of;
using testing_support::kWatchdog;
using testing_support::next_text;
using testing_support::said;

class Lanes : public testing_support::ChannelTest {
 protected:
  [[nodiscard]] std::size_t lane_files() const {
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(file("")))
      count += entry.path().filename().string().starts_with("lane-") &&
               entry.path().extension() != ".own";
    return count;
  }

  static Subscriber until_closed(const Channel& channel) {
    SubscriberOptions options;
    options.until_closed = true;
    options.from = From::oldest();
    return subscriber(channel, options);
  }
};

TEST_F(Lanes, BelongToOnePublisherEach) {
  const Channel channel = small_channel();
  Subscriber reader = subscriber(channel);
  std::vector<Publisher> sources;
  for (int i = 0; i < 20; ++i)
    sources.push_back(publisher(channel));
  for (std::uint32_t i = 0; i < 20; ++i) {
    EXPECT_EQ(sources[i].lane(), i);
    send(sources[i], std::to_string(i));
    const auto message = reader.try_poll();
    ASSERT_TRUE(message && *message) << i;
    EXPECT_EQ((*message)->lane(), i);
    EXPECT_EQ((*message)->text(), std::to_string(i));
  }
}

TEST_F(Lanes, AreNeverOverlookedHoweverLongTheyWereIdle) {
  const Channel channel = small_channel();
  Subscriber reader = subscriber(channel);
  std::array<Publisher, 3> sources{publisher(channel), publisher(channel), publisher(channel)};
  for (std::uint32_t round = 0; round < 3000; ++round) {
    // Mostly lane 0, so that the others come to rest; then one of them at some moment.
    const std::uint32_t lane = round % 41 == 0 ? 1 + round / 41 % 2 : 0;
    send(sources[lane], std::to_string(round));
    ASSERT_EQ(next_text(reader), std::to_string(round));
    if (round % 3 == 0) {
      ASSERT_EQ(next_text(reader), "<nothing>");
    }
  }
}

TEST_F(Lanes, StarveNobodyWhileOneFloods) {
  const Channel channel = small_channel(Policy::block, 65536);
  Subscriber reader = subscriber(channel);
  Publisher flooding = publisher(channel);
  std::array<Publisher, 2> quiet{publisher(channel), publisher(channel)};
  const auto flood = [&] {
    while (flooding.try_send(bytes_of("flood"))) {
    }
  };
  for (int i = 0; i < 20'000; ++i) {  // long enough for the others to come to rest
    flood();
    ASSERT_EQ(next_text(reader), "flood");
  }
  send(quiet[0], "quiet");
  send(quiet[1], "quiet");
  int heard = 0;
  // Each of two resting lanes is passed over at most 31 times, and a turn is 64 messages.
  for (int i = 0; i < 64 * 40 && heard < 2; ++i) {
    flood();
    heard += next_text(reader) == "quiet" ? 1 : 0;
  }
  EXPECT_EQ(heard, 2);
}

TEST_F(Lanes, ThatAppearLaterAreReadFromTheirFirstMessage) {
  const Channel channel = small_channel();
  Subscriber reader = subscriber(channel);
  for (int i = 0; i < 10; ++i) {
    Publisher source = publisher(another_domain().find("quotes").value());
    send(source, "first");
    send(source, "second");
    EXPECT_EQ(next_text(reader), "first");
    EXPECT_EQ(next_text(reader), "second");
  }
}

TEST_F(Lanes, ThatAppearLaterWaitForAReaderThatHasNotSeenThemYet) {
  const Channel channel = small_channel();
  Subscriber reader = subscriber(channel);
  Publisher source = publisher(channel);
  int sent = 0;
  while (source.try_send(bytes_of(std::to_string(sent))))
    ++sent;
  EXPECT_GT(sent, 100);
  for (int i = 0; i < sent; ++i)
    ASSERT_EQ(next_text(reader), std::to_string(i));
}

TEST_F(Lanes, ContinueWithTheNextPublisherOfTheSameName) {
  const Channel channel = small_channel();
  Subscriber reader = subscriber(channel);
  for (std::uint64_t life = 0; life < 5; ++life) {
    Publisher source = publisher(another_domain().find("quotes").value(), "feed");
    EXPECT_EQ(source.lane(), 0U);
    EXPECT_EQ(source.next_sequence(), life * 2);
    EXPECT_EQ(source.stats().lives, life + 1);
    send(source, std::to_string(life * 2));
    send(source, std::to_string(life * 2 + 1));
  }
  (void)reader.publishers();
  Subscriber late = subscriber(channel, From::oldest());
  for (Subscriber* each : {&reader, &late}) {
    for (int i = 0; i < 10; ++i)
      EXPECT_EQ(next_text(*each), std::to_string(i));
    EXPECT_EQ(next_text(*each), "<nothing>");
  }
}

TEST_F(Lanes, DeliverNothingTwiceWhenASuccessorComes) {
  const Channel channel = small_channel();
  Subscriber reader = subscriber(channel);
  std::uint64_t next = 0;
  for (int life = 0; life < 20; ++life) {
    {
      Publisher source = publisher(channel, "feed");
      (void)reader.publishers();
      for (int i = 0; i < 3; ++i)
        send(source, std::to_string(source.next_sequence()));
      for (int i = 0; i < 3; ++i)
        ASSERT_EQ(next_text(reader), std::to_string(next++));
    }
    // The last message is still held while the reader learns that the lane has ended.
    if (life % 2 == 0) (void)reader.publishers();
    if (life % 3 == 0) (void)reader.wait(std::chrono::nanoseconds::zero());
  }
  EXPECT_EQ(next_text(reader), "<nothing>");
  EXPECT_EQ(reader.stats().received, next);
}

TEST_F(Lanes, OfUnnamedPublishersAreNeverContinued) {
  const Channel channel = small_channel();
  {
    Publisher source = publisher(channel);
    send(source, "old");
  }
  Publisher source = publisher(channel);
  EXPECT_EQ(source.next_sequence(), 0U);
}

TEST_F(Lanes, RefuseASecondPublisherOfALivingName) {
  const Channel channel = small_channel();
  Publisher source = publisher(channel, "feed");
  const auto second = another_domain().find("quotes").value().publisher({.name = "feed"});
  ASSERT_EQ(code_of(second), Errc::busy);
  EXPECT_NE(said(second).find(std::to_string(getpid())), std::string::npos) << said(second);
  EXPECT_NE(said(second).find("feed"), std::string::npos);
}

TEST_F(Lanes, RefuseANameThatIsTooLong) {
  const Channel channel = small_channel();
  EXPECT_TRUE(channel.publisher({.name = std::string(63, 'n')}));
  EXPECT_EQ(code_of(channel.publisher({.name = std::string(64, 'n')})), Errc::bad_argument);
  EXPECT_EQ(code_of(channel.publisher({.name = std::string("a\0b", 3)})), Errc::bad_argument);
}

TEST_F(Lanes, RunOut) {
  ChannelOptions options;
  options.ring_bytes = kRing;
  options.lanes_max = 2;
  const Channel channel = this->channel(options);
  Publisher first = publisher(channel);
  {
    Publisher second = publisher(channel);
    EXPECT_EQ(code_of(channel.publisher()), Errc::too_many);
  }
  EXPECT_TRUE(channel.publisher());
}

TEST_F(Lanes, AreUsedAgainWhenEveryReaderIsThrough) {
  ChannelOptions options;
  options.ring_bytes = kRing;
  options.lanes_max = 2;
  const Channel channel = this->channel(options);
  Subscriber reader = subscriber(channel);
  for (int i = 0; i < 20; ++i) {
    Publisher source = publisher(channel);
    send(source, std::to_string(i));
    ASSERT_EQ(next_text(reader), std::to_string(i));
    if (i % 2 == 0) (void)reader.publishers();
    ASSERT_EQ(next_text(reader), "<nothing>");
  }
  EXPECT_LE(lane_files(), 2U);
}

TEST_F(Lanes, StayWhileAReaderHasSomethingToRead) {
  ChannelOptions options;
  options.ring_bytes = kRing;
  options.lanes_max = 1;
  const Channel channel = this->channel(options);
  Subscriber reader = subscriber(channel);
  {
    Publisher source = publisher(channel);
    send(source, "unread");
  }
  EXPECT_EQ(code_of(channel.publisher()), Errc::too_many);
  EXPECT_EQ(next_text(reader), "unread");
  EXPECT_EQ(code_of(channel.publisher()), Errc::too_many);  // the message is still held
  EXPECT_EQ(next_text(reader), "<nothing>");
  EXPECT_TRUE(channel.publisher());
}

TEST_F(Lanes, EndWhenEveryPublisherHasLeft) {
  const Channel channel = small_channel();
  Subscriber reader = until_closed(channel);
  EXPECT_EQ(code_of(reader.poll_for(std::chrono::milliseconds(20))), Errc::timeout);
  {
    Publisher source = publisher(channel);
    send(source, "last");
    EXPECT_EQ(reader.poll_for(kWatchdog).value().text(), "last");
    EXPECT_EQ(code_of(reader.poll_for(std::chrono::milliseconds(20))), Errc::timeout);
    send(source, "very last");
  }
  EXPECT_EQ(reader.poll_for(kWatchdog).value().text(), "very last");
  EXPECT_EQ(code_of(reader.poll_for(kWatchdog)), Errc::closed);
  EXPECT_EQ(code_of(reader.poll_for(kWatchdog)), Errc::closed);
  Publisher successor = publisher(channel);
  send(successor, "again");
  EXPECT_EQ(reader.poll_for(kWatchdog).value().text(), "again");
}

TEST_F(Lanes, EndAlsoForAReaderThatLooksAfterTheyWereRemoved) {
  const Channel channel = small_channel();
  Subscriber reader = until_closed(channel);
  {
    Publisher source = publisher(channel);
    send(source, "last");
    EXPECT_EQ(next_text(reader), "last");
    EXPECT_EQ(next_text(reader), "<nothing>");
  }
  const auto cleaned = domain_.clean();
  ASSERT_TRUE(cleaned) << said(cleaned);
  EXPECT_EQ(cleaned->lanes, 1U);
  EXPECT_EQ(code_of(reader.poll_for(std::chrono::seconds(5))), Errc::closed);
}

TEST_F(Lanes, CountTheLivingPublishers) {
  const Channel channel = small_channel();
  Subscriber reader = subscriber(channel);
  EXPECT_EQ(reader.publishers(), 0U);
  {
    Publisher first = publisher(channel);
    Publisher second = publisher(channel);
    EXPECT_EQ(reader.publishers(), 2U);
  }
  EXPECT_EQ(reader.publishers(), 0U);
}

}  // namespace
}  // namespace millrace
