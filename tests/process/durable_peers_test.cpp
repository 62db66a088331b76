// Publishers and journals of durable channels that are killed, wherever they stand: the others go
// on, the log gets every message once, and nothing passes the durable point.
#include "crash/numbered_text.hpp"
#include "crash/victim.hpp"
#include "persist/feed_fixture.hpp"

#include <functional>
#include <thread>

namespace millrace {
namespace {

using namespace std::chrono_literals;
using testing_support::FeedPersister;
using testing_support::FeedTest;
using testing_support::kWatchdog;
using testing_support::numbered_text;
using testing_support::said;
using testing_support::Victim;

class DurablePeers : public FeedTest {
 protected:
  static constexpr std::uint64_t kMessages = 600;

  // In a child: publishes until the lane holds kMessages.
  std::string publish(const std::string& name) const {
    auto channel = another_domain(name).find("quotes");
    if (!channel) return said(channel);
    auto source = channel->publisher({.name = name, .wait = Wait::park});
    if (!source) return said(source);
    while (source->next_sequence() < kMessages) {
      auto sent = source->send(numbered_text(source->next_sequence()));
      if (!sent) return said(sent);
    }
    return "";
  }

  // In a child: journals until the log holds `wanted` entries.
  std::string journal_until(std::uint64_t wanted) {
    auto made = FeedPersister::start(another_domain("journal"), "quotes", journal(), disk_);
    if (!made) return said(made);
    while (disk_.count() < wanted) {
      auto messages = made->round(200);
      if (!messages) return said(messages);
      if (*messages != 0) continue;
      std::vector<FutexWait> waits;
      if (made->feed().prepare_to_sleep(waits)) futex_wait_many(waits, 1'000'000);
    }
    return "";
  }

  // Everything that was published, each once, in order and whole.
  void expect_whole_log(std::uint64_t producers) {
    ASSERT_EQ(disk_.count(), producers * kMessages);
    std::vector<Sequence> next(producers, 0);
    for (std::uint64_t i = 0; i < disk_.count(); ++i) {
      const auto& entry = disk_.entry(i);
      ASSERT_EQ(entry.lost, 0U);
      ASSERT_EQ(entry.sequence, next[entry.producer]);
      const std::string text = numbered_text(entry.sequence);
      ASSERT_EQ(entry.length, text.size());
      ASSERT_EQ(std::string(entry.text), text.substr(0, sizeof entry.text - 1));
      ++next[entry.producer];
    }
  }

  static void send_some(Publisher& publisher) {
    for (int i = 0; i < 300 && publisher.try_send("twenty-four bytes of it"); ++i) {
    }
  }

