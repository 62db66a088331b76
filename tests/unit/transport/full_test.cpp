// A full ring: who is in the way, what the publisher hears, and what the policies do about it.
#include "support/channel_fixture.hpp"

#include <string>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

namespace millrace {
namespace {

using testing_support::bytes_of;
using testing_support::code_of;
using testing_support::kWatchdog;
using testing_support::next_text;
using testing_support::said;

class FullRing : public testing_support::ChannelTest {
 protected:
  // Sends numbers until the ring is full; returns how many went in.
  static std::uint64_t fill(Publisher& source) {
    std::uint64_t sent = 0;
    while (source.try_send(bytes_of(std::to_string(source.next_sequence()))))
      ++sent;
    return sent;
  }

  // Polls until nothing is there; counts, and checks order.
  struct Tally {
    std::uint64_t received = 0;
    std::uint64_t lost = 0;
    Sequence next = 0;
  };

  static void read_all(Subscriber& reader, Tally& tally) {
    for (;;) {
      const auto message = reader.try_poll();
      if (!message) {
        ASSERT_TRUE(code_of(message) == Errc::overrun || code_of(message) == Errc::evicted)
            << said(message);
        tally.lost += message.error().lost();
        tally.next += message.error().lost();
        continue;
      }
      if (!*message) return;
      ASSERT_EQ((*message)->sequence(), tally.next);
      ASSERT_EQ((*message)->text(), std::to_string(tally.next));
      ++tally.received;
      ++tally.next;
    }
  }
};

TEST_F(FullRing, NamesTheSlowestReaderAndItsLag) {
  const Channel channel = small_channel();
  Subscriber quick = subscriber(channel);
  Subscriber slow = subscriber(another_domain("sleepyhead").find("quotes").value());
  Publisher source = publisher(channel);
  fill(source);
  while (next_text(quick) != "<nothing>") {
  }
  const auto refused = source.try_send(bytes_of("one more"));
  ASSERT_EQ(code_of(refused), Errc::full);
  const std::string sentence = said(refused);
  EXPECT_NE(sentence.find("sleepyhead"), std::string::npos) << sentence;
  EXPECT_NE(sentence.find("pid " + std::to_string(getpid())), std::string::npos) << sentence;
  const Position lag = source.stats().position;
  EXPECT_NE(sentence.find(std::to_string(lag) + " of 4096"), std::string::npos) << sentence;
  EXPECT_GE(source.stats().refused, 2U);
  EXPECT_EQ(next_text(slow), "0");
}

TEST_F(FullRing, SaysSoInTimeInTheTimedForm) {
  const Channel channel = small_channel();
  Subscriber reader = subscriber(channel);
  for (const Wait wait : {Wait::spin, Wait::yield, Wait::park, Wait::automatic}) {
    auto source = channel.publisher({.wait = wait});
    ASSERT_TRUE(source);
    fill(*source);
    EXPECT_EQ(code_of(source->send_for(std::chrono::milliseconds(3), bytes_of("x"))),
              Errc::timeout);
    EXPECT_EQ(code_of(source->claim_for(std::chrono::milliseconds(3), 1)), Errc::timeout);
    auto batch = source->batch(std::chrono::milliseconds(3));
    ASSERT_TRUE(batch);
    EXPECT_EQ(code_of(batch->add(bytes_of("x"))), Errc::timeout);
  }
}

TEST_F(FullRing, IsWaitedForInTheBlockingForm) {
  for (const Wait wait : {Wait::spin, Wait::yield, Wait::park, Wait::automatic}) {
    const Channel channel = small_channel();
    Subscriber reader = subscriber(channel);
    auto source = channel.publisher({.wait = wait});
    ASSERT_TRUE(source);
    fill(*source);
    std::jthread later([&] {
      Tally tally;
      while (tally.received < 2000) {
        std::this_thread::sleep_for(std::chrono::microseconds(300));
        read_all(reader, tally);
      }
    });
    while (source->next_sequence() < 2000)
      ASSERT_TRUE(source->send_for(kWatchdog, bytes_of(std::to_string(source->next_sequence()))));
    later.join();
    EXPECT_GT(source->stats().blocks, 0U);
  }
}

TEST_F(FullRing, ForgetsAReaderThatHasLeft) {
  const Channel channel = small_channel();
  Publisher source = publisher(channel);
  {
    Subscriber reader = subscriber(channel);
    fill(source);
    EXPECT_EQ(code_of(source.try_send(bytes_of("x"))), Errc::full);
  }
  EXPECT_TRUE(source.try_send(bytes_of("x")));
}

TEST_F(FullRing, FreesAParkedPublisherWhenItsReaderLeaves) {
  const Channel channel = small_channel();
  auto source = channel.publisher({.wait = Wait::park});
  for (int round = 0; round < 30; ++round) {
    auto reader = std::make_unique<Subscriber>(subscriber(channel));
    fill(*source);
    std::jthread later([&] {
      std::this_thread::sleep_for(std::chrono::microseconds(100 * round));
      reader.reset();
    });
    ASSERT_TRUE(source->send_for(kWatchdog, bytes_of("x")));
  }
}

TEST_F(FullRing, IsNeverFullWithoutReadersAndCountsWhatNobodyHeard) {
  const Channel channel = small_channel();
  Publisher source = publisher(channel);
  for (int i = 0; i < 1000; ++i)
    send(source, "nobody");
  EXPECT_EQ(source.stats().unheard, 1000U);
  Subscriber reader = subscriber(channel);
  send(source, "somebody");
  EXPECT_EQ(next_text(reader), "somebody");
}

TEST_F(FullRing, RefusesToPublishToNobodyIfTheChannelRequiresReaders) {
  ChannelOptions options;
  options.ring_bytes = kRing;
  options.require_readers = true;
  const Channel channel = this->channel(options);
  Publisher source = publisher(channel);
  const auto refused = source.try_send(bytes_of("x"));
  EXPECT_EQ(code_of(refused), Errc::no_readers);
  EXPECT_NE(said(refused).find("quotes"), std::string::npos);
  {
    Subscriber reader = subscriber(channel);
    send(source, "heard");
    EXPECT_EQ(next_text(reader), "heard");
  }
  EXPECT_EQ(code_of(source.try_send(bytes_of("x"))), Errc::no_readers);
}

TEST_F(FullRing, EvictsTheSlowestReaderAndTellsItWhatItLost) {
  const Channel channel = small_channel(Policy::evict);
  Publisher source = publisher(channel);
  Subscriber slow = subscriber(channel);
  Subscriber quick = subscriber(channel);
  Tally quick_tally;
  for (int i = 0; i < 1000; ++i) {
    send(source, std::to_string(i));
    read_all(quick, quick_tally);
  }
  EXPECT_EQ(quick_tally.received, 1000U);
  const auto told = slow.try_poll();
  ASSERT_EQ(code_of(told), Errc::evicted) << said(told);
  Tally tally{.received = 0, .lost = told.error().lost(), .next = told.error().lost()};
  read_all(slow, tally);
  EXPECT_EQ(tally.received + tally.lost, 1000U);
  EXPECT_EQ(source.stats().evictions, 1U);
  EXPECT_EQ(slow.stats().evictions, 1U);
  EXPECT_EQ(slow.stats().lost, tally.lost);
}

TEST_F(FullRing, WaitsForAnEvictedReaderAgainAndEvictsItAgain) {
  const Channel channel = small_channel(Policy::evict);
  Publisher source = publisher(channel);
  Subscriber reader = subscriber(channel);
  Tally tally;
  for (std::uint64_t round = 1; round <= 20; ++round) {
    for (int i = 0; i < 600; ++i)
      send(source, std::to_string(source.next_sequence()));
    read_all(reader, tally);
    ASSERT_EQ(tally.received + tally.lost, 600 * round);
    ASSERT_EQ(reader.stats().evictions, round);
  }
}

TEST_F(FullRing, TellsEveryEvictedReaderHoweverManyThereAre) {
  const Channel channel = small_channel(Policy::evict);
  Publisher source = publisher(channel);
  std::vector<Subscriber> readers;
  for (int i = 0; i < 70; ++i)  // more than a lane remembers
    readers.push_back(subscriber(channel));
  for (int i = 0; i < 1000; ++i)
    send(source, std::to_string(i));
  for (Subscriber& reader : readers) {
    const auto told = reader.try_poll();
    ASSERT_EQ(code_of(told), Errc::evicted) << said(told);
    Tally tally{.received = 0, .lost = told.error().lost(), .next = told.error().lost()};
    read_all(reader, tally);
    ASSERT_EQ(tally.received + tally.lost, 1000U);
  }
}

TEST_F(FullRing, TellsAReaderThatWasOvertakenInALaneItHadNotFound) {
  const Channel channel = small_channel(Policy::evict);
  Subscriber reader = subscriber(channel);
  Publisher source = publisher(channel);
  for (int i = 0; i < 1000; ++i)
    send(source, std::to_string(i));
  Tally tally;
  read_all(reader, tally);
  EXPECT_GT(tally.lost, 0U);
  EXPECT_EQ(tally.received + tally.lost, 1000U);
  EXPECT_EQ(reader.stats().lost, tally.lost);
}

TEST_F(FullRing, WaitsForNobodyOnALossyChannelAndCountsExactly) {
  const Channel channel = small_channel(Policy::lossy);
  Subscriber reader = subscriber(channel);
  Publisher source = publisher(channel);
  Tally tally;
  for (int round = 0; round < 400; ++round) {
    for (int i = 0; i < round; ++i)
      send(source, std::to_string(source.next_sequence()));
    read_all(reader, tally);
    ASSERT_EQ(tally.next, source.next_sequence());
  }
  EXPECT_GT(tally.lost, 0U);
  EXPECT_GT(tally.received, 0U);
  const ReaderStats stats = reader.stats();
  EXPECT_EQ(stats.lost, tally.lost);
  EXPECT_EQ(stats.received, tally.received);
  EXPECT_GT(stats.overruns, 0U);
}

TEST_F(FullRing, IsNeverBlockedByALossyReaderOfALosslessChannel) {
  const Channel channel = small_channel();
  SubscriberOptions options;
  options.lossy = true;
  Subscriber lossy = subscriber(channel, options);
  Subscriber exact = subscriber(channel);
  Publisher source = publisher(channel);
  Tally exact_tally;
  for (int i = 0; i < 2000; ++i) {
    send(source, std::to_string(i));
    read_all(exact, exact_tally);
  }
  EXPECT_EQ(exact_tally.received, 2000U);
  Tally tally;
  read_all(lossy, tally);
  EXPECT_EQ(tally.received + tally.lost, 2000U);
  EXPECT_GT(tally.lost, 0U);
}

}  // namespace
}  // namespace millrace
