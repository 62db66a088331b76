// A publisher of an ordered channel is killed, or stopped, at every named point of its publish.
// Others publish on in the same order; readers see one dense order without a gap, whole and once;
// the successor continues.
#include "crash/victim.hpp"
#include "support/channel_fixture.hpp"

#include <string>
#include <vector>

namespace millrace {
namespace {

using testing_support::bytes_of;
using testing_support::Fate;
using testing_support::kWatchdog;
using testing_support::said;
using testing_support::Victim;

class OrderedPublisherDies : public testing_support::ChannelTest,
                             public ::testing::WithParamInterface<const char*> {
 protected:
  static constexpr int kMessages = 400;

  [[nodiscard]] Channel ordered_channel() {
    ChannelOptions options;
    options.order = Order::total;
    options.ring_bytes = kRing;
    options.lanes_max = 4;
    return channel(options);
  }

  // In the child: lone messages and batches, from number `from` of its own on.
  std::string live(int from) const {
    auto channel = another_domain("victim").find("quotes");
    if (!channel) return said(channel);
    auto source = channel->publisher({.name = "victim", .wait = Wait::park});
    if (!source) return said(source);
    for (int number = from; number < from + kMessages;) {
      auto batch = source->batch();
      if (!batch) return said(batch);
      for (int i = 0; i < 1 + number % 3; ++i, ++number) {
        auto added = batch->add(bytes_of("victim " + std::to_string(number)));
        if (!added) return said(added);
      }
      std::move(*batch).publish();
    }
    return "";
  }

  // Reads what is there: numbers are dense, and each publisher's own counting goes up.
  void drain(Subscriber& reader) {
    for (;;) {
      const auto message = reader.try_poll();
      ASSERT_TRUE(message) << said(message);
      if (!*message) return;
      ASSERT_EQ((*message)->sequence(), next_++);
      const std::string text((*message)->text());
      int& last = text.starts_with("victim") ? victim_ : calm_;
      const int number = std::stoi(text.substr(text.find(' ')));
      ASSERT_GT(number, last) << text;
      ASSERT_TRUE(&last == &victim_ || number == last + 1) << text;
      last = number;
    }
  }

  void publish_calmly(Publisher& calm, int messages) {
    for (int i = 0; i < messages; ++i) {
      const auto sent = calm.send_for(kWatchdog, bytes_of("calm " + std::to_string(calmly_++)));
      ASSERT_TRUE(sent) << said(sent);
    }
  }

  Sequence next_ = 0;
  int victim_ = -1;
  int calm_ = -1;
  int calmly_ = 0;
};

TEST_P(OrderedPublisherDies, AndTheOrderGoesOn) {
  const Channel quotes = ordered_channel();
  Subscriber reader = subscriber(quotes);
  Publisher calm = publisher(quotes, "calm");
  int killed = 0;
  for (int life = 0; life < 12; ++life) {
    Victim victim({.point = GetParam(), .times = 1 + life * 7 % 40},
                  [&] { return live(1000 * life); });
    while (!victim.ended()) {
      ASSERT_NO_FATAL_FAILURE(publish_calmly(calm, 3));
      ASSERT_NO_FATAL_FAILURE(drain(reader));
    }
    ASSERT_TRUE(victim.was_killed() || victim.went_well());
    killed += victim.was_killed() ? 1 : 0;
    // More than a ring of each: whatever the dead left behind holds nobody up.
    for (int i = 0; i < 100; ++i) {
      ASSERT_NO_FATAL_FAILURE(publish_calmly(calm, 2));
      ASSERT_NO_FATAL_FAILURE(drain(reader));
    }
  }
  EXPECT_GT(killed, 0) << "this point is never reached";
  Victim last({.point = "never"}, [&] { return live(100'000); });
  while (!last.ended())
    ASSERT_NO_FATAL_FAILURE(drain(reader));
  EXPECT_TRUE(last.went_well());
  ASSERT_NO_FATAL_FAILURE(drain(reader));
  EXPECT_GE(victim_, 100'000 + kMessages - 1);
  EXPECT_EQ(calm_ + 1, calmly_);
}

TEST_P(OrderedPublisherDies, OrOnlyStopsAndDelaysNobody) {
  const Channel quotes = ordered_channel();
  Subscriber reader = subscriber(quotes);
  Publisher calm = publisher(quotes, "calm");
  Victim victim({.point = GetParam(), .times = 2, .signal = SIGSTOP}, [&] { return live(0); });
  if (!victim.await_stop()) GTEST_SKIP() << "this point is reached only by who waits";
  // Many laps of every ring go by.
  for (int i = 0; i < 2000; ++i) {
    ASSERT_NO_FATAL_FAILURE(publish_calmly(calm, 2));
    ASSERT_NO_FATAL_FAILURE(drain(reader));
  }
  victim.resume();
  while (!victim.ended())
    ASSERT_NO_FATAL_FAILURE(drain(reader));
  EXPECT_TRUE(victim.went_well());
  ASSERT_NO_FATAL_FAILURE(drain(reader));
  EXPECT_GE(victim_, kMessages - 1);
}

INSTANTIATE_TEST_SUITE_P(At, OrderedPublisherDies,
                         ::testing::Values("claim.appended", "publish.zeroed", "publish.shown",
                                           "order.first", "order.chosen", "order.placed",
                                           "publish.before-wake", "checkpoint.written",
                                           "limit.stored"));

}  // namespace
}  // namespace millrace
