// poll → use → release: forms, filters, several subscribers, in place.
#include "support/channel_fixture.hpp"

#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace millrace {
namespace {

using testing_support::bytes_of;
using testing_support::code_of;
using testing_support::kWatchdog;
using testing_support::next_text;
using testing_support::said;

class Subscribing : public testing_support::ChannelTest {
 protected:
  static Subscriber filtered(const Channel& channel, KeyFilter filter) {
    SubscriberOptions options;
    options.filter = filter;
    return subscriber(channel, options);
  }
};

TEST_F(Subscribing, DeliversEveryMessageToEverySubscriberOfAProcess) {
  const Channel channel = small_channel();
  Subscriber first = subscriber(channel);
  Subscriber second = subscriber(channel);
  Subscriber third = subscriber(another_domain().find("quotes").value());
  Publisher source = publisher(channel);
  for (int round = 0; round < 500; ++round) {
    const std::string text = std::to_string(round);
    send(source, text);
    ASSERT_EQ(next_text(first), text);
    ASSERT_EQ(next_text(second), text);
    ASSERT_EQ(next_text(third), text);
  }
}

TEST_F(Subscribing, KeepsAMessageUntilTheNextPoll) {
  const Channel channel = small_channel();
  Subscriber reader = subscriber(channel);
  Publisher source = publisher(channel);
  send(source, "kept");
  const auto message = reader.try_poll();
  ASSERT_TRUE(message && *message);
  int more = 0;
  while (source.try_send(bytes_of(std::string(200, 'x'))))
    ++more;
  EXPECT_GT(more, 10);
  EXPECT_EQ((*message)->text(), "kept");
  for (; more > 0; --more)
    ASSERT_EQ(next_text(reader), std::string(200, 'x'));
}

TEST_F(Subscribing, CarriesKeysAndPassesOnlyWhatTheFilterWants) {
  const Channel channel = small_channel();
  Subscriber all = subscriber(channel);
  Subscriber odd = filtered(channel, {.mask = 1, .value = 1});
  Subscriber seven = filtered(channel, {.mask = 0xffff, .value = 7});
  Publisher source = publisher(channel);
  for (std::uint16_t key = 0; key < 1000; ++key) {
    send(source, std::to_string(key), key);
    const auto message = all.try_poll();
    ASSERT_TRUE(message && *message);
    ASSERT_EQ((*message)->key(), key);
    ASSERT_EQ(next_text(odd), key % 2 == 1 ? std::to_string(key) : "<nothing>");
    ASSERT_EQ(next_text(seven), key == 7 ? "7" : "<nothing>");
  }
  EXPECT_EQ(odd.stats().received, 500U);
  EXPECT_EQ(odd.stats().skipped, 500U);
  EXPECT_EQ(seven.stats().skipped, 999U);
}

TEST_F(Subscribing, LosesNothingToAFilterThatPassesNothing) {
  for (const Policy policy : {Policy::block, Policy::evict, Policy::lossy}) {
    ChannelOptions options;
    options.ring_bytes = kRing;
    options.policy = policy;
    const Channel channel = domain_.channel(to_string(policy), options).value();
    Subscriber none = filtered(channel, {.mask = 1, .value = 1});
    Publisher source = publisher(channel);
    for (int lap = 0; lap < 50; ++lap) {
      for (int i = 0; i < 20; ++i)
        send(source, std::string(100, 'x'), 0);
      ASSERT_EQ(next_text(none), "<nothing>") << to_string(policy);
    }
    send(source, "wanted", 1);
    EXPECT_EQ(next_text(none), "wanted");
    EXPECT_EQ(none.stats().lost, 0U);
  }
}

TEST_F(Subscribing, CountsALossExactlyAlsoBehindAFilter) {
  const Channel channel = small_channel(Policy::lossy);
  Subscriber reader = filtered(channel, {.mask = 1, .value = 1});
  Publisher source = publisher(channel);
  std::uint64_t got = 0;
  std::uint64_t sent = 0;
  for (int round = 0; round < 300; ++round) {
    for (int i = 0; i < round % 90; ++i, ++sent)
      send(source, std::string(60, 'x'), static_cast<std::uint16_t>(sent % 3 == 0));
    for (;;) {
      const auto message = reader.try_poll();
      if (!message) {
        ASSERT_EQ(code_of(message), Errc::overrun);
        continue;
      }
      if (!*message) break;
      ++got;
    }
  }
  const ReaderStats stats = reader.stats();
  EXPECT_EQ(stats.received, got);
  EXPECT_GT(stats.lost, 0U);
  EXPECT_EQ(stats.received + stats.skipped + stats.lost, sent);
}

TEST_F(Subscribing, SaysThatNothingCameInTime) {
  for (const Wait wait : {Wait::spin, Wait::yield, Wait::park, Wait::automatic}) {
    SubscriberOptions options;
    options.wait = wait;
    Subscriber reader = subscriber(channel(), options);
    EXPECT_EQ(code_of(reader.poll_for(std::chrono::milliseconds(3))), Errc::timeout);
    EXPECT_EQ(code_of(reader.poll_for(std::chrono::nanoseconds::zero())), Errc::timeout);
    EXPECT_EQ(code_of(reader.wait(std::chrono::milliseconds(3))), Errc::timeout);
  }
}

TEST_F(Subscribing, TimesOutAlsoWhileUnwantedMessagesFlow) {
  Subscriber reader = filtered(channel(), {.mask = 1, .value = 1});
  Publisher source = publisher(channel());
  std::jthread flood([&](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      (void)source.try_send(bytes_of("unwanted"), 0);
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  });
  EXPECT_EQ(code_of(reader.poll_for(std::chrono::milliseconds(50))), Errc::timeout);
}

TEST_F(Subscribing, WakesInEveryWayOfWaiting) {
  for (const Wait wait : {Wait::spin, Wait::yield, Wait::park, Wait::automatic}) {
    SubscriberOptions options;
    options.wait = wait;
    Subscriber reader = subscriber(channel(), options);
    Publisher source = publisher(channel());
    std::jthread later([&] {
      for (int i = 0; i < 50; ++i) {
        std::this_thread::sleep_for(std::chrono::microseconds(i * 20));
        send(source, std::to_string(i));
      }
    });
    for (int i = 0; i < 50; ++i) {
      const auto message = reader.poll_for(kWatchdog);
      ASSERT_TRUE(message) << to_string(wait) << said(message);
      ASSERT_EQ(message->text(), std::to_string(i));
    }
  }
}

TEST_F(Subscribing, HandsOutWhatIsThereInOneCall) {
  for (const Policy policy : {Policy::block, Policy::lossy}) {
    ChannelOptions options;
    options.policy = policy;
    const Channel channel = domain_.channel(to_string(policy), options).value();
    Subscriber reader = subscriber(channel);
    Publisher source = publisher(channel);
    for (int i = 0; i < 1000; ++i)
      send(source, std::to_string(i));
    int next = 0;
    const auto handler = [&](const Message& message) {
      EXPECT_EQ(message.text(), std::to_string(next++));
    };
    EXPECT_EQ(reader.poll_each(handler, 10).value(), 10U);
    EXPECT_EQ(reader.poll_each(handler, 0).value(), 0U);
    while (reader.poll_each(handler).value() != 0) {
    }
    EXPECT_EQ(next, 1000);
    EXPECT_EQ(reader.stats().received, 1000U);
  }
}

TEST_F(Subscribing, ReleasesRoomWithoutPollingOn) {
  const Channel channel = small_channel();
  Subscriber reader = subscriber(channel);
  Publisher source = publisher(channel);
  const std::string text(500, 'x');
  while (source.try_send(bytes_of(text))) {
  }
  ASSERT_EQ(next_text(reader), text);
  ASSERT_EQ(code_of(source.try_send(bytes_of(text))), Errc::full);
  ASSERT_TRUE(reader.release());
  EXPECT_TRUE(source.try_send(bytes_of(text)));
}

TEST_F(Subscribing, ReadsInPlaceUnderEveryPolicy) {
  for (const Policy policy : {Policy::block, Policy::evict, Policy::lossy}) {
    ChannelOptions options;
    options.ring_bytes = kRing;
    options.policy = policy;
    const Channel channel = domain_.channel(to_string(policy), options).value();
    Subscriber reader = subscriber(channel);
    Publisher source = publisher(channel);
    for (std::uint16_t i = 0; i < 3000; ++i) {
      send(source, std::to_string(i), i);
      auto seen = reader.poll_in_place();
      ASSERT_TRUE(seen && *seen) << said(seen);
      EXPECT_EQ((*seen)->sequence(), i);
      EXPECT_EQ((*seen)->key(), i);
      const auto size = std::move(**seen).consume([](auto bytes) { return bytes.size(); });
      ASSERT_TRUE(size) << said(size);
      ASSERT_EQ(*size, std::to_string(i).size());
    }
    auto none = reader.poll_in_place();
    ASSERT_TRUE(none);
    EXPECT_FALSE(*none);
    EXPECT_EQ(reader.stats().received, 3000U);
  }
}

TEST_F(Subscribing, DropsWhatItReadInPlaceFromOverwrittenBytes) {
  const Channel channel = small_channel(Policy::lossy);
  Subscriber reader = subscriber(channel);
  Publisher source = publisher(channel);
  send(source, "first");
  auto seen = reader.poll_in_place();
  ASSERT_TRUE(seen && *seen);
  for (int i = 0; i < 100; ++i)
    send(source, std::string(100, 'x'));
  const auto used = std::move(**seen).consume([](auto bytes) { return bytes.size(); });
  ASSERT_EQ(code_of(used), Errc::overrun);
  EXPECT_GT(used.error().lost(), 0U);
  EXPECT_EQ(next_text(reader), std::string(100, 'x'));
}

TEST_F(Subscribing, ReadsInPlaceFromEveryLaneInTurn) {
  const Channel channel = small_channel(Policy::lossy, 65536);
  Publisher flooding = publisher(channel);
  Publisher quiet = publisher(channel);
  Subscriber reader = subscriber(channel);
  send(quiet, "quiet");
  bool heard = false;
  for (int i = 0; i < 2000 && !heard; ++i) {
    send(flooding, "flood");
    send(flooding, "flood");
    auto seen = reader.poll_in_place();
    ASSERT_TRUE(seen && *seen) << said(seen);
    (void)std::move(**seen).consume([&](auto bytes) { heard = bytes[0] == std::byte{'q'}; });
  }
  EXPECT_TRUE(heard);
}

}  // namespace
}  // namespace millrace
