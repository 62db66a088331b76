// A reader is killed, or stopped, at every named point of its path. Publishers and other readers go
// on; a reader that was only stopped comes back to right contents.
#include "crash/numbered_text.hpp"
#include "crash/victim.hpp"
#include "support/channel_fixture.hpp"

#include <string>
#include <utility>

namespace millrace {
namespace {

using testing_support::bytes_of;
using testing_support::code_of;
using testing_support::kWatchdog;
using testing_support::next_text;
using testing_support::numbered_text;
using testing_support::said;
using testing_support::Victim;

class ReaderStory : public testing_support::ChannelTest {
 protected:
  static constexpr std::uint64_t kMessages = 300;

  // In the child: reads so many messages and leaves. Every one must be right and none missing,
  // except for what it was told it lost.
  std::string live(Wait wait, std::uint64_t until) const {
    auto channel = another_domain("victim").find("quotes");
    if (!channel) return said(channel);
    auto reader = channel->subscriber({.from = From::oldest(), .wait = wait});
    if (!reader) return said(reader);
    std::uint64_t next = ~std::uint64_t{0};
    while (next == ~std::uint64_t{0} || next < until) {
      const auto message = reader->poll_for(kWatchdog);
      if (!message && message.error().lost() != 0) {
        // Before its first message it has no number yet to count on from.
        if (next != ~std::uint64_t{0}) next += message.error().lost();
        continue;
      }
      if (!message) return said(message);
      if (next == ~std::uint64_t{0}) next = message->sequence();
      if (message->sequence() != next) return "message " + std::to_string(next) + " is missing";
      if (message->text() != numbered_text(next)) return "message " + std::to_string(next);
      ++next;
    }
    return "";
  }

