// Readers that are overtaken while they look at the very bytes: hundreds of thousands of times, and
// never does a torn message pass for a whole one.
#include "support/channel_fixture.hpp"

#include <array>
#include <atomic>
#include <cstring>
#include <string>
#include <thread>
#include <utility>

namespace millrace {
namespace {

using testing_support::code_of;
using testing_support::said;

class Overruns : public testing_support::ChannelTest {
 protected:
  static constexpr std::size_t kWords = 96;  // of a 4 KiB ring: a handful of records a lap
  static constexpr std::uint64_t kOverruns = 200'000;

  static bool whole(std::span<const std::byte> bytes, std::uint64_t sequence) {
    if (bytes.size() != kWords * 8) return false;
    for (std::size_t i = 0; i < kWords; ++i) {
      std::uint64_t word = 0;
      std::memcpy(&word, bytes.data() + i * 8, sizeof word);
      if (word != sequence * 0x9e3779b97f4a7c15) return false;
    }
    return true;
  }

  // Writes messages in which every word follows from the sequence.
  struct Flood {
    explicit Flood(Publisher publisher) : source(std::move(publisher)) {}

    void one() {
      auto claim = source.try_claim(kWords * 8);
      ASSERT_TRUE(claim) << said(claim);
      const std::uint64_t word = source.next_sequence() * 0x9e3779b97f4a7c15;
      for (std::size_t i = 0; i < kWords; ++i)
        std::memcpy(claim->bytes().data() + i * 8, &word, sizeof word);
      std::move(*claim).publish();
    }

    Publisher source;
  };
};

TEST_F(Overruns, AreAllNoticedInPlaceAndInTheMiddleOfALook) {
  const Channel channel = small_channel(Policy::lossy);
  Flood flood(publisher(channel));
  Subscriber reader = subscriber(channel);
  std::uint64_t overruns = 0;
  std::uint64_t whole_ones = 0;
  std::uint64_t state = 1;
  while (overruns < kOverruns) {
    auto seen = reader.poll_in_place();
    if (!seen) continue;
    if (!*seen) {
      flood.one();
      continue;
    }
    const Sequence sequence = (*seen)->sequence();
    const auto verdict = std::move(**seen).consume([&](std::span<const std::byte> bytes) {
      // The publisher moves on by some messages while we look.
      state = state * 6364136223846793005 + 1442695040888963407;
      for (std::uint64_t i = (state >> 33) % 4; i > 0; --i)
        flood.one();
      return whole(bytes, sequence);
    });
    if (!verdict) {
      ASSERT_EQ(code_of(verdict), Errc::overrun);
      ++overruns;
      continue;
    }
    ASSERT_TRUE(*verdict) << "a torn message passed validation";
    ++whole_ones;
  }
  EXPECT_GT(whole_ones, kOverruns / 100);
}

TEST_F(Overruns, AreAllNoticedInCopiesWhileAnotherThreadWrites) {
  for (const Policy policy : {Policy::lossy, Policy::evict}) {
    ChannelOptions options;
    options.policy = policy;
    options.ring_bytes = kRing;
    const Channel channel = domain_.channel(to_string(policy), options).value();
    Flood flood(publisher(channel));
    Subscriber reader = subscriber(channel);
    std::atomic<bool> stop{false};
    std::jthread writer([&] {
      while (!stop.load(std::memory_order_relaxed))
        flood.one();
    });
    std::uint64_t received = 0;
    std::uint64_t lost = 0;
    for (int i = 0; i < 300'000; ++i) {
      const auto message = reader.try_poll();
      if (!message) {
        lost += message.error().lost();
      } else if (*message) {
        ASSERT_TRUE(whole((*message)->bytes(), (*message)->sequence()));
        ++received;
      }
    }
    stop.store(true);
    writer.join();
    for (;;) {
      const auto message = reader.try_poll();
      if (!message) {
        lost += message.error().lost();
      } else if (!*message) {
        break;
      } else {
        ++received;
      }
    }
    EXPECT_EQ(received + lost, flood.source.next_sequence());
  }
}

// The canary: without validation torn messages do pass.
TEST_F(Overruns, WouldPassForWholeMessagesWithoutTheValidation) {
  const Channel channel = small_channel(Policy::lossy);
  Flood flood(publisher(channel));
  Subscriber reader = subscriber(channel);
  flood.one();
  auto seen = reader.poll_in_place();
  ASSERT_TRUE(seen && *seen);
  const Sequence sequence = (*seen)->sequence();
  bool looked_whole = true;
  const auto verdict = std::move(**seen).consume([&](std::span<const std::byte> bytes) {
    for (int i = 0; i < 20; ++i)
      flood.one();
    looked_whole = whole(bytes, sequence);
  });
  EXPECT_EQ(code_of(verdict), Errc::overrun);
  EXPECT_FALSE(looked_whole);
}

}  // namespace
}  // namespace millrace
