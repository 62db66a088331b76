// What a journal is told of a channel: its messages, and its subscribers' places.
#include "feed_fixture.hpp"
#include "millrace/core/clock.hpp"
#include "millrace/core/doorbell_layout.hpp"

#include <algorithm>
#include <filesystem>

#include <gmock/gmock.h>

namespace millrace {
namespace {

using ::testing::HasSubstr;
using testing_support::code_of;
using testing_support::FeedPersister;
using testing_support::FeedTest;
using testing_support::said;

class JournalFeedTest : public FeedTest {
 protected:
  [[nodiscard]] static Subscriber remembering(const Channel& channel, const std::string& name) {
    SubscriberOptions options;
    options.from = From::oldest();
    options.name = name;
    options.remember = true;
    return subscriber(channel, options);
  }

  // Gives the directory of names this time.
  void stamp(std::uint64_t ns) const {
    const timespec time{static_cast<time_t>(ns / 1'000'000'000),
                        static_cast<long>(ns % 1'000'000'000)};
    const timespec times[] = {time, time};
    ASSERT_EQ(utimensat(AT_FDCWD, file("remembered").c_str(), times, 0), 0);
  }

  // Whose places come to be known.
  static std::vector<std::string> names(FeedPersister& journal) {
    auto told = journal.feed().acknowledged();
    EXPECT_TRUE(told) << said(told);
    std::vector<std::string> all;
    for (const auto& one : *told)
      all.push_back(one.subscriber);
    return all;
  }
};

TEST_F(JournalFeedTest, TellsOfANameThatCameWithinTheSameTick) {
  const Channel channel = durable_channel();
  FeedPersister journal = persister(another_domain("journal"));
  Publisher source = publisher(channel, "feed");
  ASSERT_TRUE(journal.drain());
  const Subscriber first = remembering(channel, "first");
  // Where this process stands still for long between stamp and look, the stamp was old; again then.
  for (int attempt = 0;; ++attempt) {
    const std::uint64_t tick = wall_ns();
    ASSERT_NO_FATAL_FAILURE(stamp(tick));
    (void)names(journal);
    const bool looked_in_time = wall_ns() - tick < 90'000'000;
    const std::string name = "second" + std::to_string(attempt);
    const Subscriber second = remembering(channel, name);
    ASSERT_NO_FATAL_FAILURE(stamp(tick));
    if (!looked_in_time) continue;
    EXPECT_THAT(names(journal), ::testing::Contains(name));
    break;
  }
}

TEST_F(JournalFeedTest, TellsOfANameThatWasMadeAnew) {
  const Channel channel = durable_channel();
  FeedPersister journal = persister(another_domain("journal"));
  Publisher source = publisher(channel, "feed");
  send(source, "one");
  ASSERT_TRUE(journal.drain());
  { const Subscriber first = remembering(channel, "risk"); }
  EXPECT_THAT(names(journal), ::testing::ElementsAre("risk"));
  EXPECT_THAT(names(journal), ::testing::IsEmpty());
  ASSERT_TRUE(std::filesystem::remove(file("remembered/risk")));
  const Subscriber again = remembering(channel, "risk");
  EXPECT_THAT(names(journal), ::testing::ElementsAre("risk"));
}

TEST_F(JournalFeedTest, TakesWhatIsWholeBeforeBytesThatNoPublisherWrites) {
  const Channel channel = durable_channel();
  FeedPersister journal = persister(another_domain("journal"));
  Publisher source = publisher(channel, "feed");
  send(source, "one");
  send(source, "two");
  const Position third = source.stats().position;
  send(source, "three");
  poke("lane-0", kPageBytes + third, ~std::uint64_t{0});
  const auto taken = journal.round();
  ASSERT_TRUE(taken) << said(taken);
  EXPECT_EQ(*taken, 2U);
  ASSERT_EQ(disk_.count(), 2U);
  EXPECT_EQ(std::string(disk_.entry(1).text), "two");
  const auto refused = journal.round();
  EXPECT_EQ(code_of(refused), Errc::poisoned);
  EXPECT_THAT(said(refused), HasSubstr("at message 2"));
}

TEST_F(JournalFeedTest, APartOfARecordThatHasAnotherLengthByNowIsRefused) {
  const Channel channel = durable_channel();
  FeedPersister journal = persister(another_domain("journal"));
  Publisher source = publisher(channel, "feed");
  ASSERT_TRUE(journal.drain());
  send(source, std::string(900, 'x'));
  std::vector<std::byte> room(512);
  JournalFeed& feed = journal.feed();
  const auto run = feed.copy(0, room);
  ASSERT_TRUE(run) << said(run);
  ASSERT_EQ(run->record_bytes, 912U);
  ASSERT_TRUE(feed.copy_part(0, 0, run->record_bytes, room));
  const layout::RecordHeader shorter{
      .length = 600, .type = RecordType::message, .sequence = 0, .flags = 0, .key = 0};
  poke("lane-0", kPageBytes, shorter.word());
  EXPECT_EQ(code_of(feed.copy_part(0, 512, run->record_bytes, room)), Errc::poisoned);
}

// The generation of lanes is a hint that any member may set back.
TEST_F(JournalFeedTest, ALaneThatWasHiddenIsFoundInTime) {
  const Channel channel = durable_channel();
  FeedPersister journal = persister(another_domain("journal"));
  ASSERT_TRUE(journal.drain());
  constexpr std::size_t kGeneration = offsetof(layout::DoorbellFile, lane_generation);
  const std::uint64_t before = peek("doorbell", kGeneration);
  Publisher source = publisher(channel, "feed");
  poke("doorbell", kGeneration, before);
  send(source, "one");
  while (disk_.count() == 0)  // the watchdog ends what hangs
    ASSERT_TRUE(journal.drain());
  EXPECT_EQ(std::string(disk_.entry(0).text), "one");
}

}  // namespace
}  // namespace millrace
