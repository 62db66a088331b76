// A durable channel's persister is killed again and again, at random moments and at every named
// point, alone and together with publishers. Publishers and durable subscribers go on, and in the
// end the log holds exactly what was published, each message once.
#include "crash/victim.hpp"
#include "persist/recorder_fixture.hpp"
#include "process/member.hpp"

#include <random>

namespace millrace {
namespace {

using testing_support::check_log;
using testing_support::Fate;
using testing_support::Journaled;
using testing_support::kWatchdog;
using testing_support::NumberedMessage;
using testing_support::RecorderThread;
using testing_support::said;
using testing_support::SharedWords;
using testing_support::Victim;

// Longer than an item, so that some go in parts.
constexpr std::size_t kMost = std::size_t{50} << 10;

// What the processes of a test tell each other.
enum Word : std::size_t { kStop, kSeen, kOpened, kEnd };  // kEnd + i: one past the last of feed i

class PersisterDies : public testing_support::RecorderTest {
 protected:
  static constexpr std::uint64_t kFeedRing = std::uint64_t{256} << 10;

  void SetUp() override {
    testing_support::RecorderTest::SetUp();
    if (!IsSkipped()) (void)orders(kFeedRing);
  }

  static std::string feed(std::size_t i) { return "feed-" + std::to_string(i); }

  [[nodiscard]] JournalOptions patient_options() const {
    JournalOptions options = log_options();
    options.wait_for_lock = true;
    return options;
  }

  // Bodies of processes. Each returns what went wrong.

  [[nodiscard]] std::string record() const {
    auto recorder = Recorder::open(enter("recorder"), patient_options(), {"orders"});
    if (!recorder) return said(recorder);
    words_[kOpened].fetch_add(1);
    while (words_[kStop].load() == 0) {
      if (auto done = recorder->round(std::chrono::milliseconds(10)); !done) return said(done);
    }
    const auto closed = recorder->close();
    return closed ? "" : said(closed);
  }

  [[nodiscard]] std::string publish(std::size_t i) const {
    auto channel = enter(feed(i)).find("orders");
    if (!channel) return said(channel);
    auto source = channel->publisher({.name = feed(i), .wait = Wait::park});
    if (!source) return said(source);
    while (words_[kStop].load() == 0) {
      if (auto wrong = send_next(*source, feed(i), kMost); !wrong.empty()) return wrong;
    }
    words_[kEnd + i].store(source->next_sequence());
    return "";
  }

  // Reads every lane from its beginning, as far as it is durable.
  [[nodiscard]] std::string subscribe() const {
    auto channel = enter("subscriber").find("orders");
    if (!channel) return said(channel);
    SubscriberOptions options;
    options.from = From::oldest();
    options.wait = Wait::park;
    auto reader = channel->subscriber(options);
    if (!reader) return said(reader);
    std::map<std::uint32_t, std::pair<std::string, Sequence>> places;
    for (;;) {
      const auto message = reader->poll_for(std::chrono::milliseconds(50));
      if (!message && message.error().code() != Errc::timeout) return said(message);
      if (!message && words_[kStop].load() == 2) return "";
      if (!message) continue;
      auto& [name, next] = places[message->lane()];
      if (name.empty()) name = name_of(*channel, message->lane());
      if (message->sequence() != next) {
        return name + " " + std::to_string(message->sequence()) + ", not " + std::to_string(next);
      }
      if (!NumberedMessage(name, next, kMost).is(message->bytes())) return name + " is torn";
      ++next;
      words_[kSeen].fetch_add(1);
    }
  }

  static std::string name_of(const Channel& channel, std::uint32_t lane) {
    const auto stats = channel.stats();
    if (!stats) return said(stats);
    for (const LaneStats& seen : stats->lanes) {
      if (seen.lane == lane) return seen.producer;
    }
    return "nobody";
  }

  // Lets the last recorder write what is left, and compares.
  void finish(const std::vector<Sequence>& ends) {
    RecorderThread last(enter("recorder"), patient_options(), {"orders"});
    ASSERT_EQ(last.opened(), "");
    ASSERT_EQ(last.end(), "");
    EXPECT_TRUE(last.stats().refused.empty()) << last.stats().refused.front();
    std::map<std::string, Journaled> all;
    for (std::size_t i = 0; i < ends.size(); ++i)
      all[feed(i)] = {.end = ends[i]};
    EXPECT_EQ(check_log(journal(), kMost, all), "");
  }

  // Where the lanes end: a publisher of that name continues there.
  [[nodiscard]] std::vector<Sequence> ends(std::size_t feeds) {
    std::vector<Sequence> all;
    const Channel channel = orders(kFeedRing);
    for (std::size_t i = 0; i < feeds; ++i)
      all.push_back(publisher(channel, feed(i)).next_sequence());
    return all;
  }

