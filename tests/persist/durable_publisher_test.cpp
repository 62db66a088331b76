// A publisher of a durable channel: what it waits for, what it is told, and what it counts.
#include "feed_fixture.hpp"
#include "millrace/transport/detach_journal.hpp"

#include <atomic>
#include <thread>

#include <gmock/gmock.h>

namespace millrace {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using testing_support::bytes_of;
using testing_support::code_of;
using testing_support::FeedPersister;
using testing_support::FeedTest;
using testing_support::kWatchdog;
using testing_support::next_text;
using testing_support::said;

class DurablePublisher : public FeedTest {};

TEST_F(DurablePublisher, SaysWhatAChannelNeeds) {
  ChannelOptions options = durable_options();
  options.journal = "";
  EXPECT_EQ(code_of(domain_.create("quotes", options)), Errc::bad_argument);
  options.journal = "relative/path";
  EXPECT_EQ(code_of(domain_.create("quotes", options)), Errc::bad_argument);
  options.journal = "/" + std::string(300, 'x');
  EXPECT_EQ(code_of(domain_.create("quotes", options)), Errc::bad_argument);
  options = durable_options();
  options.durable = false;
  EXPECT_EQ(code_of(domain_.create("quotes", options)), Errc::bad_argument);
}

TEST_F(DurablePublisher, FindsTheChannelAsItWasMade) {
  ChannelOptions options = durable_options();
  options.journal += "/./";
  options.when_journal_fails = WhenJournalFails::proceed;
  ASSERT_TRUE(domain_.create("quotes", options));
  const auto found = domain_.find("quotes");
  ASSERT_TRUE(found) << said(found);
  EXPECT_TRUE(found->options().durable);
  EXPECT_EQ(found->options().journal, journal());
  EXPECT_EQ(found->options().when_journal_fails, WhenJournalFails::proceed);
  EXPECT_TRUE(domain_.channel("quotes", options));
  EXPECT_TRUE(domain_.channel("quotes", {}));
  options.journal = scratch_ / "elsewhere";
  EXPECT_EQ(code_of(domain_.channel("quotes", options)), Errc::bad_argument);
}

TEST_F(DurablePublisher, NeedsANameAndAJournalThatHasCome) {
  const Channel channel = durable_channel();
  EXPECT_EQ(code_of(channel.publisher()), Errc::bad_argument);
  const auto early = channel.publisher({.name = "feed"});
  ASSERT_EQ(code_of(early), Errc::journal_unavailable);
  EXPECT_THAT(said(early), HasSubstr("millrace record quotes --journal " + journal()));
  FeedPersister journal = persister(another_domain("journal"));
  EXPECT_TRUE(channel.publisher({.name = "feed"}));
}

TEST_F(DurablePublisher, WaitsOnlyForWhatExists) {
  {
    const auto plain = domain_.create("plain");
    Publisher source = publisher(*plain);
    ASSERT_TRUE(source.try_send("x"));
    EXPECT_EQ(code_of(source.wait_durable(0, 1ms)), Errc::bad_argument);
    EXPECT_EQ(code_of(source.send_durable(bytes_of("y"), 0, 1ms)), Errc::bad_argument);
    EXPECT_EQ(source.next_sequence(), 1U) << "nothing was published";
    EXPECT_EQ(source.durable(), 0U);
  }
  const Channel channel = durable_channel();
  FeedPersister journal = persister(another_domain("journal"));
  Publisher source = publisher(channel, "feed");
  EXPECT_EQ(code_of(source.wait_durable(0, 1ms)), Errc::bad_argument);
}

TEST_F(DurablePublisher, KnowsWhatIsDurable) {
  const Channel channel = durable_channel();
  FeedPersister journal = persister(another_domain("journal"));
  Publisher source = publisher(channel, "feed");
  for (int i = 0; i < 5; ++i)
    ASSERT_TRUE(source.try_send("five"));
  EXPECT_EQ(source.durable(), 0U);
  EXPECT_EQ(code_of(source.wait_durable(0, 1ms)), Errc::timeout);
  ASSERT_TRUE(journal.drain());
  EXPECT_EQ(source.durable(), 5U);
  EXPECT_TRUE(source.wait_durable(4, 0ms));
  EXPECT_EQ(disk_.count(), 5U);
  EXPECT_EQ(std::string(disk_.entry(4).text), "five");
}

TEST_F(DurablePublisher, WaitsUntilTheJournalHasIt) {
  const Channel channel = durable_channel();
  FeedPersister journal = persister(another_domain("journal"));
  std::atomic<bool> stop{false};
  std::thread rounds([&] {
    while (!stop) {
      ASSERT_TRUE(journal.round());
      std::this_thread::yield();
    }
  });
  Publisher source = publisher(channel, "feed");
  EXPECT_EQ(source.send_durable(bytes_of("sent"), 7, kWatchdog).value_or(99), 0U);
  auto claim = source.claim(5);
  ASSERT_TRUE(claim);
  std::memcpy(claim->bytes().data(), "claim", 5);
  EXPECT_EQ(std::move(*claim).publish_durable(kWatchdog).value_or(99), 1U);
  auto batch = source.batch();
  ASSERT_TRUE(batch);
  for (const char* text : {"a", "b", "c"})
    ASSERT_TRUE(batch->add(bytes_of(text)));
  EXPECT_EQ(std::move(*batch).publish_durable(kWatchdog).value_or(99), 2U);
  EXPECT_EQ(disk_.count(), 5U);
  stop = true;
  rounds.join();
}

// Whatever the policy, and with no reader at all.
class DurableFloor : public DurablePublisher, public ::testing::WithParamInterface<Policy> {};

TEST_P(DurableFloor, IsNeverPassed) {
  const Channel channel = durable_channel(GetParam());
  FeedPersister journal = persister(another_domain("journal"));
  Publisher source = publisher(channel, "feed");
  const auto [sent, why] = fill(source);
  EXPECT_EQ(why.code(), Errc::full);
  EXPECT_THAT(std::string(why.sentence()), HasSubstr("its journal is slow (pid "));
  EXPECT_THAT(std::string(why.sentence()), HasSubstr("bytes are not durable"));
  EXPECT_LE(sent * 32, kRing);
  EXPECT_GT(sent * 32, kRing - 128);
  ASSERT_TRUE(journal.drain());
  EXPECT_EQ(disk_.count(), sent);
  const auto [more, again] = fill(source);
  EXPECT_EQ(again.code(), Errc::full);
  EXPECT_EQ(more, sent);
  ASSERT_TRUE(journal.drain());
  for (std::uint64_t i = 0; i < disk_.count(); ++i)
    ASSERT_EQ(disk_.entry(i).sequence, i);
}

INSTANTIATE_TEST_SUITE_P(Under, DurableFloor,
                         ::testing::Values(Policy::block, Policy::evict, Policy::lossy),
                         [](const auto& test) { return std::string(to_string(test.param)); });

TEST_F(DurablePublisher, EvictsTheReaderAndNotTheJournal) {
  const Channel channel = durable_channel(Policy::evict);
  FeedPersister journal = persister(another_domain("journal"));
  SubscriberOptions options;
  options.delivery = Delivery::visible;
  Subscriber reader = subscriber(channel, options);
  Publisher source = publisher(channel, "feed");
  (void)fill(source);
  EXPECT_EQ(source.stats().evictions, 0U) << "the journal was in the way, not the reader";
  ASSERT_TRUE(journal.drain());
  (void)fill(source);
  EXPECT_EQ(source.stats().evictions, 1U);
}

// What a publisher is told when its journal cannot: a row of the table for each state.
class WhenTheJournal : public DurablePublisher {
 protected:
  // A full ring, and what a waiting and a not waiting publisher are told.
  void expect(Publisher& source, Errc full, Errc waiting, const char* words) {
    const auto [sent, why] = fill(source);
    EXPECT_EQ(why.code(), full) << why.sentence();
    EXPECT_THAT(std::string(why.sentence()), HasSubstr(words));
    const auto waited = source.wait_durable(source.next_sequence() - 1, 5ms);
    ASSERT_EQ(code_of(waited), waiting) << said(waited);
    EXPECT_THAT(said(waited), HasSubstr(words));
  }
};

TEST_F(WhenTheJournal, IsFull) {
  const Channel channel = durable_channel();
  FeedPersister journal = persister(another_domain("journal"));
  Publisher source = publisher(channel, "feed");
  journal.feed().say(layout::JournalState::full, ENOSPC);
  expect(source, Errc::full, Errc::timeout, "is full (No space left on device)");
  journal.feed().say(layout::JournalState::ok, 0);
  ASSERT_TRUE(journal.drain());
  EXPECT_TRUE(source.try_send("goes on"));
}

TEST_F(WhenTheJournal, IsPoisoned) {
  const Channel channel = durable_channel();
  Domain first = another_domain("first");
  std::optional<FeedPersister> journal = persister(first);
  Publisher source = publisher(channel, "feed");
  ASSERT_TRUE(source.try_send("in doubt"));
  journal->feed().say(layout::JournalState::poisoned, EIO);
  EXPECT_EQ(code_of(source.wait_durable(0, kForever)), Errc::journal_poisoned) << "at once";
  EXPECT_EQ(code_of(source.send_durable(bytes_of("x"))), Errc::journal_poisoned);
  expect(source, Errc::journal_poisoned, Errc::journal_poisoned, "is poisoned");
  EXPECT_EQ(code_of(source.send("waits for ever")), Errc::journal_poisoned);
  journal.reset();
  journal = persister(first);
  ASSERT_TRUE(journal->drain());
  EXPECT_TRUE(source.try_send("goes on"));
  EXPECT_TRUE(source.wait_durable(0, 0ms));
}

TEST_F(WhenTheJournal, IsDown) {
  const Channel channel = durable_channel();
  Publisher source = [&] {
    FeedPersister journal = persister(another_domain("journal"));
    return publisher(channel, "feed");
  }();
  expect(source, Errc::full, Errc::journal_unavailable, "is down");
  EXPECT_EQ(code_of(source.send_for(5ms, bytes_of("twenty-four bytes of it"))), Errc::timeout);
  FeedPersister next = persister(another_domain("next"));
  ASSERT_TRUE(next.drain());
  EXPECT_TRUE(source.wait_durable(source.next_sequence() - 1, 0ms));
  EXPECT_TRUE(source.try_send("goes on"));
}

TEST_F(WhenTheJournal, RefusesTheLane) {
  const Channel channel = durable_channel();
  FeedPersister journal = persister(another_domain("journal"));
  Publisher source = publisher(channel, "feed");
  ASSERT_TRUE(journal.drain());
  journal.feed().refuse(source.lane());
  expect(source, Errc::poisoned, Errc::poisoned, "contradicts the log");
}

TEST_F(WhenTheJournal, IsSilentForLong) {
  const Channel channel = durable_channel();
  FeedPersister journal = persister(another_domain("journal"));
  Publisher source = publisher(channel, "feed");
  poke("journal", offsetof(layout::ChannelJournalFile, beat), 1);  // a nanosecond after the boot
  expect(source, Errc::full, Errc::timeout, "has stopped");
}

TEST_F(WhenTheJournal, IsDetached) {
  const Channel channel = durable_channel();
  {
    Publisher source = [&] {
      FeedPersister journal = persister(another_domain("journal"));
      EXPECT_EQ(code_of(detach_journal(domain_, "quotes")), Errc::busy);
      return publisher(channel, "feed");
    }();
    const auto [sent, why] = fill(source);
    EXPECT_EQ(why.code(), Errc::full);
    ASSERT_TRUE(detach_journal(domain_, "quotes"));
    for (std::uint64_t i = 0; i < 3 * sent; ++i)
      ASSERT_TRUE(source.try_send("in memory alone: 24"));
    EXPECT_EQ(code_of(source.wait_durable(0, kForever)), Errc::journal_unavailable);
  }
  EXPECT_GT(domain_.find("quotes")->stats()->lanes[0].journal.unjournaled, 0U);
}

TEST_F(DurablePublisher, ProceedsWithoutItsJournalAndCountsExactly) {
  const Channel channel = durable_channel(Policy::block, WhenJournalFails::proceed);
  std::optional<FeedPersister> journal = persister(another_domain("journal"));
  Publisher source = publisher(channel, "feed");
  ASSERT_TRUE(source.try_send("one that is durable"));
  ASSERT_TRUE(journal->drain());
  const auto [before, why] = fill(source);
  EXPECT_EQ(why.code(), Errc::full) << "it lives, so it is waited for";
  journal.reset();
  EXPECT_EQ(code_of(source.send_durable(bytes_of("x"))), Errc::journal_unavailable);
  for (int i = 0; i < 1000; ++i)
    ASSERT_TRUE(source.send_for(kWatchdog, bytes_of("twenty-four bytes of it")));
  const std::uint64_t published = source.next_sequence();
  EXPECT_EQ(published, 1 + before + 1000);

  journal = persister(another_domain("next"));
  ASSERT_TRUE(journal->drain());
  std::uint64_t lost = 0;
  Sequence next = 0;
  for (std::uint64_t i = 0; i < disk_.count(); ++i) {
    if (disk_.entry(i).lost != 0) {
      EXPECT_EQ(next + disk_.entry(i).lost, disk_.entry(i).sequence);
      lost += disk_.entry(i).lost;
      next = disk_.entry(i).sequence;
      continue;
    }
    ASSERT_EQ(disk_.entry(i).sequence, next++);
  }
  EXPECT_EQ(next, published);
  EXPECT_GT(lost, 0U);
  EXPECT_EQ(source.wait_durable(0, 0ms).has_value(), true);
  EXPECT_EQ(code_of(source.wait_durable(1, 0ms)), Errc::gap);
  EXPECT_TRUE(source.wait_durable(published - 1, 0ms));
  // The ring holds a little more than the oldest checkpoint shows, so the journal may lose more
  // than was overwritten; what was overwritten is exact.
  const LaneStats stats = source.stats();
  EXPECT_LE(stats.journal.unjournaled, lost);
  EXPECT_GE(stats.journal.unjournaled + kRing / 16 / 32 + 1, lost);
  EXPECT_EQ(stats.journal.gaps, lost);
}

TEST_F(DurablePublisher, ContinuesALaneThatTheLogKnows) {
  disk_.begin(disk_.producer("feed"), 100);
  const Channel channel = durable_channel();
  FeedPersister journal = persister(another_domain("journal"));
  Publisher source = publisher(channel, "feed");
  EXPECT_EQ(source.next_sequence(), 100U);
  EXPECT_EQ(source.stats().first, 100U);
  EXPECT_EQ(source.stats().lives, 1U);
  EXPECT_EQ(source.durable(), 100U);
  const auto visible = [](From from) {
    SubscriberOptions options;
    options.from = from;
    options.delivery = Delivery::visible;
    return options;
  };
  Subscriber now = subscriber(channel, visible(From::now()));
  for (const char* text : {"a", "b", "c"})
    send(source, text);
  EXPECT_EQ(next_text(now), "a");
  EXPECT_EQ(now.stats().lost, 0U);
  Subscriber at = subscriber(channel, visible(From::at(101)));
  EXPECT_EQ(next_text(at), "b");
  ASSERT_TRUE(journal.drain());
  EXPECT_EQ(disk_.entry(0).sequence, 100U);
  EXPECT_EQ(source.durable(), 103U);
}

TEST_F(DurablePublisher, KeepsItsNumbersOverARebootAndATakeOver) {
  {
    const Channel channel = durable_channel();
    FeedPersister journal = persister(another_domain("journal"));
    {
      Publisher source = publisher(channel, "feed");
      send(source, "before");
    }
    Publisher source = publisher(channel, "feed");
    EXPECT_EQ(source.next_sequence(), 1U);
    send(source, "before, too");
    ASSERT_TRUE(journal.drain());
  }
  ASSERT_TRUE(domain_.remove("quotes"));  // as a reboot does
  const Channel channel = durable_channel();
  EXPECT_EQ(code_of(channel.publisher({.name = "feed"})), Errc::journal_unavailable);
  FeedPersister journal = persister(another_domain("journal"));
  Publisher source = publisher(channel, "feed");
  EXPECT_EQ(source.next_sequence(), 2U);
  Publisher other = publisher(channel, "other");
  EXPECT_EQ(other.next_sequence(), 0U);
}

TEST_F(DurablePublisher, SharesItsChannelWithOneJournalOnly) {
  const Channel channel = durable_channel();
  Domain one = another_domain("one");
  FeedPersister journal = persister(one);
  const auto second =
      FeedPersister::start(another_domain("two"), "quotes", FeedTest::journal(), disk_);
  ASSERT_EQ(code_of(second), Errc::busy);
  EXPECT_THAT(second.error().sentence(), HasSubstr("pid " + std::to_string(getpid())));
  const auto elsewhere = FeedPersister::start(one, "quotes", scratch_ / "elsewhere", disk_);
  EXPECT_EQ(code_of(elsewhere), Errc::bad_argument);
  EXPECT_EQ(code_of(domain_.remove("quotes")), Errc::busy) << "a journal takes part, too";
}

TEST_F(DurablePublisher, GoesOnInAnotherLogOnlyIfNothingIsLost) {
  const Channel channel = durable_channel();
  testing_support::FeedDisk other;
  {
    FeedPersister journal = persister(another_domain("journal"));
    Publisher source = publisher(channel, "feed");
    send(source, "here");
    ASSERT_TRUE(journal.drain());
  }
  const auto start = [&] {
    return FeedPersister::start(another_domain("next"), "quotes", journal(), other);
  };
  EXPECT_EQ(code_of(start()), Errc::bad_argument);
  ASSERT_TRUE(detach_journal(domain_, "quotes"));
  auto next = start();
  ASSERT_TRUE(next) << said(next);
  ASSERT_TRUE(next->drain());
  Publisher source = publisher(channel, "feed");
  send(source, "there");
  ASSERT_TRUE(next->drain());
  EXPECT_EQ(other.entry(0).sequence, 1U);
  EXPECT_EQ(source.durable(), 2U);
}

}  // namespace
}  // namespace millrace
