// The canary of these tests: what they stand on notices a wrong message, a missing one, and a
// refusal.
#include "support/channel_fixture.hpp"

#include <string>

#include <gtest/gtest-spi.h>

namespace millrace {
namespace {

using testing_support::next_text;

class Canary : public testing_support::ChannelTest {};

TEST_F(Canary, SingsWhenAMessageIsWrongOrMissing) {
  const Channel channel = small_channel();
  Publisher source = publisher(channel);
  Subscriber reader = subscriber(channel, From::oldest());
  send(source, "right");
  EXPECT_NONFATAL_FAILURE(EXPECT_EQ(next_text(reader), "wrong"), "right");
  EXPECT_NONFATAL_FAILURE(EXPECT_EQ(next_text(reader), "another"), "<nothing>");
}

TEST_F(Canary, SingsWhenAPublisherIsRefused) {
  const Channel channel = small_channel();
  Publisher source = publisher(channel);
  EXPECT_NONFATAL_FAILURE(send(source, std::string(kRing, 'x')), "does not fit");
}

}  // namespace
}  // namespace millrace