  static void read_checked(Subscriber& reader, std::uint64_t& next) {
    for (;;) {
      const auto message = reader.try_poll();
      ASSERT_TRUE(message) << said(message);
      if (!*message) return;
      ASSERT_EQ((*message)->text(), numbered_text(next));
      ++next;
    }
  }
};

class ReaderDies : public ReaderStory, public ::testing::WithParamInterface<const char*> {};

TEST_P(ReaderDies, AndHarmsNobody) {
  for (const int times : {1, 2, 3, 7}) {
    bool killed = false;
    {
      const Channel channel = small_channel();
      auto source = channel.publisher({.name = "source", .wait = Wait::park});
      ASSERT_TRUE(source);
      Subscriber witness = subscriber(channel, From::now());
      std::uint64_t next = source->next_sequence();
      const std::uint64_t until = next + kMessages;
      Victim victim({.point = GetParam(), .times = times},
                    [&] { return live(Wait::park, until - 30); });
      while (source->next_sequence() < until || !victim.ended()) {
        const std::string text = numbered_text(source->next_sequence());
        // A killed reader is noticed and dropped; a living one reads on.
        ASSERT_TRUE(source->send_for(kWatchdog, bytes_of(text)));
        ASSERT_NO_FATAL_FAILURE(read_checked(witness, next));
        if (source->next_sequence() % 16 == 0) usleep(500);  // so that it sleeps, too
      }
      ASSERT_EQ(next, source->next_sequence());
      killed = victim.was_killed();
      ASSERT_TRUE(killed || victim.went_well());
    }
    ASSERT_TRUE(killed || times > 1) << "this point is never reached";
    const auto cleaned = domain_.clean({.channels_too = true});
    ASSERT_TRUE(cleaned && cleaned->kept.empty());
    EXPECT_EQ(domain_.channels()->size(), 0U);
    if (!killed) return;
  }
}

INSTANTIATE_TEST_SUITE_P(At, ReaderDies,
                         ::testing::Values("reader.built", "reader.linked", "join.placed",
                                           "join.announced", "reader.active", "release.validated",
                                           "release.stored", "sleep.announced", "sleep.asleep",
                                           "leave.said", "leave.unlinked"));

class ReaderStops : public ReaderStory, public ::testing::WithParamInterface<const char*> {};

TEST_P(ReaderStops, AndComesBackToRightContents) {
  for (const Policy policy : {Policy::block, Policy::evict, Policy::lossy}) {
    ASSERT_TRUE(domain_.clean({.channels_too = true}));
    const Channel channel = small_channel(policy);
    Publisher source = publisher(channel);
    for (int i = 0; i < 40; ++i)
      send(source, numbered_text(source.next_sequence()));
    Victim victim({.point = GetParam(), .signal = SIGSTOP},
                  [&] { return live(Wait::park, kMessages); });
    bool stopped = victim.await_stop();
    ASSERT_TRUE(stopped) << "this point is never reached";
    // Longer than anything waits: bounds of parks are 1 and 10 ms, a look is due every 100 ms.
    for (int i = 0; i < 300; ++i) {
      const auto sent = source.try_send(bytes_of(numbered_text(source.next_sequence())));
      if (sent) continue;
      ASSERT_EQ(code_of(sent), Errc::full) << said(sent);
      ASSERT_EQ(policy, Policy::block);
      ASSERT_EQ(code_of(source.send_for(std::chrono::milliseconds(250),
                                        bytes_of(numbered_text(source.next_sequence())))),
                Errc::timeout)
          << "a stopped reader was taken for dead";
      break;
    }
    victim.resume();
    while (!victim.ended())
      (void)source.send_for(std::chrono::milliseconds(2),
                            bytes_of(numbered_text(source.next_sequence())));
    EXPECT_TRUE(victim.went_well()) << to_string(policy);
  }
}

INSTANTIATE_TEST_SUITE_P(At, ReaderStops,
                         ::testing::Values("reader.linked", "join.placed", "join.announced",
                                           "reader.active", "release.validated", "release.stored",
                                           "sleep.announced"));

// A publisher that is stopped in the middle of a claim, a batch or a publish: nobody takes its
// lane, and it goes on as if nothing had been.
class PublisherStops : public ReaderStory, public ::testing::WithParamInterface<const char*> {};

TEST_P(PublisherStops, AndGoesOnAsIfNothingHadBeen) {
  const Channel channel = small_channel();
  Subscriber reader = subscriber(channel, {.until_closed = true});
  std::uint64_t next = 0;
  Victim victim({.point = GetParam(), .times = 3, .signal = SIGSTOP}, [&]() -> std::string {
    auto mine = another_domain("victim").find("quotes");
    if (!mine) return said(mine);
    auto source = mine->publisher({.name = "victim"});
    if (!source) return said(source);
    while (source->next_sequence() < kMessages) {
      const auto sent = source->send(numbered_text(source->next_sequence()));
      if (!sent) return said(sent);
    }
    return "";
  });
  bool stopped = false;
  for (int status = 0; !stopped && !victim.ended();) {
    ASSERT_NO_FATAL_FAILURE(read_checked(reader, next));
    stopped =
        waitpid(victim.pid(), &status, WUNTRACED | WNOHANG) == victim.pid() && WIFSTOPPED(status);
  }
  ASSERT_TRUE(stopped) << "this point is never reached";
  ASSERT_NO_FATAL_FAILURE(read_checked(reader, next));
  EXPECT_EQ(code_of(reader.poll_for(std::chrono::milliseconds(250))), Errc::timeout);
  EXPECT_EQ(reader.publishers(), 1U) << "a stopped publisher was taken for dead";
  EXPECT_EQ(code_of(channel.publisher({.name = "victim"})), Errc::busy);
  const auto cleaned = domain_.clean({.channels_too = true});
  ASSERT_TRUE(cleaned);
  EXPECT_EQ(cleaned->lanes + cleaned->channels, 0U);
  victim.resume();
  while (next < kMessages) {
    const auto message = reader.poll_for(kWatchdog);
    ASSERT_TRUE(message) << said(message);
    ASSERT_EQ(message->text(), numbered_text(next));
    ++next;
  }
  EXPECT_EQ(code_of(reader.poll_for(kWatchdog)), Errc::closed);
  victim.await_end();
  EXPECT_TRUE(victim.went_well());
}

INSTANTIATE_TEST_SUITE_P(At, PublisherStops,
                         ::testing::Values("claim.appended", "publish.zeroed",
                                           "publish.before-wake", "limit.proposed", "limit.stored",
                                           "checkpoint.written"));

// The publisher that evicts is killed while it does.
class EvictorDies : public ReaderStory, public ::testing::WithParamInterface<const char*> {};

TEST_P(EvictorDies, AndTheLossIsCountedExactly) {
  for (const int times : {1, 2, 5}) {
    const Channel channel = small_channel(Policy::evict);
    Subscriber reader = subscriber(channel);
    std::uint64_t next = 0;
    const auto read_some = [&] {
      for (;;) {
        const auto message = reader.try_poll();
        if (!message) {
          ASSERT_GT(message.error().lost(), 0U) << said(message);
          next += message.error().lost();
          continue;
        }
        if (!*message) return;
        ASSERT_EQ((*message)->sequence(), next);
        ASSERT_EQ((*message)->text(), numbered_text(next));
        ++next;
      }
    };
    Victim victim({.point = GetParam(), .times = times}, [&]() -> std::string {
      auto source = another_domain("victim").find("quotes").value().publisher({.name = "victim"});
      for (;;)
        (void)source->send(numbered_text(source->next_sequence()));
    });
    while (!victim.ended()) {
      ASSERT_NO_FATAL_FAILURE(read_some());
      usleep(2000);
    }
    ASSERT_NO_FATAL_FAILURE(read_some());
    auto successor = channel.publisher({.name = "victim"});
    ASSERT_TRUE(successor) << said(successor);
    ASSERT_EQ(successor->next_sequence(), next);
    ASSERT_TRUE(successor->send(numbered_text(next)));
    ASSERT_NO_FATAL_FAILURE(read_some());
    ASSERT_EQ(successor->next_sequence(), next);
    ASSERT_TRUE(domain_.clean());
    { const Subscriber gone = std::move(reader); }
    { const auto left = std::move(successor); }
    ASSERT_TRUE(domain_.clean({.channels_too = true}));
    ASSERT_EQ(domain_.channels()->size(), 0U);
  }
}

INSTANTIATE_TEST_SUITE_P(At, EvictorDies, ::testing::Values("evict.named", "evict.counted"));

// Whoever makes, retires or cleans dies.
class MakerDies : public ReaderStory, public ::testing::WithParamInterface<const char*> {};

TEST_P(MakerDies, AndTheChannelIsThereWholeOrNotAtAll) {
  Victim victim({.point = GetParam()}, [&]() -> std::string {
    const auto made = another_domain("victim").create("quotes");
    return made ? "" : said(made);
  });
  victim.await_end();
  ASSERT_TRUE(victim.was_killed()) << "this point is never reached";
  const Channel channel = small_channel(Policy::block, kRingBytesDefault);
  {
    Subscriber reader = subscriber(channel);
    Publisher source = publisher(channel);
    send(source, "works");
    EXPECT_EQ(next_text(reader), "works");
  }
  const auto cleaned = domain_.clean({.channels_too = true});
  ASSERT_TRUE(cleaned && cleaned->kept.empty());
  EXPECT_LE(scratch_.entries(), 1U);
  const std::filesystem::path domain = scratch_ / "domain";
  for (const auto& entry : std::filesystem::directory_iterator(domain)) {
    const std::string name = entry.path().filename();
    EXPECT_TRUE(name == "participants" || name.starts_with("clock-")) << name;
  }
}

INSTANTIATE_TEST_SUITE_P(At, MakerDies,
                         ::testing::Values("channel.directory", "channel.meta", "channel.complete",
                                           "channel.shown"));

class CleanerDies : public ReaderStory, public ::testing::WithParamInterface<const char*> {};

TEST_P(CleanerDies, AndAnotherFinishesItsWork) {
  {
    const Channel channel = small_channel();
    Publisher source = publisher(channel);
    send(source, "read");
    Subscriber reader = subscriber(channel, From::oldest());
    EXPECT_EQ(next_text(reader), "read");
    Victim dead_reader({.point = "reader.active"}, [&] { return live(Wait::park, kMessages); });
    dead_reader.await_end();
    { const Publisher left = std::move(source); }
    EXPECT_EQ(next_text(reader), "<nothing>");
    Victim cleaner({.point = GetParam()}, [&]() -> std::string {
      Domain domain = another_domain("victim");
      (void)domain.clean();
      (void)domain.clean({.channels_too = true});
      return "";
    });
    cleaner.await_end();
    EXPECT_EQ(next_text(reader), "<nothing>");
    Publisher successor = publisher(channel);
    send(successor, "works");
    EXPECT_EQ(next_text(reader), "works");
  }
  Victim cleaner({.point = GetParam()}, [&]() -> std::string {
    (void)another_domain("victim").clean({.channels_too = true});
    return "";
  });
  cleaner.await_end();
  const auto cleaned = domain_.clean({.channels_too = true});
  ASSERT_TRUE(cleaned && cleaned->kept.empty());
  for (const auto& entry : std::filesystem::directory_iterator(scratch_ / "domain")) {
    const std::string name = entry.path().filename();
    EXPECT_TRUE(name == "participants" || name.starts_with("clock-")) << name;
  }
}

INSTANTIATE_TEST_SUITE_P(At, CleanerDies,
                         ::testing::Values("clean.reader", "lane.retired", "lane.unlinked",
                                           "clean.hidden", "clean.emptied"));

}  // namespace
}  // namespace millrace
