// Channels with one total order, in one process.
#include "support/channel_fixture.hpp"

#include <algorithm>
#include <atomic>
#include <string>
#include <thread>
#include <vector>

namespace millrace {
namespace {

using testing_support::bytes_of;
using testing_support::code_of;
using testing_support::kWatchdog;
using testing_support::next_text;
using testing_support::said;

class TotalOrderTest : public testing_support::ChannelTest {
 protected:
  [[nodiscard]] static ChannelOptions ordered(Policy policy = Policy::block,
                                              std::uint64_t ring = kRing) {
    ChannelOptions options;
    options.order = Order::total;
    options.ring_bytes = ring;
    options.policy = policy;
    options.lanes_max = 4;
    return options;
  }

  // Everything there is, as one text, and its numbers.
  struct Got {
    std::string text;
    std::vector<Sequence> sequences;
    std::uint64_t lost = 0;
  };

  static Got read(Subscriber& reader) {
    Got got;
    for (;;) {
      const auto message = reader.try_poll();
      if (!message) {
        got.lost += message.error().lost();
        if (message.error().code() != Errc::overrun && message.error().code() != Errc::evicted) {
          ADD_FAILURE() << said(message);
          return got;
        }
        continue;
      }
      if (!*message) return got;
      got.text += (*message)->text();
      got.sequences.push_back((*message)->sequence());
    }
  }
};

TEST_F(TotalOrderTest, EverySubscriberSeesEverythingInTheOrderOfPublishing) {
  const Channel quotes = channel(ordered());
  Subscriber first = subscriber(quotes);
  Publisher a = publisher(quotes);
  Subscriber second = subscriber(quotes);
  Publisher b = publisher(quotes);
  std::string sent;
  for (int i = 0; i < 26; ++i) {
    const std::string text(1, static_cast<char>('a' + i));
    const auto placed = (i % 3 == 0 ? a : b).try_send(text);
    ASSERT_TRUE(placed) << said(placed);
    EXPECT_EQ(*placed, static_cast<Sequence>(i));
    sent += text;
  }
  for (Subscriber* const reader : {&first, &second}) {
    const Got got = read(*reader);
    EXPECT_EQ(got.text, sent);
    EXPECT_EQ(got.sequences.size(), 26U);
    EXPECT_TRUE(std::ranges::is_sorted(got.sequences));
  }
}

TEST_F(TotalOrderTest, ABatchIsOnePublishAndItsMessagesHaveNumbersOfTheirOwn) {
  const Channel quotes = channel(ordered());
  Subscriber reader = subscriber(quotes);
  Publisher a = publisher(quotes);
  Publisher b = publisher(quotes);
  auto batch = a.batch();
  ASSERT_TRUE(batch);
  ASSERT_TRUE(batch->add(bytes_of("one ")));
  send(b, "zero ");
  ASSERT_TRUE(batch->add(bytes_of("two ")));
  ASSERT_TRUE(batch->add(bytes_of("three ")));
  EXPECT_EQ(std::move(*batch).publish(), 1U);
  send(b, "four");
  const Got got = read(reader);
  EXPECT_EQ(got.text, "zero one two three four");
  EXPECT_EQ(got.sequences, (std::vector<Sequence>{0, 1, 2, 3, 4}));
}

TEST_F(TotalOrderTest, ABatchTakesAsManyMessagesAsAWordCanCount) {
  const Channel quotes = channel(ordered(Policy::block, 65536));
  Subscriber reader = subscriber(quotes);
  Publisher source = publisher(quotes);
  auto batch = source.batch();
  ASSERT_TRUE(batch);
  for (int i = 0; i < 256; ++i)
    ASSERT_TRUE(batch->add(bytes_of("x")));
  EXPECT_EQ(code_of(batch->add(bytes_of("x"))), Errc::too_big);
  EXPECT_EQ(std::move(*batch).publish(), 0U);
  EXPECT_EQ(source.next_sequence(), 256U);
  std::size_t got = 0;
  ASSERT_TRUE(reader.poll_each([&](const Message& message) { got += message.sequence() == got; }));
  EXPECT_EQ(got, 256U);
}

TEST_F(TotalOrderTest, AnAbortedClaimLeavesNoGap) {
  const Channel quotes = channel(ordered());
  Subscriber reader = subscriber(quotes);
  Publisher a = publisher(quotes);
  Publisher b = publisher(quotes);
  {
    auto claim = a.try_claim(10);
    ASSERT_TRUE(claim);
    send(b, "b");
  }
  send(a, "a");
  const Got got = read(reader);
  EXPECT_EQ(got.text, "ba");
  EXPECT_EQ(got.sequences, (std::vector<Sequence>{0, 1}));
}

TEST_F(TotalOrderTest, ManyLapsThroughSmallRings) {
  const Channel quotes = channel(ordered());
  Subscriber reader = subscriber(quotes);
  Publisher a = publisher(quotes);
  Publisher b = publisher(quotes);
  Sequence next = 0;
  for (int round = 0; round < 3000; ++round) {
    Publisher& source = round % 5 < 2 ? a : b;
    const std::string text(static_cast<std::size_t>(round * 37 % 300), static_cast<char>(round));
    ASSERT_TRUE(source.try_send(text)) << round;
    if (round % 2 == 0) {
      ASSERT_TRUE(b.try_send("x"));
    }
    for (;;) {
      const auto message = reader.try_poll();
      ASSERT_TRUE(message) << said(message);
      if (!*message) break;
      ASSERT_EQ((*message)->sequence(), next++);
    }
  }
  EXPECT_EQ(next, 4500U);
}

TEST_F(TotalOrderTest, BeginsAtTheOldestNowOrANumber) {
  const Channel quotes = channel(ordered());
  Publisher a = publisher(quotes);
  Publisher b = publisher(quotes);
  for (char text = 'a'; text <= 'z'; ++text)
    send(text % 2 != 0 ? a : b, std::string(1, text));
  Subscriber oldest = subscriber(quotes, From::oldest());
  Subscriber now = subscriber(quotes, From::now());
  Subscriber ninth = subscriber(quotes, From::at(9));
  Subscriber later = subscriber(quotes, From::at(27));
  send(a, "1");
  send(b, "2");
  EXPECT_EQ(read(oldest).text, "abcdefghijklmnopqrstuvwxyz12");
  EXPECT_EQ(read(now).text, "12");
  EXPECT_EQ(read(ninth).text, "jklmnopqrstuvwxyz12");
  EXPECT_EQ(read(later).text, "2");
}

TEST_F(TotalOrderTest, ASubscriberThatDoesNotReadStopsEveryPublisherUnderBlock) {
  const Channel quotes = channel(ordered());
  Subscriber reader = subscriber(quotes);
  Publisher a = publisher(quotes);
  Publisher b = publisher(quotes);
  Sequence sent = 0;
  for (Publisher* const source : {&a, &b}) {
    while (source->try_send("x"))
      ++sent;
    EXPECT_EQ(code_of(source->try_send("x")), Errc::full);
  }
  EXPECT_EQ(read(reader).text.size(), sent);
  EXPECT_TRUE(a.try_send("x"));
  EXPECT_TRUE(b.try_send("x"));
}

// The reader joined where the ring of `a` was nearly full of what it does not want.
TEST_F(TotalOrderTest, WhoJoinsNowHoldsNobodyUpWithThePast) {
  const Channel quotes = channel(ordered());
  Publisher a = publisher(quotes);
  Publisher b = publisher(quotes);
  for (int i = 0; i < 500; ++i)
    ASSERT_TRUE(a.try_send("past"));
  Subscriber reader = subscriber(quotes);
  for (int i = 0; i < 2000; ++i) {
    ASSERT_TRUE(a.try_send("a")) << i;
    ASSERT_TRUE(b.try_send("b")) << i;
    ASSERT_EQ(next_text(reader), "a");
    ASSERT_EQ(next_text(reader), "b");
  }
}

TEST_F(TotalOrderTest, ALossyReaderIsToldExactlyWhatItMissed) {
  const Channel quotes = channel(ordered(Policy::lossy));
  Subscriber reader = subscriber(quotes);
  Publisher a = publisher(quotes);
  Publisher b = publisher(quotes);
  Sequence sent = 0;
  Sequence got = 0;
  Sequence lost = 0;
  for (int round = 0; round < 40; ++round) {
    for (int i = 0; i < round * 17 % 400; ++i, ++sent)
      ASSERT_TRUE((i % 7 == 0 ? a : b).try_send(std::to_string(sent)));
    const Got now = read(reader);
    lost += now.lost;
    got += now.sequences.size();
    ASSERT_TRUE(std::ranges::is_sorted(now.sequences));
    ASSERT_EQ(got + lost, sent) << round;
    ASSERT_TRUE(now.sequences.empty() || now.sequences.back() + 1 == sent);
  }
  EXPECT_GT(lost, 0U);
  EXPECT_EQ(reader.stats().lost, lost);
}

TEST_F(TotalOrderTest, AnEvictedReaderIsToldAndGoesOn) {
  const Channel quotes = channel(ordered(Policy::evict));
  Subscriber reader = subscriber(quotes);
  Publisher a = publisher(quotes);
  Publisher b = publisher(quotes);
  EXPECT_EQ(next_text(reader), "<nothing>") << "it has a place in both lanes";
  Sequence sent = 0;
  for (; sent < 1000; ++sent)
    ASSERT_TRUE((sent % 3 == 0 ? a : b).send(std::to_string(sent)));
  const auto told = reader.try_poll();
  ASSERT_FALSE(told);
  EXPECT_EQ(told.error().code(), Errc::evicted);
  const Got got = read(reader);
  EXPECT_EQ(told.error().lost() + got.lost + got.sequences.size(), sent);
  EXPECT_EQ(got.sequences.back(), sent - 1);
}

TEST_F(TotalOrderTest, FiltersAndReadingInPlace) {
  const Channel quotes = channel(ordered());
  SubscriberOptions odd;
  odd.filter = {.mask = 1, .value = 1};
  Subscriber filtered = subscriber(quotes, odd);
  Subscriber in_place = subscriber(quotes);
  Publisher a = publisher(quotes);
  Publisher b = publisher(quotes);
  for (std::uint16_t key = 0; key < 10; ++key)
    send(key % 3 == 0 ? a : b, std::to_string(key), key);
  const Got got = read(filtered);
  EXPECT_EQ(got.text, "13579");
  EXPECT_EQ(got.sequences, (std::vector<Sequence>{1, 3, 5, 7, 9}));
  EXPECT_EQ(filtered.stats().skipped, 5U);
  for (std::uint16_t key = 0; key < 10; ++key) {
    auto seen = in_place.poll_in_place();
    ASSERT_TRUE(seen && *seen);
    EXPECT_EQ((*seen)->sequence(), key);
    const auto used = std::move(**seen).consume([](auto bytes) { return bytes.size(); });
    ASSERT_TRUE(used) << said(used);
  }
}

TEST_F(TotalOrderTest, APublisherThatComesBackContinuesBehindTheOthers) {
  const Channel quotes = channel(ordered());
  Subscriber reader = subscriber(quotes);
  Publisher other = publisher(quotes, "other");
  {
    Publisher named = publisher(quotes, "named");
    send(named, "a");
    send(other, "b");
  }
  Publisher named = publisher(quotes, "named");
  send(other, "c");
  send(named, "d");
  EXPECT_EQ(read(reader).text, "abcd");
}

// Lanes without a name are used again by others; nobody may take an old word for a new record.
TEST_F(TotalOrderTest, LanesAreUsedAgain) {
  const Channel quotes = channel(ordered());
  Subscriber reader = subscriber(quotes);
  std::string sent;
  for (int life = 0; life < 40; ++life) {
    Publisher a = publisher(quotes);
    Publisher b = publisher(quotes);
    for (Publisher* const source : {&a, &b, &a}) {
      const std::string text(1, static_cast<char>('a' + life % 26));
      ASSERT_TRUE(source->try_send(text));
      sent += text;
    }
    if (life % 2 == 1) {  // there are no more lanes than it has not read
      ASSERT_EQ(read(reader).text, sent);
      sent.clear();
    }
  }
  Subscriber late = subscriber(quotes, From::oldest());
  EXPECT_EQ(read(late).lost, 0U);
}

TEST_F(TotalOrderTest, EndsWhenAllPublishersHaveLeft) {
  const Channel quotes = channel(ordered());
  SubscriberOptions options;
  options.until_closed = true;
  Subscriber reader = subscriber(quotes, options);
  {
    Publisher a = publisher(quotes);
    Publisher b = publisher(quotes);
    send(a, "a");
    send(b, "b");
  }
  EXPECT_EQ(next_text(reader), "a");
  EXPECT_EQ(next_text(reader), "b");
  EXPECT_EQ(code_of(reader.poll_for(kWatchdog)), Errc::closed);
}

TEST_F(TotalOrderTest, ASleepingReaderIsWokenByWhoeverPublishesNext) {
  const Channel quotes = channel(ordered());
  constexpr int kMessages = 2000;
  SubscriberOptions options;
  options.wait = Wait::park;
  Subscriber reader = subscriber(quotes, options);
  std::atomic<int> read{0};
  std::thread sleeper([&] {
    for (int i = 0; i < kMessages; ++i) {
      const auto message = reader.poll_for(kWatchdog);
      ASSERT_TRUE(message) << said(message);
      ASSERT_EQ(message->sequence(), static_cast<Sequence>(i));
      read = i + 1;
    }
  });
  Publisher a = publisher(quotes);
  Publisher b = publisher(quotes);
  for (int i = 0; i < kMessages; ++i) {
    ASSERT_TRUE((i % 2 == 0 ? a : b).send("x"));
    while (i % 16 == 0 && read != i + 1)
      std::this_thread::yield();
  }
  sleeper.join();
  EXPECT_GT(reader.stats().parks, 0U);
}

// All readers of all kinds see one and the same order while publishers race.
TEST_F(TotalOrderTest, RacingPublishersHaveOneOrderForAll) {
  const Channel quotes = channel(ordered());
  constexpr int kEach = 20'000;
  constexpr int kPublishers = 3;
  std::vector<std::vector<std::string>> seen(2);
  std::vector<Subscriber> readers;
  for (std::size_t i = 0; i < seen.size(); ++i)
    readers.push_back(subscriber(quotes));
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < seen.size(); ++i) {
    threads.emplace_back([&, i] {
      while (seen[i].size() < kEach * kPublishers) {
        const auto message = readers[i].poll_for(kWatchdog);
        ASSERT_TRUE(message) << said(message);
        ASSERT_EQ(message->sequence(), seen[i].size());
        seen[i].emplace_back(message->text());
      }
    });
  }
  for (int who = 0; who < kPublishers; ++who) {
    threads.emplace_back([&, who] {
      Publisher source = publisher(quotes);
      Sequence last = 0;
      for (int i = 0; i < kEach; ++i) {
        const auto sent = source.send(std::to_string(who) + ":" + std::to_string(i));
        ASSERT_TRUE(sent) << said(sent);
        ASSERT_TRUE(i == 0 || *sent > last);
        last = *sent;
      }
    });
  }
  for (std::thread& thread : threads)
    thread.join();
  EXPECT_EQ(seen[0], seen[1]);
  std::vector<int> next(kPublishers);
  for (const std::string& text : seen[0]) {
    const int who = text.front() - '0';
    ASSERT_EQ(text.substr(2), std::to_string(next[static_cast<std::size_t>(who)]++));
  }
}

TEST_F(TotalOrderTest, CannotBeDurableNorBeMistakenForAnother) {
  ChannelOptions durable = ordered();
  durable.durable = true;
  durable.journal = "/nowhere";
  EXPECT_EQ(code_of(domain_.create("durable", durable)), Errc::bad_argument);
  ChannelOptions large = ordered(Policy::block, std::uint64_t{1} << 30);
  large.lanes_max = 64;
  EXPECT_EQ(code_of(domain_.create("large", large)), Errc::bad_argument);
  (void)small_channel();
  EXPECT_EQ(code_of(domain_.channel("quotes", ordered())), Errc::bad_argument);
  ASSERT_TRUE(domain_.create("ordered", ordered()));
  EXPECT_EQ(domain_.find("ordered")->options().order, Order::total);
}

}  // namespace
}  // namespace millrace
