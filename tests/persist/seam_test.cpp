// The seam between log and ring: whatever the ring no longer holds comes from the journal, and the
// reader goes over to the ring by exact numbers. No message is missing, none comes twice, and
// nobody waits for a reader of the past.
#include "persist/durable_channel.hpp"
#include "persist/log_persister.hpp"

#include <atomic>
#include <poll.h>
#include <random>
#include <thread>
#include <vector>

#include <gmock/gmock.h>

namespace millrace {
namespace {

using namespace std::chrono_literals;
using testing_support::bytes_of;
using testing_support::code_of;
using testing_support::kWatchdog;
using testing_support::LogPersister;
using testing_support::next_text;
using testing_support::said;

class Seam : public testing_support::DurableChannelTest {
 protected:
  // A log with the messages [0, end) of this producer, as an earlier boot has left it.
  void write_past(const std::string& producer, Sequence end) const {
    for (Sequence i = 0; i < end; ++i)
      log_.append(producer, i, 0, bytes_of(text(i)), 10 * i);
  }

  // Sends as many with a journal that keeps up.
  static void send_durably(Publisher& source, LogPersister& journal, std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i) {
      send(source, text(source.next_sequence()));
      if (i % 16 == 15) journal.round();
    }
    journal.round();
    ASSERT_EQ(journal.wrong(), "");
  }