  SharedWords words_;
  const std::uint64_t seed_ = std::random_device{}();
  std::mt19937_64 random_{seed_};
};

// A fate that is never met: the parent kills.
constexpr Fate kNoFate{.point = "never"};

struct Kills {
  int rounds;
  bool publishers_too;
};

class AtRandom : public PersisterDies, public ::testing::WithParamInterface<Kills> {};

TEST_P(AtRandom, AndNothingIsLostOrWrittenTwice) {
  constexpr std::size_t kFeeds = 3;
  SCOPED_TRACE("seed " + std::to_string(seed_));
  const auto moment = [&](std::uint64_t most_us) {
    std::this_thread::sleep_for(std::chrono::microseconds(random_() % most_us));
  };
  {
    // The lanes exist from the first recorder on.
    Victim first(kNoFate, [&] { return record(); });
    ASSERT_NE(words_.await(kOpened), 0U);
    kill(first.pid(), SIGKILL);
  }
  std::vector<std::unique_ptr<Victim>> feeds;
  for (std::size_t i = 0; i < kFeeds; ++i)
    feeds.push_back(std::make_unique<Victim>(kNoFate, [&, i] { return publish(i); }));
  Victim reader(kNoFate, [&] { return subscribe(); });
  for (int round = 0; round < GetParam().rounds; ++round) {
    Victim recorder(kNoFate, [&] { return record(); });
    if (round % 4 != 3) {
      const std::uint64_t opened = words_[kOpened].load();
      ASSERT_TRUE(testing_support::eventually(
          [&] { return words_[kOpened].load() != opened || recorder.ended(); }));
    }
    moment(20'000);
    if (GetParam().publishers_too && round % 2 == 0) {
      const std::size_t i = random_() % kFeeds;
      kill(feeds[i]->pid(), SIGKILL);
      if (round % 4 == 0) kill(recorder.pid(), SIGKILL);
      feeds[i]->await_end();
      feeds[i] = std::make_unique<Victim>(kNoFate, [&, i] { return publish(i); });
    }
    ASSERT_FALSE(recorder.ended() && !recorder.was_killed()) << "round " << round;
    ASSERT_FALSE(reader.ended()) << "round " << round;
  }
  {
    Victim recorder(kNoFate, [&] { return record(); });
    words_[kStop].store(1);
    for (const auto& one : feeds) {
      one->await_end();
      EXPECT_TRUE(one->went_well());
    }
    recorder.await_end();
    EXPECT_TRUE(recorder.went_well());
  }
  const std::vector<Sequence> all = ends(kFeeds);
  std::uint64_t published = 0;
  for (const Sequence end : all)
    published += end;
  ASSERT_NO_FATAL_FAILURE(finish(all));
  EXPECT_TRUE(testing_support::eventually([&] { return words_[kSeen].load() == published; }))
      << words_[kSeen].load() << " of " << published << " were delivered";
  words_[kStop].store(2);
  reader.await_end();
  EXPECT_TRUE(reader.went_well());
}

INSTANTIATE_TEST_SUITE_P(Killed, AtRandom, ::testing::Values(Kills{200, false}, Kills{60, true}));

class AtAPoint : public PersisterDies, public ::testing::WithParamInterface<const char*> {};

TEST_P(AtAPoint, AndTheNextOneContinues) {
  const Channel channel = orders(kFeedRing);
  std::optional<Publisher> source;
  for (const int times : {1, 2, 5, 20}) {
    words_[kStop].store(0);
    Victim recorder({.point = GetParam(), .times = times}, [&] { return record(); });
    for (int i = 0; i < 3000 && !recorder.ended(); ++i) {
      if (!source) {
        auto made = channel.publisher({.name = feed(0)});
        if (made) source = std::move(*made);
      }
      if (source) {
        const NumberedMessage message(feed(0), source->next_sequence(), kMost);
        if (source->try_send(message.bytes())) continue;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    words_[kStop].store(1);
    recorder.await_end();
    ASSERT_TRUE(recorder.was_killed() || recorder.went_well());
    ASSERT_TRUE(recorder.was_killed() || times > 1) << "this point is never reached";
  }
  source.reset();
  RecorderThread last(enter("recorder"), patient_options(), {"orders"});
  ASSERT_EQ(last.opened(), "");
  source = publisher(channel, feed(0));
  ASSERT_EQ(send_next(*source, feed(0), kMost), "");
  const Sequence end = source->next_sequence();
  ASSERT_TRUE(source->wait_durable(end - 1, kWatchdog));
  source.reset();
  ASSERT_EQ(last.end(), "");
  EXPECT_EQ(check_log(journal(), kMost, {{feed(0), {.end = end}}}), "");
}

INSTANTIATE_TEST_SUITE_P(Dead, AtAPoint,
                         ::testing::Values("recorder.log-open", "attach.named", "recorder.attached",
                                           "recorder.joined", "recorder.open-to-publishers",
                                           "recorder.copied", "recorder.part-added",
                                           "recorder.item-built", "recorder.submitted",
                                           "journal.point", "journal.turned", "recorder.reported",
                                           "recorder.asleep", "recorder.drained"));

// After a reboot the recorder makes the lanes of the producers that the log knows.
class AfterAReboot : public PersisterDies, public ::testing::WithParamInterface<const char*> {};

TEST_P(AfterAReboot, AndSequencesContinue) {
  constexpr std::size_t kFeeds = 3;
  const auto send_some = [&](Sequence from) {
    RecorderThread recorder(enter("recorder"), patient_options(), {"orders"});
    ASSERT_EQ(recorder.opened(), "");
    for (std::size_t i = 0; i < kFeeds; ++i) {
      Publisher source = publisher(orders(kFeedRing), feed(i));
      ASSERT_EQ(source.next_sequence(), from);
      for (int k = 0; k < 50; ++k)
        ASSERT_EQ(send_next(source, feed(i), kMost), "");
    }
    ASSERT_EQ(recorder.end(), "");
  };
  ASSERT_NO_FATAL_FAILURE(send_some(0));
  forget_shared_memory();
  (void)orders(kFeedRing);
  for (const int times : {1, 2}) {
    Victim recorder({.point = GetParam(), .times = times}, [&] { return record(); });
    recorder.await_end();
    ASSERT_TRUE(recorder.was_killed()) << "this point is not reached";
  }
  ASSERT_NO_FATAL_FAILURE(send_some(50));
  ASSERT_NO_FATAL_FAILURE(finish({100, 100, 100}));
}

INSTANTIATE_TEST_SUITE_P(Dead, AfterAReboot,
                         ::testing::Values("add-lane.made", "recorder.lane-restored",
                                           "recorder.joined"));

// Publishers that proceed without their journal leave gaps; each is written down once, whatever
// happens to who finds it.
class WithAGap : public PersisterDies, public ::testing::WithParamInterface<const char*> {};

TEST_P(WithAGap, AndItIsWrittenDownOnce) {
  ChannelOptions options = durable_options(4096);
  options.when_journal_fails = WhenJournalFails::proceed;
  const auto channel = domain_->channel("loose", options);
  ASSERT_TRUE(channel) << said(channel);
  const auto record_loose = [&](bool forever) -> std::string {
    auto recorder = Recorder::open(enter("recorder"), patient_options(), {"loose"});
    if (!recorder) return said(recorder);
    for (int i = 0; forever && i < 1000; ++i) {
      if (auto done = recorder->round(std::chrono::milliseconds(10)); !done) return said(done);
    }
    const auto closed = recorder->close();
    return closed ? "" : said(closed);
  };
  ASSERT_EQ(record_loose(false), "");
  Publisher source = publisher(*channel, "feed");
  for (int life = 0; life < 3; ++life) {
    for (int i = 0; i < 300; ++i)
      ASSERT_EQ(send_next(source, "feed", 100), "");
    Victim recorder({.point = GetParam()}, [&] { return record_loose(true); });
    recorder.await_end();
    ASSERT_TRUE(recorder.was_killed()) << "this point is not reached";
  }
  ASSERT_EQ(record_loose(false), "");
  auto reader = JournalReader::open(journal());
  ASSERT_TRUE(reader) << said(reader);
  Sequence next = 0;
  for (;;) {
    const auto message = reader->next();
    ASSERT_TRUE(message) << said(message);
    if (!*message) break;
    if ((*message)->sequence != next) {
      // Two gaps may meet: the finder of the first one died before anything came behind it.
      ASSERT_EQ((*message)->gap_to, (*message)->sequence);
      ASSERT_LE((*message)->gap_from, (*message)->sequence);
      ASSERT_GT((*message)->sequence, next) << "written twice";
      next = (*message)->sequence;
    }
    ASSERT_TRUE(NumberedMessage("feed", next, 100).is((*message)->bytes)) << next;
    ++next;
  }
  EXPECT_EQ(next, 900U);
}

INSTANTIATE_TEST_SUITE_P(Dead, WithAGap,
                         ::testing::Values("recorder.gap-said", "recorder.submitted",
                                           "recorder.reported"));

}  // namespace
}  // namespace millrace
