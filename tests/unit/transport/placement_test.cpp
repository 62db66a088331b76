// Where rings live: near their publisher, near their first subscriber, or on a node that there is.
#include "millrace/core/topology.hpp"
#include "support/channel_fixture.hpp"
#include "support/emulated_kernel.hpp"

#include <string>

namespace millrace {
namespace {

using testing_support::bytes_of;
using testing_support::code_of;
using testing_support::said;

class PlacementOfLanes : public testing_support::ChannelTest {
 protected:
  [[nodiscard]] Channel placed(Placement placement) {
    ChannelOptions options;
    options.ring_bytes = 1 << 16;
    options.placement = placement;
    return channel(options);
  }

  static void lap(Publisher& source) {
    const std::string text(100, 'x');
    for (int i = 0; i < 2000; ++i)
      (void)source.try_send(bytes_of(text));
  }

  static std::uint32_t here() {
    const auto node = node_of_cpu(current_cpu());
    EXPECT_TRUE(node) << said(node);
    return node ? *node : 0;
  }
};

TEST_F(PlacementOfLanes, NearThePublisherIsTheNodeItRunsOn) {
  if (!testing_support::placement_can_be_told()) GTEST_SKIP() << testing_support::kNoPlacement;
  const Channel channel = placed(Placement::near_publisher());
  const Publisher source = publisher(channel);
  EXPECT_EQ(source.stats().placement_node, here());
  EXPECT_NE(source.stats().placement_honoured, 0U);
}

TEST_F(PlacementOfLanes, NearTheSubscriberWaitsForOne) {
  if (!testing_support::placement_can_be_told()) GTEST_SKIP() << testing_support::kNoPlacement;
  const Channel channel = placed(Placement::near_subscriber());
  Publisher source = publisher(channel);
  EXPECT_EQ(source.stats().placement_node, LaneStats::kNodeUnknown);
  Subscriber reader = subscriber(channel, From::oldest());
  lap(source);
  EXPECT_EQ(source.stats().placement_node, here());
  EXPECT_NE(source.stats().placement_honoured, 0U);
  // What was written before the ring moved is still there.
  const auto message = reader.try_poll();
  ASSERT_TRUE(message && *message) << said(message);
  EXPECT_EQ((*message)->sequence(), 0U);
}

TEST_F(PlacementOfLanes, NearTheSubscriberThatIsThereAlready) {
  const Channel channel = placed(Placement::near_subscriber());
  const Subscriber reader = subscriber(channel);
  const Publisher source = publisher(channel);
  EXPECT_EQ(source.stats().placement_node, here());
}

TEST_F(PlacementOfLanes, ANodeThatDoesNotExistIsRefused) {
  const Channel channel = placed(Placement::on_node(63));
  const auto refused = channel.publisher();
  EXPECT_EQ(code_of(refused), Errc::bad_argument) << said(refused);
}

}  // namespace
}  // namespace millrace