  static std::uint64_t lost_of(Subscriber& reader, Errc expected) {
    const auto message = reader.try_poll();
    EXPECT_EQ(code_of(message), expected) << said(message);
    return message ? 0 : message.error().lost();
  }
};

TEST_F(Seam, TheOldestMessageIsTheJournals) {
  const Channel channel = durable_channel();
  LogPersister journal(domain_, log_);
  Publisher source = publisher(channel, "feed");
  send_durably(source, journal, 2000);
  Subscriber reader = subscriber(channel, From::oldest());
  expect_numbers(reader, 0, 2000);
  EXPECT_EQ(next_text(reader), "<nothing>");
  send_durably(source, journal, 5);
  expect_numbers(reader, 2000, 2005);
  EXPECT_EQ(reader.stats().lost, 0U);
  EXPECT_EQ(reader.stats().received, 2005U);
}

TEST_F(Seam, ASequenceOfThePastIsThatMessage) {
  const Channel channel = durable_channel();
  LogPersister journal(domain_, log_);
  Publisher source = publisher(channel, "feed");
  send_durably(source, journal, 1000);
  for (const Sequence wanted : {0U, 1U, 500U, 998U, 999U}) {
    Subscriber reader = subscriber(channel, From::at(wanted));
    expect_numbers(reader, wanted, 1000);
    EXPECT_EQ(next_text(reader), "<nothing>");
  }
}

TEST_F(Seam, AMomentIsTheFirstMessageTakenInFromThenOn) {
  const Channel channel = durable_channel();
  LogPersister journal(domain_, log_);
  Publisher source = publisher(channel, "feed");
  send_durably(source, journal, 700);
  journal.wall_ns = 2'000;
  send_durably(source, journal, 700);
  Subscriber later = subscriber(channel, From::since(1'001ns));
  expect_numbers(later, 700, 1400);
  Subscriber all = subscriber(channel, From::since(std::chrono::system_clock::time_point()));
  expect_numbers(all, 0, 1400);
  Subscriber none = subscriber(channel, From::since(3'000ns));
  EXPECT_EQ(next_text(none), "<nothing>");
  send_durably(source, journal, 1);
  EXPECT_EQ(next_text(none), text(1400));
}

TEST_F(Seam, NobodyWaitsForAReaderOfThePast) {
  const Channel channel = durable_channel();
  LogPersister journal(domain_, log_);
  Publisher source = publisher(channel, "feed");
  send_durably(source, journal, 1000);
  Subscriber reader = subscriber(channel, From::oldest());
  EXPECT_EQ(next_text(reader), text(0));
  ASSERT_NO_FATAL_FAILURE(send_durably(source, journal, 5000));
  expect_numbers(reader, 1, 6000);
}

TEST_F(Seam, EveryWayOfPollingReadsThePast) {
  const Channel channel = durable_channel();
  LogPersister journal(domain_, log_);
  Publisher source = publisher(channel, "feed");
  send_durably(source, journal, 1000);
  Subscriber each = subscriber(channel, From::oldest());
  Subscriber in_place = subscriber(channel, From::oldest());
  Subscriber by_fd = subscriber(channel, From::oldest());
  Sequence next = 0;
  while (next < 1000) {
    const auto count = each.poll_each([&](const Message& m) { EXPECT_EQ(m.text(), text(next++)); });
    ASSERT_TRUE(count && *count != 0) << said(count);
  }
  for (next = 0; next < 1000; ++next) {
    auto view = in_place.poll_in_place();
    ASSERT_TRUE(view && *view) << said(view);
    if (next % 3 == 0) view = in_place.poll_in_place();  // what was not taken is there once more
    ASSERT_TRUE(view && *view) << said(view);
    ASSERT_EQ((*view)->sequence(), next);
    const auto length =
        std::move(**view).consume([](std::span<const std::byte> bytes) { return bytes.size(); });
    ASSERT_EQ(length, text(next).size());
  }
  const auto fd = by_fd.event_fd();
  ASSERT_TRUE(fd);
  pollfd waiting{*fd, POLLIN, 0};
  for (next = 0; next < 1000;) {
    ASSERT_EQ(::poll(&waiting, 1, 60'000), 1) << next;
    for (std::string got = next_text(by_fd); got != "<nothing>"; got = next_text(by_fd))
      ASSERT_EQ(got, text(next++));
  }
}

TEST_F(Seam, AFilterHoldsForThePast) {
  const Channel channel = durable_channel();
  LogPersister journal(domain_, log_);
  Publisher source = publisher(channel, "feed");
  for (Sequence i = 0; i < 1000; ++i) {
    send(source, text(i), i % 100 == 0 ? 7 : 8);
    if (i % 8 == 0) journal.round();
  }
  journal.round();
  Subscriber reader =
      subscriber(channel, {.from = From::oldest(), .filter = {.mask = 0xffff, .value = 7}});
  for (Sequence i = 0; i < 1000; i += 100)
    ASSERT_EQ(next_text(reader), text(i));
  EXPECT_EQ(next_text(reader), "<nothing>");
  EXPECT_EQ(reader.stats().received + reader.stats().skipped, 1000U);
}

TEST_F(Seam, WhatRetentionTookIsToldExactly) {
  const Channel channel = durable_channel();
  LogPersister journal(domain_, log_);
  Publisher source = publisher(channel, "feed");
  send_durably(source, journal, 1000);
  Subscriber early = subscriber(channel, From::oldest());
  EXPECT_EQ(next_text(early), text(0));
  log_.trim("feed", 400);
  EXPECT_EQ(lost_of(early, Errc::trimmed), 399U);
  expect_numbers(early, 400, 1000);
  EXPECT_EQ(early.stats().lost, 399U);
  Subscriber late = subscriber(channel, From::oldest());
  expect_numbers(late, 400, 1000);
  Subscriber exact = subscriber(channel, From::at(100));
  EXPECT_EQ(lost_of(exact, Errc::trimmed), 300U);
  expect_numbers(exact, 400, 1000);
}

TEST_F(Seam, ADamagedLogIsToldAndTheOtherLanesGoOn) {
  const Channel channel = durable_channel();
  LogPersister journal(domain_, log_);
  Publisher source = publisher(channel, "feed");
  Publisher other = publisher(channel, "other");
  send_durably(source, journal, 1000);
  send_durably(other, journal, 2);
  log_.damage("feed", 0);
  Subscriber reader = subscriber(channel, From::at(0));
  std::vector<std::string> got;
  for (int i = 0; i < 4; ++i)
    got.push_back(next_text(reader));
  EXPECT_THAT(got, testing::UnorderedElementsAre("<damaged>", text(0), text(1), "<nothing>"));
}

TEST_F(Seam, WhoCannotReadJournalsIsToldWhenItAsksForThePast) {
  const Channel channel = durable_channel();
  LogPersister journal(domain_, log_);
  Publisher source = publisher(channel, "feed");
  send(source, text(0));
  journal.round();
  set_history_opener(nullptr);
  {
    Subscriber reader = subscriber(channel, From::oldest());
    expect_numbers(reader, 0, 1);  // the ring goes back to the first message
  }
  for (int i = 0; i < 100; ++i)
    send_durably(source, journal, 10);
  for (const From from : {From::oldest(), From::at(3), From::since(1ns)})
    EXPECT_EQ(code_of(channel.subscriber({.from = from})), Errc::journal_unavailable);
  Subscriber reader = subscriber(channel, From::now());
  send_durably(source, journal, 1);
  EXPECT_EQ(next_text(reader), text(1001));
}

TEST_F(Seam, LanesThatTheJournalMadeHaveAPast) {
  const Channel channel = durable_channel();
  write_past("feed", 100);
  Subscriber early = subscriber(channel, From::oldest());  // before any journal has come
  Subscriber fresh = subscriber(channel, From::now());
  EXPECT_EQ(next_text(early), "<nothing>");
  LogPersister journal(domain_, log_, {{"feed", 100}});
  ASSERT_EQ(journal.wrong(), "");
  expect_numbers(early, 0, 100);
  Subscriber later = subscriber(channel, From::at(60));
  Publisher source = publisher(channel, "feed");
  EXPECT_EQ(source.next_sequence(), 100U);
  send_durably(source, journal, 3);
  expect_numbers(early, 100, 103);
  expect_numbers(later, 60, 103);
  expect_numbers(fresh, 100, 103);
  for (Subscriber* reader : {&early, &later, &fresh}) {
    EXPECT_EQ(next_text(*reader), "<nothing>");
    EXPECT_EQ(reader->stats().lost, 0U);
  }
}

TEST_F(Seam, ALaneThatOnlyTheJournalMadeIsNotTheEnd) {
  const Channel channel = durable_channel();
  LogPersister journal(domain_, log_, {{"feed", 0}});
  Subscriber reader = subscriber(channel, {.from = From::oldest(), .until_closed = true});
  EXPECT_EQ(code_of(reader.poll_for(std::chrono::milliseconds(300))), Errc::timeout);
  {
    Publisher source = publisher(channel, "feed");
    send_durably(source, journal, 1);
  }
  const auto message = reader.poll_for(kWatchdog);
  ASSERT_TRUE(message) << message.error().sentence();
  EXPECT_EQ(message->text(), text(0));
  EXPECT_EQ(code_of(reader.poll_for(kWatchdog)), Errc::closed);
}

TEST_F(Seam, NobodyWaitsForWhoReadsTheLogOfALaneThatHasNotLappedYet) {
  const Channel channel = durable_channel();
  write_past("feed", 100);
  LogPersister journal(domain_, log_, {{"feed", 100}});
  Subscriber reader = subscriber(channel, From::oldest());
  EXPECT_EQ(next_text(reader), text(0));
  Publisher source = publisher(channel, "feed");
  ASSERT_NO_FATAL_FAILURE(send_durably(source, journal, 1000));
  expect_numbers(reader, 1, 1100);
}

TEST_F(Seam, APlaceOfTheLogOutlivesAReboot) {
  const Channel channel = durable_channel();
  write_past("feed", 100);
  log_.remember("risk", "feed", 42);
  log_.remember("ahead", "feed", 140);
  LogPersister journal(domain_, log_, {{"feed", 100}});
  Publisher source = publisher(channel, "feed");
  send_durably(source, journal, 60);
  Subscriber risk = subscriber(channel, {.from = From::now(), .name = "risk", .remember = true});
  expect_numbers(risk, 42, 160);
  Subscriber ahead = subscriber(channel, {.from = From::now(), .name = "ahead", .remember = true});
  EXPECT_EQ(next_text(ahead), "<rewound>");
  expect_numbers(ahead, 100, 160);
  EXPECT_EQ(ahead.stats().rewinds, 1U);
  EXPECT_EQ(risk.stats().rewinds, 0U);
}

TEST_F(Seam, AnOvertakenReaderGoesOnInTheJournal) {
  for (const Policy policy : {Policy::lossy, Policy::evict}) {
    {
      const Channel channel = durable_channel(policy);
      LogPersister journal(domain_, log_);
      Publisher source = publisher(channel, "feed");
      const Sequence begin = source.next_sequence();
      Subscriber reader = subscriber(channel, From::now());
      send_durably(source, journal, 2000);
      expect_numbers(reader, begin, begin + 2000);
      EXPECT_EQ(next_text(reader), "<nothing>");
      EXPECT_GE(reader.stats().caught_up, 1U) << to_string(policy);
      EXPECT_EQ(reader.stats().lost, 0U);
    }
    ASSERT_TRUE(domain_.remove("quotes"));
    std::filesystem::remove(log_.directory() + "/feed");
  }
}

TEST_F(Seam, AnOvertakenReaderWithoutAJournalIsToldItsLoss) {
  const Channel channel = durable_channel(Policy::lossy);
  LogPersister journal(domain_, log_);
  Publisher source = publisher(channel, "feed");
  Subscriber reader = subscriber(channel, From::now());
  set_history_opener(nullptr);
  send_durably(source, journal, 2000);
  const std::uint64_t lost = lost_of(reader, Errc::overrun);
  EXPECT_GT(lost, 1000U);
  EXPECT_EQ(next_text(reader), text(lost));
  EXPECT_EQ(reader.stats().caught_up, 0U);
}

TEST_F(Seam, WhatIsInNeitherIsToldExactly) {
  const Channel channel = durable_channel(Policy::lossy);
  const auto journal = persister(channel);
  Publisher source = publisher(channel, "feed");
  Subscriber reader = subscriber(channel, {.from = From::oldest(), .delivery = Delivery::visible});
  send_numbers(source, 10);
  journal->copy_and_flush();
  journal->say(layout::JournalState::detached);
  send_numbers(source, 2000);
  expect_numbers(reader, 0, 10);
  const std::uint64_t lost = lost_of(reader, Errc::gap);
  EXPECT_GT(lost, 1000U);
  expect_numbers(reader, 10 + lost, 2010);
  EXPECT_EQ(next_text(reader), "<nothing>");
}

struct Race {
  Policy policy;
  Delivery delivery;
};

class SeamRace : public Seam, public testing::WithParamInterface<Race> {};

// Two publishers, a journal and readers that all pause when they please: readers come at any
// moment, fall behind by laps, and must see every message once and in order.
TEST_P(SeamRace, MissesNothingAndRepeatsNothing) {
  constexpr Sequence kMessages = 4000;
  const Channel channel = durable_channel(GetParam().policy);
  LogPersister journal(domain_, log_);
  ASSERT_EQ(journal.wrong(), "");
  std::atomic<int> publishing{2};
  std::atomic<bool> done{false};
  const auto publish = [&](const char* name, unsigned seed) {
    Publisher source = publisher(channel, name);
    std::minstd_rand random(seed);
    for (Sequence i = 0; i < kMessages; ++i) {
      ASSERT_TRUE(source.send_for(kWatchdog, bytes_of(text(i))));
      if (random() % 256 == 0) std::this_thread::sleep_for(random() % 500 * 1us);
    }
    --publishing;
  };
  std::thread one(publish, "one", 1);
  std::thread two(publish, "two", 2);
  std::thread writer([&] {
    std::minstd_rand random(3);
    while (!done) {
      journal.round();
      if (random() % 4 == 0) std::this_thread::sleep_for(random() % 300 * 1us);
    }
  });
  const auto read = [&](unsigned seed) {
    std::minstd_rand random(seed);
    std::this_thread::sleep_for(random() % 3000 * 1us);
    Subscriber reader = subscriber(
        channel, {.from = From::oldest(), .wait = Wait::park, .delivery = GetParam().delivery});
    std::vector<Sequence> next(2, 0);
    std::uint64_t got = 0;
    while (got < 2 * kMessages) {
      const auto count = reader.poll_each(
          [&](const Message& message) {
            ASSERT_EQ(message.sequence(), next[message.lane()]) << message.lane();
            ASSERT_EQ(message.text(), text(next[message.lane()]++));
            ++got;
          },
          1 + random() % 100);
      ASSERT_TRUE(count) << said(count);
      if (testing::Test::HasFatalFailure()) return;
      if (*count == 0) {
        ASSERT_TRUE(reader.wait(kWatchdog));
      }
      if (random() % 16 == 0) std::this_thread::sleep_for(random() % 2000 * 1us);
    }
    EXPECT_EQ(reader.stats().lost, 0U);
  };
  std::thread second([&] { read(5); });
  read(4);
  second.join();
  one.join();
  two.join();
  done = true;
  writer.join();
  EXPECT_EQ(journal.wrong(), "");
}

INSTANTIATE_TEST_SUITE_P(
    Policies, SeamRace,
    testing::Values(Race{Policy::block, Delivery::durable}, Race{Policy::block, Delivery::visible},
                    Race{Policy::evict, Delivery::durable}, Race{Policy::lossy, Delivery::durable},
                    Race{Policy::lossy, Delivery::visible}),
    [](const auto& of) {
      const bool visible = of.param.delivery == Delivery::visible;
      return std::string(to_string(of.param.policy)) + (visible ? "_visible" : "_durable");
    });

}  // namespace
}  // namespace millrace
