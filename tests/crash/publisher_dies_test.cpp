// A publisher is killed at every named point of its path. The reader goes on, has every message
// that was committed, once, whole and in order; the successor continues the lane; `clean` leaves
// nothing.
#include "crash/numbered_text.hpp"
#include "crash/victim.hpp"
#include "support/channel_fixture.hpp"

#include <algorithm>
#include <filesystem>
#include <string>
#include <utility>

#include <gtest/gtest-spi.h>

namespace millrace {
namespace {

using testing_support::bytes_of;
using testing_support::Fate;
using testing_support::kWatchdog;
using testing_support::numbered_text;
using testing_support::said;
using testing_support::Victim;

class PublisherDies : public testing_support::ChannelTest,
                      public ::testing::WithParamInterface<const char*> {
 protected:
  static constexpr std::uint64_t kMessages = 300;

  static std::string send_claimed(Publisher& source, std::uint64_t number) {
    const std::string text = numbered_text(number);
    auto claim = source.claim(text.size());
    if (!claim) return said(claim);
    std::ranges::copy(bytes_of(text), claim->bytes().begin());
    std::move(*claim).publish();
    return "";
  }

  static std::string send_batch(Publisher& source, std::uint64_t number, std::uint64_t count) {
    auto batch = source.batch();
    if (!batch) return said(batch);
    for (std::uint64_t i = 0; i < count; ++i) {
      if (auto added = batch->add(bytes_of(numbered_text(number + i))); !added) return said(added);
    }
    std::move(*batch).publish();
    return "";
  }

  // Publishes on from where the lane stands, in every way there is.
  static std::string publish_all(Publisher& source) {
    while (source.next_sequence() < kMessages) {
      const std::uint64_t number = source.next_sequence();
      std::string wrong;
      if (number % 3 == 0) wrong = send_claimed(source, number);
      if (number % 3 == 1) wrong = send_batch(source, number, 1 + number % 5);
      if (number % 3 == 2) {
        if (auto sent = source.send(numbered_text(number)); !sent) wrong = said(sent);
      }
      if (!wrong.empty()) return wrong;
    }
    return "";
  }

  // In the child.
  std::string live() const {
    auto channel = another_domain("victim").find("quotes");
    if (!channel) return said(channel);
    auto source = channel->publisher({.name = "victim", .wait = Wait::park});
    return source ? publish_all(*source) : said(source);
  }

  // Reads what is there and checks it.
  void drain(Subscriber& reader) {
    for (;;) {
      const auto message = reader.try_poll();
      ASSERT_TRUE(message) << said(message);
      if (!*message) return;
      ASSERT_EQ((*message)->sequence(), next_);
      ASSERT_EQ((*message)->text(), numbered_text(next_));
      ++next_;
    }
  }

  void finish_with_a_successor(const Channel& channel, Subscriber& reader) {
    auto successor = channel.publisher({.name = "victim"});
    ASSERT_TRUE(successor) << said(successor);
    ASSERT_EQ(successor->next_sequence(), next_) << "a committed message is not continued";
    for (std::uint64_t i = 0; i < 200; ++i) {
      ASSERT_TRUE(successor->send_for(kWatchdog, bytes_of(numbered_text(next_))));
      drain(reader);
    }
    ASSERT_EQ(successor->next_sequence(), next_);
  }

  void expect_that_clean_leaves_nothing() {
    const auto cleaned = domain_.clean({.channels_too = true});
    ASSERT_TRUE(cleaned) << said(cleaned);
    EXPECT_TRUE(cleaned->kept.empty()) << cleaned->kept.front();
    EXPECT_EQ(domain_.channels()->size(), 0U);
    for (const auto& entry : std::filesystem::directory_iterator(scratch_ / "domain")) {
      const std::string name = entry.path().filename();
      EXPECT_TRUE(name == "participants" || name.starts_with("clock-")) << name;
    }
    const std::filesystem::directory_iterator left(scratch_ / "domain/participants");
    EXPECT_EQ(std::distance(left, std::filesystem::directory_iterator()), 1) << "only this one";
  }

  std::uint64_t next_ = 0;
};

TEST_P(PublisherDies, AndHarmsNobody) {
  for (const int times : {1, 2, 5, 13}) {
    next_ = 0;
    bool killed = false;
    {
      const Channel channel = small_channel();
      SubscriberOptions options;
      options.wait = Wait::park;
      Subscriber reader = subscriber(channel, options);
      Publisher bystander = publisher(another_domain().channel("calm").value());
      Victim victim({.point = GetParam(), .times = times}, [&] { return live(); });
      while (!victim.ended()) {
        ASSERT_NO_FATAL_FAILURE(drain(reader));
        ASSERT_TRUE(bystander.try_send(bytes_of("calm")));
        (void)reader.wait(std::chrono::milliseconds(1));
      }
      ASSERT_NO_FATAL_FAILURE(drain(reader));
      killed = victim.was_killed();
      ASSERT_TRUE(killed || victim.went_well());
      ASSERT_NO_FATAL_FAILURE(finish_with_a_successor(channel, reader));
    }
    ASSERT_TRUE(killed || times > 1) << "this point is never reached";
    ASSERT_NO_FATAL_FAILURE(expect_that_clean_leaves_nothing());
    if (!killed) return;
  }
}

INSTANTIATE_TEST_SUITE_P(At, PublisherDies,
                         ::testing::Values("lane.locked", "lane.built", "lane.linked",
                                           "publisher.acquired", "claim.appended", "publish.zeroed",
                                           "publish.shown", "publish.before-wake", "limit.proposed",
                                           "limit.stored", "checkpoint.position",
                                           "checkpoint.written", "checkpoint.shown",
                                           "back-pressure.asleep", "close.left"));

// The successor dies while it takes over; its own successor finds the lane whole.
class SuccessorDies : public PublisherDies {};

TEST_P(SuccessorDies, AndHarmsNobody) {
  {
    const Channel channel = small_channel();
    Subscriber reader = subscriber(channel);
    for (int life = 0; life < 4; ++life) {
      // The first is killed while it publishes, and leaves a lane of a dead owner.
      Victim first({.point = "publish.zeroed", .times = 9}, [&] { return live(); });
      while (!first.ended())
        ASSERT_NO_FATAL_FAILURE(drain(reader));
      ASSERT_TRUE(first.was_killed());
      Victim second({.point = GetParam()}, [&] { return live(); });
      second.await_end();
      ASSERT_TRUE(second.was_killed()) << "this point is never reached";
      ASSERT_NO_FATAL_FAILURE(drain(reader));
    }
    ASSERT_NO_FATAL_FAILURE(finish_with_a_successor(channel, reader));
  }
  ASSERT_NO_FATAL_FAILURE(expect_that_clean_leaves_nothing());
}

INSTANTIATE_TEST_SUITE_P(At, SuccessorDies,
                         ::testing::Values("lane.locked", "take-over.id", "take-over.owned",
                                           "take-over.live", "publisher.acquired",
                                           "checkpoint.position", "checkpoint.written",
                                           "checkpoint.shown"));

class TheCheck : public PublisherDies {};

TEST_F(TheCheck, NoticesAMessageThatIsMissing) {
  Subscriber reader = subscriber(small_channel());
  Publisher source = publisher(small_channel());
  send(source, numbered_text(0));
  send(source, numbered_text(2));
  ::testing::TestPartResultArray failures;
  {
    const ::testing::ScopedFakeTestPartResultReporter reporter(
        ::testing::ScopedFakeTestPartResultReporter::INTERCEPT_ONLY_CURRENT_THREAD, &failures);
    drain(reader);
  }
  EXPECT_EQ(failures.size(), 1);
}

}  // namespace
}  // namespace millrace
