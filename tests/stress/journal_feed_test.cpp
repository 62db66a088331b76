// A publisher that may proceed, and a journal that is full now and then and is overtaken while it
// copies: what it keeps is whole, and what it does not keep is counted, to the message.
#include "crash/numbered_text.hpp"
#include "persist/feed_fixture.hpp"

#include <atomic>
#include <thread>

namespace millrace {
namespace {

using testing_support::bytes_of;
using testing_support::FeedPersister;
using testing_support::FeedTest;
using testing_support::kWatchdog;
using testing_support::numbered_text;
using testing_support::said;

class JournalFeedStress : public FeedTest {
 protected:
  static constexpr std::uint64_t kMessages = 30'000;

  void publish(const Channel& channel) {
    Publisher source = publisher(channel, "feed");
    for (std::uint64_t i = 0; i < kMessages; ++i) {
      const auto sent = source.send_for(kWatchdog, bytes_of(numbered_text(i)));
      ASSERT_TRUE(sent) << said(sent);
      if (i % 512 == 0) std::this_thread::yield();
    }
  }

  // Every number is in the log or in a gap, once; what is there is what was sent.
  std::uint64_t count_lost() {
    Sequence next = 0;
    std::uint64_t lost = 0;
    for (std::uint64_t i = 0; i < disk_.count(); ++i) {
      const auto& entry = disk_.entry(i);
      if (entry.lost != 0) {
        EXPECT_EQ(next + entry.lost, entry.sequence);
        lost += entry.lost;
        next = entry.sequence;
        continue;
      }
      EXPECT_EQ(entry.sequence, next);
      const std::string text = numbered_text(next++);
      EXPECT_EQ(entry.length, text.size());
      EXPECT_EQ(std::string(entry.text), text.substr(0, sizeof entry.text - 1));
    }
    EXPECT_EQ(next, kMessages);
    return lost;
  }
};

TEST_F(JournalFeedStress, LosesNothingThatIsNotCounted) {
  const Channel channel = durable_channel(Policy::block, WhenJournalFails::proceed);
  FeedPersister journal = persister(another_domain("journal"));
  std::atomic<bool> published{false};
  std::thread source([&] {
    publish(channel);
    published = true;
  });
  for (int turn = 0; !published; ++turn) {
    if (turn % 8 == 0) journal.feed().say(layout::JournalState::full, ENOSPC);
    if (turn % 8 == 3) journal.feed().say(layout::JournalState::ok, 0);
    const auto messages = journal.round(700);
    ASSERT_TRUE(messages) << said(messages);
  }
  source.join();
  ASSERT_TRUE(journal.drain());
  const std::uint64_t lost = count_lost();
  const auto stats = channel.stats();
  ASSERT_TRUE(stats) << said(stats);
  EXPECT_EQ(stats->lanes[0].journal.gaps, lost);
  EXPECT_GT(lost, 0U) << "it was never overtaken: this run shows nothing";
}

TEST_F(JournalFeedStress, LosesNothingWherePublishersWait) {
  const Channel channel = durable_channel(Policy::lossy);
  FeedPersister journal = persister(another_domain("journal"));
  std::atomic<bool> published{false};
  std::thread source([&] {
    publish(channel);
    published = true;
  });
  while (!published)
    ASSERT_TRUE(journal.round(700));
  source.join();
  ASSERT_TRUE(journal.drain());
  EXPECT_EQ(count_lost(), 0U);
  EXPECT_EQ(channel.stats()->lanes[0].journal.unjournaled, 0U);
}

}  // namespace
}  // namespace millrace