  // No durable point lies beyond what is published, and no ring is overwritten above it.
  static void expect_floor(const Channel& channel) {
    const auto stats = channel.stats();
    ASSERT_TRUE(stats) << said(stats);
    for (const LaneStats& lane : stats->lanes) {
      const auto later = channel.stats();  // the end is looked at after the point
      ASSERT_TRUE(later);
      for (const LaneStats& end : later->lanes) {
        if (end.lane != lane.lane || end.poisoned) continue;
        ASSERT_LE(lane.journal.durable.position, end.position);
        ASSERT_LE(lane.journal.durable.sequence, end.sequence);
        ASSERT_GE(end.journal.durable.position + kRing, lane.limit) << "passed the floor";
      }
    }
  }
};

// Journals die one after the other at the same point; the last one finishes.
class JournalDies : public DurablePeers, public ::testing::WithParamInterface<const char*> {};

TEST_P(JournalDies, AndTheNextOneGoesOn) {
  const Channel channel = durable_channel();
  bool killed = false;
  std::optional<Victim> source;
  for (const int times : {1, 2, 7, 40}) {
    Victim victim({.point = GetParam(), .times = times}, [&] { return journal_until(kMessages); });
    // The first journal opens the channel to publishers, if it lives so long.
    if (!source)
      source.emplace(testing_support::Fate{"none"}, [&] {
        for (;;) {
          const std::string wrong = publish("feed");
          if (wrong.find("no journal has come") == wrong.npos) return wrong;
          std::this_thread::sleep_for(1ms);
        }
      });
    while (!victim.ended())
      ASSERT_NO_FATAL_FAILURE(expect_floor(channel));
    killed = killed || victim.was_killed();
    ASSERT_TRUE(victim.was_killed() || victim.went_well());
  }
  EXPECT_TRUE(killed) << "this point is never reached";
  Victim last({"none"}, [&] { return journal_until(kMessages); });
  last.await_end();
  ASSERT_TRUE(last.went_well());
  source->await_end();
  ASSERT_TRUE(source->went_well());
  ASSERT_NO_FATAL_FAILURE(expect_whole_log(1));
  EXPECT_NE(disk_.channel(), Uuid{}) << "every channel would be this one";
}

INSTANTIATE_TEST_SUITE_P(At, JournalDies,
                         ::testing::Values("attach.no-log", "attach.identity", "attach.id",
                                           "attach.named", "attach.counted", "journal.state-said",
                                           "journal.slot-cleared", "journal.slot-begun",
                                           "journal.resumed", "journal.copied",
                                           "journal.point-position", "journal.point",
                                           "journal.turned", "journal.sleep-announced"));

// Lanes that the log knows are made by the journal; it dies while it makes them.
class JournalDiesMakingLanes : public DurablePeers,
                               public ::testing::WithParamInterface<const char*> {};

TEST_P(JournalDiesMakingLanes, AndTheNextOneMakesTheRest) {
  for (const char* const name : {"a", "b", "c"})
    disk_.begin(disk_.producer(name), 50);
  const Channel channel = durable_channel();
  for (int life = 0; life < 2; ++life) {
    Victim victim({.point = GetParam()}, [&] { return journal_until(1); });
    victim.await_end();
    ASSERT_TRUE(victim.was_killed()) << "this point is never reached";
    EXPECT_EQ(testing_support::code_of(channel.publisher({.name = "new"})),
              Errc::journal_unavailable);
  }
  FeedPersister journal = persister(another_domain("last"));
  for (const char* const name : {"a", "b", "c"}) {
    Publisher source = publisher(channel, name);
    EXPECT_EQ(source.next_sequence(), 50U);
    send(source, "goes on");
  }
  EXPECT_EQ(channel.stats()->lanes.size(), 3U) << "no lane twice";
  ASSERT_TRUE(journal.drain());
  EXPECT_EQ(disk_.count(), 3U);
}

INSTANTIATE_TEST_SUITE_P(At, JournalDiesMakingLanes,
                         ::testing::Values("lane.locked", "lane.built", "lane.linked"));

TEST_F(DurablePeers, PublishersAreKilledAgainAndAgain) {
  const Channel channel = durable_channel();
  Victim journal({"none"}, [&] { return journal_until(2 * kMessages); });
  while (channel.stats()->journal.health == JournalHealth::absent)
    std::this_thread::sleep_for(1ms);
  std::uint64_t seed = 1;
  for (bool done = false; !done;) {
    Victim one({.point = "publish.shown", .times = static_cast<int>(37 + seed % 50)},
               [&] { return publish("one"); });
    Victim two({.point = "publish.zeroed", .times = static_cast<int>(41 + seed % 60)},
               [&] { return publish("two"); });
    seed = seed * 31 + 7;
    one.await_end();
    two.await_end();
    done = one.went_well() && two.went_well();
    ASSERT_TRUE(one.went_well() || one.was_killed());
    ASSERT_TRUE(two.went_well() || two.was_killed());
    ASSERT_NO_FATAL_FAILURE(expect_floor(channel));
  }
  journal.await_end();
  ASSERT_TRUE(journal.went_well());
  ASSERT_NO_FATAL_FAILURE(expect_whole_log(2));
}

TEST_F(DurablePeers, AWaitEndsWhenTheNextJournalComes) {
  const Channel channel = durable_channel();
  {
    Victim first({"none"}, [&] { return journal_until(kMessages); });
    while (channel.stats()->journal.health != JournalHealth::ok)
      std::this_thread::sleep_for(1ms);
    kill(first.pid(), SIGSTOP);
    ASSERT_TRUE(first.await_stop());
    Publisher early = publisher(channel, "early");
    send(early, "early");
    const auto stopped = early.wait_durable(0, 20ms);
    EXPECT_EQ(testing_support::code_of(stopped), Errc::timeout) << "stopped is not dead";
    kill(first.pid(), SIGKILL);
    first.await_end();
    const auto down = early.wait_durable(0, 20ms);
    EXPECT_EQ(testing_support::code_of(down), Errc::journal_unavailable);
    std::thread waiting([&] { EXPECT_TRUE(early.wait_durable(0, kWatchdog)); });
    FeedPersister next = persister(another_domain("next"));
    EXPECT_TRUE(next.drain());
    waiting.join();
  }
}

// CH/journal full of anything: publishers believe none of it, and never pass what was true.
TEST_F(DurablePeers, NobodyBelievesHostileWords) {
  const Channel channel = durable_channel();
  FeedPersister journal = persister(another_domain("journal"));
  Publisher source = publisher(channel, "feed");
  ASSERT_TRUE(journal.drain());
  const std::uint64_t full = fill(source).first;
  const auto slot = layout::journal_slot_offset(source.lane());
  const std::uint64_t words[] = {~std::uint64_t{0}, 1, 3, 1ULL << 40, 1ULL << 63, 4096, 0};
  for (std::size_t offset = 0; offset < 128; offset += 8) {
    for (const std::uint64_t word : words) {
      poke("journal", slot + offset, word);
      (void)source.durable();
      (void)source.wait_durable(0, 0ms);
      (void)channel.stats();
      // A point that lies may free what is published, never more than a lap beyond that.
      send_some(source);
      const LaneStats stats = source.stats();
      ASSERT_LE(stats.limit, stats.position + kRing);
    }
  }
  for (std::size_t offset = 128; offset < 512; offset += 8) {
    for (const std::uint64_t word : words) {
      poke("journal", offset, word);
      send_some(source);
      (void)channel.stats();
      (void)source.wait_durable(0, 0ms);
    }
  }
  EXPECT_GT(full, 0U);
}

// A publisher that writes its records anew while they are copied: nothing of it may reach the log,
// whose items hold other lanes' messages, too.
TEST_F(DurablePeers, RecordsThatChangeWhileTheyAreCopiedAreNotJournaled) {
  static std::function<void()> lie;
  const Channel channel = durable_channel();
  FeedPersister journal = persister(another_domain("journal"));
  Publisher liar = publisher(channel, "liar");
  ASSERT_TRUE(journal.drain());
  send(liar, "one");
  const Position second = liar.stats().position;
  send(liar, "two");
  const layout::RecordHeader longer{
      .length = 900, .type = RecordType::message, .sequence = 1, .flags = 0, .key = 0};
  lie = [&] { poke("lane-0", kPageBytes + second, longer.word()); };
  millrace::detail::crash_hook = [](const char* point) {
    if (std::string_view(point) == "journal.measured") lie();
  };
  const auto refused = journal.round();
  millrace::detail::crash_hook = nullptr;
  EXPECT_EQ(testing_support::code_of(refused), Errc::poisoned);
  EXPECT_EQ(disk_.count(), 0U);
}

}  // namespace
}  // namespace millrace
