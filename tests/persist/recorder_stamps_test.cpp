// What the journal's process stamps is joined with what publishers and subscribers stamped.
#include "persist/recorder_fixture.hpp"

#include <algorithm>

namespace millrace {
namespace {

using testing_support::RecorderThread;
using testing_support::said;

class RecorderStamps : public testing_support::RecorderTest {
 protected:
  [[nodiscard]] Channel stamped(Stamps stamps) {
    ChannelOptions options = durable_options();
    options.stamps = stamps;
    options.stamp_every = 16;
    options.stamp_records = 4096;
    auto channel = domain_->channel("orders", options);
    EXPECT_TRUE(channel) << said(channel);
    return *channel;
  }

  // The passage through these hands; null: none.
  static const Passage* passage(const ChannelTrace& trace, const MessageTrace& message,
                                StampRole role) {
    for (const Passage& one : message.passages)
      if (trace.recorders[one.recorder].role == role) return &one;
    return nullptr;
  }

  // Publishes `count` messages and waits until all are durable.
  void run(const Channel& channel, Durability durability, int count) {
    JournalOptions log = log_options();
    log.durability = durability;
    RecorderThread recorder(enter("recorder"), log, {"orders"});
    ASSERT_EQ(recorder.opened(), "");
    Publisher source = publisher(channel, "feed");
    for (int i = 0; i < count; ++i)
      ASSERT_EQ(send_next(source, "feed", 200), "");
    ASSERT_TRUE(source.wait_durable(static_cast<Sequence>(count - 1)));
    EXPECT_EQ(recorder.end(), "");
    EXPECT_TRUE(recorder.stats().refused.empty());
  }
};

TEST_F(RecorderStamps, FollowAMessageOntoTheDisk) {
  for (const Durability durability : {Durability::dsync, Durability::flush}) {
    const Channel channel = stamped(Stamps::all);
    run(channel, durability, 1000);
    const auto trace = channel.trace();
    ASSERT_TRUE(trace) << said(trace);
    const std::vector<MessageTrace> messages = join(*trace);
    EXPECT_EQ(messages.size(), 1000U);
    for (const MessageTrace& message : messages) {
      const Passage* const sent = passage(*trace, message, StampRole::publisher);
      const Passage* const kept = passage(*trace, message, StampRole::journal);
      ASSERT_TRUE(sent != nullptr && kept != nullptr) << message.sequence;
      EXPECT_EQ(std::ranges::count(kept->stamps, 0U), 0) << message.sequence;
      EXPECT_TRUE(std::ranges::is_sorted(kept->stamps)) << message.sequence;
      EXPECT_LE(sent->stamps[1], sent->stamps[3]);
    }
    ASSERT_TRUE(domain_->remove("orders"));
    std::filesystem::remove_all(journal());
  }
}

TEST_F(RecorderStamps, AreOfTheMessagesThatThePublisherPicked) {
  const Channel channel = stamped(Stamps::sampled);
  run(channel, Durability::dsync, 1600);
  const auto trace = channel.trace();
  ASSERT_TRUE(trace) << said(trace);
  const std::vector<MessageTrace> messages = join(*trace);
  EXPECT_EQ(messages.size(), 100U);
  for (const MessageTrace& message : messages)
    EXPECT_EQ(message.passages.size(), 2U) << message.sequence;
}

}  // namespace
}  // namespace millrace
