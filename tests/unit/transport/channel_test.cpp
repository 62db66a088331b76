// Domains, channels, their names and options, and what types they carry.
#include "support/channel_fixture.hpp"
#include "support/emulated_kernel.hpp"

#include <fcntl.h>
#include <filesystem>
#include <string>
#include <sys/stat.h>
#include <utility>
#include <vector>

namespace millrace {
namespace {

using testing_support::bytes_of;
using testing_support::code_of;
using testing_support::next_text;
using testing_support::said;

struct Quote {
  double price;
  std::uint64_t size;
};

struct Trade {
  double price;
  std::uint64_t size;
};

struct Small {
  std::uint32_t value;
};

class Channels : public testing_support::ChannelTest {
 protected:
  template <class Change>
  std::optional<Errc> refusal(Change change) {
    ChannelOptions options;
    change(options);
    return code_of(domain_.create("refused", options));
  }
};

TEST_F(Channels, RefuseOptionsThatCannotBe) {
  const auto bad = Errc::bad_argument;
  EXPECT_EQ(refusal([](auto& o) { o.ring_bytes = 5000; }), bad);
  EXPECT_EQ(refusal([](auto& o) { o.ring_bytes = 2048; }), bad);
  EXPECT_EQ(refusal([](auto& o) { o.ring_bytes = 0; }), bad);
  EXPECT_EQ(refusal([](auto& o) { o.ring_bytes = std::uint64_t{64} << 30; }), bad);
  EXPECT_EQ(refusal([](auto& o) { o.lanes_max = 0; }), bad);
  EXPECT_EQ(refusal([](auto& o) { o.lanes_max = 257; }), bad);
  EXPECT_EQ(refusal([](auto& o) { o.mode = 01777; }), bad);
  EXPECT_EQ(refusal([](auto& o) { o.mode = 0400; }), bad);
  EXPECT_EQ(refusal([](auto& o) { o.huge_dir = std::string(5000, 'x'); }), bad);
  EXPECT_EQ(refusal([](auto& o) {
              o.pages = Pages::huge;
              o.ring_bytes = 4096;
            }),
            bad);
  EXPECT_TRUE(domain_.channels()->empty());
  EXPECT_EQ(refusal([](auto& o) { o.lanes_max = 256; }), std::nullopt);
}

TEST_F(Channels, HaveNamesThatAreNothingButNames) {
  for (const std::string& name :
       {std::string("a"), std::string("Quotes_2.eu-west"), std::string("_x"), std::string(48, 'n')})
    EXPECT_TRUE(domain_.channel(name)) << name;
  for (const std::string& name :
       {std::string(), std::string("../x"), std::string("a/b"), std::string(".hidden"),
        std::string("-v"), std::string("participants"), std::string(49, 'n'), std::string("a b"),
        std::string("a\0b", 3), std::string("ä")}) {
    EXPECT_EQ(code_of(domain_.channel(name)), Errc::bad_argument) << name;
    EXPECT_EQ(code_of(domain_.create(name)), Errc::bad_argument) << name;
    EXPECT_EQ(code_of(domain_.find(name)), Errc::bad_argument) << name;
  }
  EXPECT_EQ(domain_.channels()->size(), 4U);
}

TEST_F(Channels, CannotTakeTheNameOfAnythingElseInADomain) {
  const Channel first = channel();  // enters the domain, which makes the clock's file
  for (const auto& entry : std::filesystem::directory_iterator(scratch_ / "domain")) {
    const std::string name = entry.path().filename();
    if (name == "quotes") continue;
    EXPECT_FALSE(domain_.channel(name)) << name;
    EXPECT_FALSE(domain_.find(name)) << name;
  }
}

TEST_F(Channels, AreFoundCreatedAndListed) {
  EXPECT_EQ(code_of(domain_.find("quotes")), Errc::not_found);
  EXPECT_TRUE(domain_.create("quotes"));
  EXPECT_EQ(code_of(domain_.create("quotes")), Errc::exists);
  EXPECT_TRUE(domain_.find("quotes"));
  EXPECT_TRUE(domain_.channel("alpha"));
  EXPECT_EQ(domain_.channels().value(), (std::vector<std::string>{"alpha", "quotes"}));
}

TEST_F(Channels, KeepTheOptionsTheyWereCreatedWith) {
  ChannelOptions options;
  options.ring_bytes = 8192;
  options.lanes_max = 3;
  options.policy = Policy::evict;
  options.prefault = false;
  options.require_readers = true;
  options.mode = 0640;
  ASSERT_TRUE(domain_.create("quotes", options));
  const Channel found = another_domain().channel("quotes").value();
  EXPECT_EQ(found.options().ring_bytes, 8192U);
  EXPECT_EQ(found.options().lanes_max, 3U);
  EXPECT_EQ(found.options().policy, Policy::evict);
  EXPECT_FALSE(found.options().prefault);
  EXPECT_TRUE(found.options().require_readers);
  EXPECT_EQ(found.options().mode, 0640U);
}

TEST_F(Channels, RefuseAWishThatContradictsThem) {
  ChannelOptions options;
  options.ring_bytes = 8192;
  ASSERT_TRUE(domain_.create("quotes", options));
  EXPECT_TRUE(domain_.channel("quotes", options));
  const auto conflict = [&](auto change) {
    ChannelOptions wish;
    change(wish);
    const auto refused = domain_.channel("quotes", wish);
    EXPECT_EQ(code_of(refused), Errc::bad_argument);
    return said(refused);
  };
  EXPECT_NE(conflict([](auto& o) { o.ring_bytes = 4096; }).find("ring size"), std::string::npos);
  EXPECT_NE(conflict([](auto& o) { o.policy = Policy::lossy; }).find("policy"), std::string::npos);
  EXPECT_NE(conflict([](auto& o) { o.lanes_max = 9; }).find("lanes"), std::string::npos);
  EXPECT_NE(conflict([](auto& o) { o.mode = 0666; }).find("mode"), std::string::npos);
}

TEST_F(Channels, CarryValuesOfOneType) {
  auto quotes = domain_.channel<Quote>("quotes");
  ASSERT_TRUE(quotes) << said(quotes);
  auto reader = quotes->subscriber();
  auto source = quotes->publisher();
  ASSERT_TRUE(reader && source);
  ASSERT_TRUE(source->send({.price = 1.5, .size = 7}));
  ASSERT_TRUE(source->try_send({.price = 2.5, .size = 8}, 3));
  EXPECT_EQ(reader->poll()->price, 1.5);
  const auto second = reader->try_poll();
  ASSERT_TRUE(second && *second);
  EXPECT_EQ((*second)->size, 8U);
  EXPECT_FALSE(*reader->try_poll());
  EXPECT_EQ(code_of(reader->poll_for(std::chrono::nanoseconds::zero())), Errc::timeout);
}

TEST_F(Channels, RefuseAnotherType) {
  ASSERT_TRUE(domain_.channel<Quote>("quotes"));
  EXPECT_TRUE(domain_.channel<Quote>("quotes"));
  const auto other = domain_.channel<Trade>("quotes");
  ASSERT_EQ(code_of(other), Errc::schema);
  EXPECT_NE(said(other).find("Quote"), std::string::npos) << said(other);
  EXPECT_NE(said(other).find("Trade"), std::string::npos) << said(other);
  EXPECT_EQ(code_of(domain_.channel<Small>("quotes")), Errc::schema);
  EXPECT_EQ(code_of(domain_.channel("quotes")), Errc::schema);
  ASSERT_TRUE(domain_.channel("bytes"));
  EXPECT_EQ(code_of(domain_.channel<Quote>("bytes")), Errc::schema);
}

TEST_F(Channels, NoticeAPublisherThatSendsAnotherSize) {
  auto quotes = domain_.channel<Quote>("quotes");
  auto reader = quotes->subscriber();
  Publisher liar = publisher(quotes->untyped());
  send(liar, "not a quote");
  EXPECT_EQ(code_of(reader->try_poll()), Errc::schema);
}

TEST_F(Channels, LockTheirRingsOnlyWithinTheLimit) {
  ChannelOptions options;
  options.lock = true;
  options.ring_bytes = 4096;
  const auto locked = channel(options).publisher();
  if (!locked) {
    EXPECT_EQ(code_of(locked), Errc::no_space) << said(locked);
  }
}

TEST_F(Channels, ReportWhatBecameOfThePlacement) {
  if (!testing_support::placement_can_be_told()) GTEST_SKIP() << testing_support::kNoPlacement;
  ChannelOptions options;
  options.placement = Placement::on_node(0);
  const auto placed = domain_.channel("placed", options);
  if (!placed) GTEST_SKIP() << said(placed);
  const auto source = placed->publisher();
  if (!source) GTEST_SKIP() << said(source);
  const LaneStats stats = source->stats();
  EXPECT_EQ(stats.placement_asked, options.placement);
  EXPECT_NE(stats.placement_honoured, 0U);
}

TEST_F(Channels, SurviveTheRemovalOfTheirDomain) {
  const Channel channel = small_channel();
  Subscriber reader = subscriber(channel);
  Publisher source = publisher(channel);
  EXPECT_EQ(next_text(reader), "<nothing>");
  std::filesystem::remove_all(scratch_ / "domain");
  for (int i = 0; i < 2000; ++i) {
    send(source, std::to_string(i));
    ASSERT_EQ(next_text(reader), std::to_string(i));
  }
  const auto again = domain_.channel("quotes");
  EXPECT_FALSE(again);
  EXPECT_FALSE(channel.subscriber());
  EXPECT_FALSE(channel.publisher());
  int sent = 0;
  while (source.try_send(bytes_of("more")))
    ASSERT_LT(++sent, 1000) << "a reader that cannot be seen is overtaken";
  EXPECT_EQ(next_text(reader), "more");
}

}  // namespace
}  // namespace millrace
