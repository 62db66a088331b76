// claim → publish | abort, send, and batches.
#include "support/channel_fixture.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace millrace {
namespace {

using testing_support::bytes_of;
using testing_support::code_of;
using testing_support::next_text;
using testing_support::said;

class Publishing : public testing_support::ChannelTest {
 protected:
  void fill(Claim& claim, std::string_view text) {
    std::ranges::copy(bytes_of(text), claim.bytes().begin());
  }

  Channel channel_ = small_channel();
  Subscriber subscriber_ = subscriber(channel_);
  Publisher publisher_ = publisher(channel_);
};

TEST_F(Publishing, ShowsAClaimOnlyWhenItIsPublished) {
  auto claim = publisher_.try_claim(5);
  ASSERT_TRUE(claim) << said(claim);
  fill(*claim, "hello");
  EXPECT_EQ(next_text(subscriber_), "<nothing>");
  EXPECT_EQ(std::move(*claim).publish(), 0U);
  EXPECT_EQ(next_text(subscriber_), "hello");
  EXPECT_EQ(next_text(subscriber_), "<nothing>");
}

TEST_F(Publishing, ForgetsAClaimThatIsDroppedOrAborted) {
  {
    auto dropped = publisher_.try_claim(100);
    ASSERT_TRUE(dropped);
    fill(*dropped, "never seen");
  }
  auto aborted = publisher_.try_claim(100);
  ASSERT_TRUE(aborted);
  std::move(*aborted).abort();
  send(publisher_, "seen");
  EXPECT_EQ(next_text(subscriber_), "seen");
  EXPECT_EQ(publisher_.next_sequence(), 1U);
  EXPECT_EQ(publisher_.stats().aborted, 2U);
}

TEST_F(Publishing, PublishesLessThanItClaimed) {
  auto claim = publisher_.try_claim(1000);
  ASSERT_TRUE(claim);
  fill(*claim, "short");
  std::move(*claim).publish(5);
  send(publisher_, "next");
  EXPECT_EQ(next_text(subscriber_), "short");
  EXPECT_EQ(next_text(subscriber_), "next");
}

TEST_F(Publishing, NeverPublishesMoreThanItClaimed) {
  auto claim = publisher_.try_claim(4);
  ASSERT_TRUE(claim);
  fill(*claim, "four");
  std::move(*claim).publish(400);
  EXPECT_EQ(next_text(subscriber_), "four");
}

TEST_F(Publishing, CarriesEmptyMessages) {
  send(publisher_, "");
  send(publisher_, "after");
  EXPECT_EQ(next_text(subscriber_), "");
  EXPECT_EQ(next_text(subscriber_), "after");
}

TEST_F(Publishing, CarriesEveryLengthUpToTheLongest) {
  const std::size_t longest = publisher_.message_bytes_max();
  ASSERT_GT(longest, kRing / 5);
  for (std::size_t length = 0; length <= longest; ++length) {
    const std::string text(length, static_cast<char>('a' + length % 26));
    send(publisher_, text);
    ASSERT_EQ(next_text(subscriber_), text);
  }
}

TEST_F(Publishing, RefusesAMessageThatCanNeverFit) {
  const std::size_t longest = publisher_.message_bytes_max();
  for (const std::size_t length : {longest + 1, std::size_t{kRing}, ~std::size_t{0}}) {
    const auto claim = publisher_.try_claim(length);
    EXPECT_EQ(code_of(claim), Errc::too_big) << length;
    EXPECT_NE(said(claim).find("quotes"), std::string::npos) << said(claim);
  }
  send(publisher_, "still works");
  EXPECT_EQ(next_text(subscriber_), "still works");
}

TEST_F(Publishing, HasOneOpenClaimAtATime) {
  auto first = publisher_.try_claim(8);
  ASSERT_TRUE(first);
  EXPECT_EQ(code_of(publisher_.try_claim(8)), Errc::bad_argument);
  EXPECT_EQ(code_of(publisher_.try_send(bytes_of("x"))), Errc::bad_argument);
  EXPECT_EQ(code_of(publisher_.batch()), Errc::bad_argument);
  std::move(*first).publish();
  EXPECT_TRUE(publisher_.try_claim(8));
}

TEST_F(Publishing, NumbersMessagesWithoutGaps) {
  for (Sequence sequence = 0; sequence < 1000; ++sequence) {
    const auto sent = publisher_.try_send(bytes_of("12345678"));
    ASSERT_TRUE(sent) << said(sent);
    ASSERT_EQ(*sent, sequence);
    const auto message = subscriber_.try_poll();
    ASSERT_TRUE(message && *message);
    ASSERT_EQ((*message)->sequence(), sequence);
    ASSERT_EQ((*message)->position(), sequence * 16);
  }
}

TEST_F(Publishing, ShowsABatchAllAtOnce) {
  auto batch = publisher_.batch();
  ASSERT_TRUE(batch);
  for (const char* text : {"one", "two", "three"})
    ASSERT_TRUE(batch->add(bytes_of(text)));
  EXPECT_EQ(batch->count(), 3U);
  EXPECT_EQ(next_text(subscriber_), "<nothing>");
  EXPECT_EQ(std::move(*batch).publish(), 0U);
  for (const char* text : {"one", "two", "three"})
    EXPECT_EQ(next_text(subscriber_), text);
  EXPECT_EQ(publisher_.next_sequence(), 3U);
}

TEST_F(Publishing, ForgetsABatchThatIsDropped) {
  {
    auto batch = publisher_.batch();
    ASSERT_TRUE(batch && batch->add(bytes_of("lost")) && batch->add(bytes_of("lost too")));
  }
  send(publisher_, "kept");
  EXPECT_EQ(next_text(subscriber_), "kept");
  EXPECT_EQ(next_text(subscriber_), "<nothing>");
}

TEST_F(Publishing, PublishesNothingFromAnEmptyBatch) {
  auto batch = publisher_.batch();
  ASSERT_TRUE(batch);
  EXPECT_EQ(std::move(*batch).publish(), 0U);
  EXPECT_EQ(next_text(subscriber_), "<nothing>");
  send(publisher_, "first");
  EXPECT_EQ(next_text(subscriber_), "first");
}

TEST_F(Publishing, KeepsABatchThatRefusedAMessage) {
  auto batch = publisher_.batch(std::chrono::nanoseconds::zero());
  ASSERT_TRUE(batch && batch->add(bytes_of("kept")));
  const std::string big(kRing, 'x');
  EXPECT_EQ(code_of(batch->add(bytes_of(big))), Errc::too_big);
  const std::string half(publisher_.message_bytes_max(), 'x');
  ASSERT_TRUE(batch->add(bytes_of(half)));
  EXPECT_EQ(code_of(batch->add(bytes_of(half))), Errc::too_big);
  std::move(*batch).publish();
  EXPECT_EQ(next_text(subscriber_), "kept");
  EXPECT_EQ(next_text(subscriber_), half);
}

TEST_F(Publishing, WritesABatchInPlace) {
  auto batch = publisher_.batch();
  ASSERT_TRUE(batch);
  for (const std::string_view text : {"alpha", "beta"}) {
    auto forgotten = batch->claim(200);
    ASSERT_TRUE(forgotten);
    auto room = batch->claim(100);
    ASSERT_TRUE(room);
    std::ranges::copy(bytes_of(text), room->begin());
    batch->commit(text.size(), 7);
  }
  std::move(*batch).publish();
  EXPECT_EQ(next_text(subscriber_), "alpha");
  EXPECT_EQ(next_text(subscriber_), "beta");
}

TEST_F(Publishing, CarriesManyLapsOfBatchesOfAnySize) {
  std::uint64_t sent = 0;
  std::uint64_t got = 0;
  for (std::uint64_t round = 0; round < 2000; ++round) {
    auto batch = publisher_.batch(std::chrono::nanoseconds::zero());
    ASSERT_TRUE(batch);
    for (std::uint64_t i = 0; i <= round % 9; ++i) {
      const std::string text = std::to_string(sent + i) + std::string(round * 13 % 160, '.');
      ASSERT_TRUE(batch->add(bytes_of(text)));
    }
    sent += batch->count();
    std::move(*batch).publish();
    for (; got < sent; ++got) {
      const std::string text = next_text(subscriber_);
      ASSERT_EQ(text.substr(0, text.find('.')), std::to_string(got));
    }
  }
}

TEST_F(Publishing, SurvivesBeingMovedWithAnOpenClaim) {
  auto claim = publisher_.try_claim(2);
  ASSERT_TRUE(claim);
  Publisher moved = std::move(publisher_);
  Claim other = std::move(*claim);
  fill(other, "ok");
  std::move(other).publish();
  EXPECT_EQ(next_text(subscriber_), "ok");
  publisher_ = std::move(moved);
  send(publisher_, "back");
  Subscriber reader = std::move(subscriber_);
  EXPECT_EQ(next_text(reader), "back");
}

}  // namespace
}  // namespace millrace
