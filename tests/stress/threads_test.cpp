// Threads of one process as publishers and subscribers of many lanes, with readers that come and
// go during the flood. ThreadSanitizer runs this file.
#include "support/channel_fixture.hpp"

#include <array>
#include <atomic>
#include <cstring>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace millrace {
namespace {

using testing_support::code_of;
using testing_support::kWatchdog;
using testing_support::said;

constexpr std::size_t kWordsMax = 12;

// A message whose every word follows from the first.
struct Payload {
  std::array<std::uint64_t, kWordsMax> words{};

  static std::size_t length(std::uint64_t number) { return (1 + number % kWordsMax) * 8; }

  explicit Payload(std::uint64_t number) {
    for (std::size_t i = 0; i < kWordsMax; ++i)
      words[i] = number * 0x9e3779b97f4a7c15 + i;
  }

  [[nodiscard]] std::span<const std::byte> bytes(std::uint64_t number) const {
    return std::as_bytes(std::span(words)).first(length(number));
  }
};

bool intact(std::span<const std::byte> bytes, std::uint64_t number) {
  const Payload expected(number);
  return bytes.size() == Payload::length(number) &&
         std::memcmp(bytes.data(), expected.words.data(), bytes.size()) == 0;
}

class Threads : public testing_support::ChannelTest {
 protected:
  static constexpr std::uint64_t kMessages = 20'000;
  static constexpr std::uint32_t kPublishers = 3;

  static void publish(Publisher source) {
    while (source.next_sequence() < kMessages) {
      const std::uint64_t number = source.next_sequence();
      ASSERT_TRUE(source.send_for(kWatchdog, Payload(number).bytes(number)));
    }
  }

  // Reads until every publisher has left; counts what came and what was lost, lane by lane.
  static void subscribe(Subscriber reader) {
    std::array<std::uint64_t, kPublishers> next{};
    for (;;) {
      const auto message = reader.poll_for(kWatchdog);
      if (code_of(message) == Errc::closed) break;
      if (!message) {
        ASSERT_GT(message.error().lost(), 0U) << said(message);
        continue;
      }
      ASSERT_LT(message->lane(), kPublishers);
      ASSERT_GE(message->sequence(), next[message->lane()]);
      ASSERT_TRUE(intact(message->bytes(), message->sequence()));
      next[message->lane()] = message->sequence() + 1;
    }
    for (const std::uint64_t each : next)
      EXPECT_EQ(each, kMessages);
    const ReaderStats stats = reader.stats();
    EXPECT_EQ(stats.received + stats.lost, kMessages * kPublishers);
  }

  static void come_and_go(const Channel& channel, const std::atomic<bool>& stop) {
    for (unsigned round = 0; !stop.load(); ++round) {
      auto reader = channel.subscriber({.from = round % 2 == 0 ? From::now() : From::oldest()});
      ASSERT_TRUE(reader) << said(reader);
      for (int i = 0; i < 50; ++i) {
        const auto message = reader->try_poll();
        if (message && *message) {
          ASSERT_TRUE(intact((*message)->bytes(), (*message)->sequence()));
        }
      }
    }
  }

  void run(Policy policy, Wait wait) {
    const Channel channel = small_channel(policy, 8192);
    std::atomic<bool> stop{false};
    std::vector<std::jthread> steady;
    for (int i = 0; i < 2; ++i) {
      SubscriberOptions options;
      options.wait = wait;
      options.until_closed = true;
      steady.emplace_back(subscribe, subscriber(channel, options));
    }
    std::jthread restless([&] { come_and_go(channel, stop); });
    {
      std::vector<std::jthread> sources;
      // All are there before the first one is done: a lane that was read to its end may be reused.
      std::vector<Publisher> made;
      for (std::uint32_t i = 0; i < kPublishers; ++i) {
        auto source = channel.publisher({.wait = wait});
        ASSERT_TRUE(source) << said(source);
        made.push_back(std::move(*source));
      }
      for (Publisher& source : made)
        sources.emplace_back(publish, std::move(source));
    }
    steady.clear();
    stop.store(true);
  }
};

TEST_F(Threads, LoseNothingWhileTheyBlock) {
  run(Policy::block, Wait::automatic);
}

TEST_F(Threads, LoseNothingWhileTheySleep) {
  run(Policy::block, Wait::park);
}

TEST_F(Threads, CountEveryLossWhileTheyEvict) {
  run(Policy::evict, Wait::automatic);
}

TEST_F(Threads, CountEveryLossOfLossyReaders) {
  run(Policy::lossy, Wait::automatic);
}

// Canary: a payload with one wrong bit, or under another number, does not pass for intact.
TEST_F(Threads, WouldNoticeOneWrongBit) {
  Payload payload(7);
  EXPECT_TRUE(intact(payload.bytes(7), 7));
  EXPECT_FALSE(intact(payload.bytes(7), 8));
  payload.words[0] ^= 1;
  EXPECT_FALSE(intact(payload.bytes(7), 7));
}

}  // namespace
}  // namespace millrace
