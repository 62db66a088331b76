// Publishers of an ordered channel that leave and come back, beside readers that were overtaken.
#include "support/channel_fixture.hpp"

#include <optional>
#include <string>

namespace millrace {
namespace {

using testing_support::said;

class OrderReturnTest : public testing_support::ChannelTest {
 protected:
  // Received and told lost so far.
  struct Account {
    Sequence received = 0;
    Sequence lost = 0;
  };

  static void read(Subscriber& reader, Account& account) {
    for (;;) {
      const auto message = reader.try_poll();
      if (!message) {
        ASSERT_EQ(message.error().code(), Errc::overrun) << said(message);
        account.lost += message.error().lost();
        continue;
      }
      if (!*message) return;
      ASSERT_EQ((*message)->sequence(), account.received + account.lost);
      ++account.received;
    }
  }
};

// The place that such a reader took in a lane had the sequence of where it had been before, and the
// next record there, when somebody continued it, was taken for broken.
TEST_F(OrderReturnTest, AReaderThatWasOvertakenFollowsALaneThatIsContinued) {
  ChannelOptions options;
  options.order = Order::total;
  options.ring_bytes = kRing;
  options.policy = Policy::lossy;
  const Channel quotes = channel(options);
  Subscriber reader = subscriber(quotes);
  Publisher other = publisher(quotes, "other");
  Account account;
  Sequence sent = 0;
  {
    Publisher comer = publisher(quotes, "comer");
    for (; sent < 3; ++sent)
      send(comer, "nobody reads this");
  }
  std::optional<Publisher> comer = publisher(quotes, "comer");
  for (; sent < 1000; ++sent)
    ASSERT_TRUE(other.try_send("on and on"));
  read(reader, account);
  EXPECT_GT(account.lost, 0U);
  comer.reset();
  ASSERT_TRUE(other.try_send("the reader looks at the lanes"));
  read(reader, account);
  comer = publisher(quotes, "comer");
  ASSERT_TRUE(comer->try_send("back"));
  read(reader, account);
  EXPECT_EQ(account.received + account.lost, sent + 2);
}

}  // namespace
}  // namespace millrace
