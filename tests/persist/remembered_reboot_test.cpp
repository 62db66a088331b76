// Named subscribers after the machine was started anew: the log is all that knows their places.
#include "persist/recorder_fixture.hpp"

namespace millrace {
namespace {

using testing_support::kWatchdog;
using testing_support::NumberedMessage;
using testing_support::RecorderThread;
using testing_support::said;

using RememberedTest = testing_support::RecorderTest;

TEST_F(RememberedTest, RemembersSubscribersAcrossAReboot) {
  constexpr int kMessages = 100;
  constexpr int kRead = 30;
  SubscriberOptions options;
  options.name = "clerk";
  options.remember = true;
  options.from = From::oldest();
  Sequence next = 0;
  for (int boot = 0; boot < 3; ++boot) {
    {
      const Channel channel = orders();
      RecorderThread recorder(enter("recorder"), log_options(), {"orders"});
      ASSERT_EQ(recorder.opened(), "");
      Publisher source = publisher(channel, "feed");
      for (int i = 0; i < kMessages; ++i)
        ASSERT_EQ(send_next(source, "feed", 300), "");
      Subscriber clerk = [&] {
        auto made = channel.subscriber(options);
        EXPECT_TRUE(made) << said(made);
        return std::move(*made);
      }();
      for (int i = 0; i < kRead; ++i) {
        const auto message = clerk.poll_for(kWatchdog);
        ASSERT_TRUE(message) << said(message);
        ASSERT_EQ(message->sequence(), next) << "boot " << boot;
        ASSERT_TRUE(NumberedMessage("feed", next, 300).is(message->bytes()));
        ++next;
      }
      ASSERT_TRUE(clerk.release());
      ASSERT_EQ(recorder.end(), "");
      EXPECT_GT(recorder.stats().acknowledgements, 0U);
    }
    forget_shared_memory();
  }
}

TEST_F(RememberedTest, TellsWhoWasLetGoWhatItMissedAfterAReboot) {
  SubscriberOptions options;
  options.name = "clerk";
  options.remember = true;
  options.from = From::oldest();
  JournalOptions little = log_options();
  little.segment_bytes = std::uint64_t{64} << 10;
  little.item_bytes = std::uint64_t{8} << 10;
  little.retain.bytes = 3 * little.segment_bytes;
  little.retain.acknowledged = true;
  Sequence oldest = 0;
  for (const bool rebooted : {false, true}) {
    {
      const Channel channel = orders();
      RecorderThread recorder(enter("recorder"), little, {"orders"});
      ASSERT_EQ(recorder.opened(), "");
      Publisher source = publisher(channel, "feed");
      ASSERT_EQ(send_next(source, "feed", 300), "");
      {
        auto clerk = channel.subscriber(options);
        ASSERT_TRUE(clerk) << said(clerk);
        const auto message = clerk->poll_for(kWatchdog);
        if (rebooted) {
          ASSERT_FALSE(message);
          EXPECT_EQ(message.error().code(), Errc::trimmed);
          EXPECT_GE(message.error().lost(), oldest - 1);
          const auto next = clerk->poll_for(kWatchdog);
          ASSERT_TRUE(next) << said(next);
          EXPECT_EQ(next->sequence(), 1 + message.error().lost());
        } else {
          ASSERT_TRUE(message) << said(message);
          ASSERT_TRUE(clerk->release());
        }
      }
      if (!rebooted) {
        for (int i = 0; i < 3000; ++i)
          ASSERT_EQ(send_next(source, "feed", 300), "");
      }
      ASSERT_EQ(recorder.end(), "");
    }
    auto reader = JournalReader::open(journal());
    ASSERT_TRUE(reader) << said(reader);
    oldest = reader->lanes().front().first;
    ASSERT_GT(oldest, 1U) << "nothing was dropped";
    forget_shared_memory();
  }
}

}  // namespace
}  // namespace millrace
