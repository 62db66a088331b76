// Where a subscriber begins.
#include "support/channel_fixture.hpp"

#include <string>
#include <utility>

namespace millrace {
namespace {

using testing_support::code_of;
using testing_support::next_text;
using testing_support::said;

class Joining : public testing_support::ChannelTest {
 protected:
  // Sends its own number as text.
  static void send_numbers(Publisher& source, std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i)
      send(source, std::to_string(source.next_sequence()));
  }

  Channel channel_ = small_channel();
  Publisher publisher_ = publisher(channel_);
};

TEST_F(Joining, NowMeansWhatIsPublishedFromNowOn) {
  send_numbers(publisher_, 77);
  Subscriber reader = subscriber(channel_, From::now());
  EXPECT_EQ(next_text(reader), "<nothing>");
  send_numbers(publisher_, 1);
  EXPECT_EQ(next_text(reader), "77");
}

TEST_F(Joining, OldestMeansEverythingWhileTheRingHasIt) {
  send_numbers(publisher_, 50);
  Subscriber reader = subscriber(channel_, From::oldest());
  for (int i = 0; i < 50; ++i)
    ASSERT_EQ(next_text(reader), std::to_string(i));
  EXPECT_EQ(next_text(reader), "<nothing>");
}

TEST_F(Joining, OldestIsMostOfALapBehind) {
  send_numbers(publisher_, 10'000);
  Subscriber reader = subscriber(channel_, From::oldest());
  const auto first = reader.try_poll();
  ASSERT_TRUE(first && *first) << said(first);
  const Position lap = 10'000 * 16;
  EXPECT_GE((*first)->position(), lap - kRing);
  EXPECT_LE((*first)->position(), lap - kRing / 2);
  for (Sequence next = (*first)->sequence() + 1; next < 10'000; ++next)
    ASSERT_EQ(next_text(reader), std::to_string(next));
}

TEST_F(Joining, ASequenceOfTheRingMeansThatMessage) {
  send_numbers(publisher_, 1000);
  for (Sequence wanted = 990; wanted < 1000; ++wanted) {
    Subscriber reader = subscriber(channel_, From::at(wanted));
    ASSERT_EQ(next_text(reader), std::to_string(wanted));
  }
}

TEST_F(Joining, ASequenceThatIsGoneMeansTheOldestAndCountsTheGap) {
  send_numbers(publisher_, 1000);
  Subscriber reader = subscriber(channel_, From::at(10));
  const auto told = reader.try_poll();
  ASSERT_EQ(code_of(told), Errc::overrun) << said(told);
  const std::uint64_t lost = told.error().lost();
  EXPECT_GT(lost, 500U);
  EXPECT_EQ(next_text(reader), std::to_string(10 + lost));
  EXPECT_EQ(reader.stats().lost, lost);
}

TEST_F(Joining, ASequenceOfTheFutureIsWaitedFor) {
  send_numbers(publisher_, 10);
  Subscriber reader = subscriber(channel_, From::at(15));
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(next_text(reader), "<nothing>") << i;
    send_numbers(publisher_, 1);
  }
  EXPECT_EQ(next_text(reader), "<nothing>");
  send_numbers(publisher_, 1);
  EXPECT_EQ(next_text(reader), "15");
}

TEST_F(Joining, ReadsOnInLanesWhosePublisherHasGone) {
  {
    Publisher gone = publisher(channel_);
    send_numbers(gone, 5);
  }
  Subscriber reader = subscriber(channel_, From::oldest());
  for (int i = 0; i < 5; ++i)
    ASSERT_EQ(next_text(reader), std::to_string(i));
}

TEST_F(Joining, MissesNothingOfAFlood) {
  for (int round = 0; round < 300; ++round) {
    send_numbers(publisher_, static_cast<std::uint64_t>(round % 37));
    Subscriber reader = subscriber(channel_, From::now());
    const Sequence first = publisher_.next_sequence();
    send_numbers(publisher_, 3);
    for (Sequence next = first; next < first + 3; ++next)
      ASSERT_EQ(next_text(reader), std::to_string(next));
  }
}

}  // namespace
}  // namespace millrace
