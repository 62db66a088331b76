// The books must balance: what was published is what a reader received, lost and passed over.
#include "support/channel_fixture.hpp"

#include <random>
#include <set>
#include <utility>
#include <vector>

namespace millrace {
namespace {

using testing_support::bytes_of;
using testing_support::ChannelTest;
using testing_support::next_text;

class Accounts : public ChannelTest {
 protected:
  // Polls in one of three ways; `told_` counts losses as they were reported.
  void poll(Subscriber& subscriber, Policy policy) {
    const auto note = [&](const Message& message) {
      ++got_;
      EXPECT_TRUE(seen_.emplace(message.lane(), message.sequence()).second) << "twice";
    };
    const std::uint64_t way = random_() % 3;
    if (way == 0) {
      const auto read = subscriber.poll_each(note, 1 + random_() % 100);
      if (!read) told_ += read.error().lost();
    } else if (way == 1 && policy != Policy::block) {
      auto view = subscriber.poll_in_place();
      if (!view) told_ += view.error().lost();
      if (!view || !*view) return;
      const auto size = std::move(**view).consume([](auto bytes) { return bytes.size(); });
      if (!size) told_ += size.error().lost();
      got_ += size ? 1 : 0;
    } else {
      const auto message = subscriber.try_poll();
      if (!message) told_ += message.error().lost();
      if (message && *message) note(**message);
    }
    if (random_() % 50 == 0) (void)subscriber.publishers();  // the lanes are looked at meanwhile
  }

  // Publishers come and go under three names while a reader follows as it can.
  std::uint64_t traffic(const Channel& channel, Subscriber& subscriber) {
    std::vector<Publisher> publishers;
    std::uint64_t sent = 0;
    for (int i = 0; i < 3; ++i)
      publishers.push_back(publisher(channel, "p" + std::to_string(i)));
    for (int step = 0; step < 200; ++step) {
      const std::size_t who = random_() % publishers.size();
      if (random_() % 40 == 0) {
        { const Publisher left = std::move(publishers[who]); }
        publishers[who] = publisher(channel, "p" + std::to_string(who));
      }
      for (std::uint64_t i = random_() % 60; i != 0; --i) {
        const std::string text(random_() % 200, 'x');
        const auto key = static_cast<std::uint16_t>(random_() % 4);
        sent += publishers[who].try_send(bytes_of(text), key) ? 1 : 0;
      }
      for (std::uint64_t i = random_() % 80; i != 0; --i)
        poll(subscriber, channel.options().policy);
    }
    for (int i = 0; i < 5000; ++i)
      poll(subscriber, channel.options().policy);
    return sent;
  }

  std::mt19937_64 random_{11};
  std::set<std::pair<std::uint32_t, Sequence>> seen_;
  std::uint64_t got_ = 0;
  std::uint64_t told_ = 0;
};

TEST_F(Accounts, BalanceUnderEveryPolicy) {
  for (int round = 0; round < 12; ++round) {
    seen_.clear();
    got_ = told_ = 0;
    {
      const Channel channel = small_channel(static_cast<Policy>(round % 3));
      SubscriberOptions options;
      options.from = From::oldest();
      options.lossy = round % 4 == 3;
      if (round % 2 != 0) options.filter = {.mask = 3, .value = 1};
      Subscriber reader = subscriber(channel, options);
      const std::uint64_t sent = traffic(channel, reader);
      const ReaderStats stats = reader.stats();
      EXPECT_EQ(stats.received + stats.lost + stats.skipped, sent) << "round " << round;
      EXPECT_EQ(stats.received, got_);
      EXPECT_EQ(stats.lost, told_);
    }
    ASSERT_TRUE(domain_.remove("quotes"));
  }
}

// 32-byte records come round at the same places with the same low byte of the sequence, so a lapped
// reader that only steps over headers would not notice.
TEST_F(Accounts, MessagesThatWereOverwrittenAreNotPassedOver) {
  constexpr std::uint64_t kBytes = 65536;
  constexpr std::uint64_t kLap = kBytes / 32;
  const Channel channel = small_channel(Policy::lossy, kBytes);
  SubscriberOptions options;
  options.filter = {.mask = 0xffff, .value = 1};
  Publisher writer = publisher(channel);
  Subscriber reader = subscriber(channel, options);
  const std::string text(24, 'x');
  for (std::uint64_t i = 0; i < kLap + kLap / 2; ++i)
    send(writer, text, i < kLap ? 1 : 2);
  for (std::uint64_t i = 0; i < 2 * kLap; ++i)
    (void)next_text(reader);
  const ReaderStats stats = reader.stats();
  EXPECT_GE(stats.lost, kLap / 2);
  EXPECT_EQ(stats.skipped, kLap / 2);
  EXPECT_EQ(stats.received + stats.lost + stats.skipped, kLap + kLap / 2);
}

TEST_F(Accounts, AWantedSequenceIsTheFirst) {
  const Channel channel = small_channel();
  Publisher writer = publisher(channel);
  send(writer, "0");
  Subscriber future = subscriber(channel, From::at(3));
  for (const char* const text : {"1", "2", "3"})
    send(writer, text);
  EXPECT_EQ(next_text(future), "3");
}

TEST_F(Accounts, AWantedSequenceThatIsGoneIsLost) {
  const Channel channel = small_channel();
  Publisher writer = publisher(channel);
  for (int i = 0; i < 1000; ++i)
    send(writer, "message");
  Subscriber late = subscriber(channel, From::at(3));
  const auto news = late.try_poll();
  ASSERT_FALSE(news);
  EXPECT_EQ(news.error().code(), Errc::overrun);
  const auto first = late.try_poll();
  ASSERT_TRUE(first && *first);
  EXPECT_EQ((*first)->sequence(), 3 + news.error().lost());
  EXPECT_EQ(late.stats().lost, news.error().lost());
}

TEST_F(Accounts, HistoryOfAContinuedLaneWasHeard) {
  const Channel channel = small_channel();
  Subscriber reader = subscriber(channel);
  for (int life = 0; life < 2; ++life) {
    Publisher writer = publisher(channel, "a");
    send(writer, "x");
    EXPECT_EQ(next_text(reader), "x");
    EXPECT_EQ(writer.stats().unheard, 0U);
    EXPECT_EQ(next_text(reader), "<nothing>");
  }
}

TEST_F(Accounts, AMessageRefusedForWantOfReadersIsCounted) {
  ChannelOptions options;
  options.require_readers = true;
  Publisher writer = publisher(channel(options));
  EXPECT_FALSE(writer.try_send(bytes_of("x")));
  EXPECT_EQ(writer.stats().refused, 1U);
}

TEST_F(Accounts, AViewFindsItsLaneAfterALookAround) {
  const Channel channel = small_channel(Policy::lossy);
  Publisher first = publisher(channel);
  Publisher second = publisher(channel);
  Subscriber reader = subscriber(channel);
  send(second, "one");
  auto view = reader.poll_in_place();
  ASSERT_TRUE(view && *view);
  { const Publisher third = publisher(channel); }
  (void)reader.publishers();
  EXPECT_TRUE(std::move(**view).consume([](auto bytes) { return bytes.size(); }));
  EXPECT_FALSE(std::move(**view).consume([](auto bytes) { return bytes.size(); }));
  send(first, "zero");
  EXPECT_EQ(next_text(reader), "zero");
  EXPECT_EQ(next_text(reader), "<nothing>");
}

}  // namespace
}  // namespace millrace
