// Whoever removes, cleans or takes over is stopped between its look and its act; meanwhile the
// world changes under it. It harms nobody who came meanwhile. The searches that found these races
// are in tests/model/spin.
#include "crash/victim.hpp"
#include "support/channel_fixture.hpp"

#include <cstring>
#include <filesystem>
#include <string>

namespace millrace {
namespace {

using testing_support::next_text;
using testing_support::said;
using testing_support::Victim;

class RemovalRaces : public testing_support::ChannelTest {
 protected:
  // In the child.
  std::string remove_quotes() const {
    const auto removed = another_domain("remover").remove("quotes");
    return removed ? "" : said(removed);
  }

  // Directories under a private name.
  [[nodiscard]] std::size_t hidden() const {
    std::size_t found = 0;
    for (const auto& entry : std::filesystem::directory_iterator(scratch_ / "domain")) {
      if (entry.path().filename().string().starts_with(".new.")) ++found;
    }
    return found;
  }
};

TEST_F(RemovalRaces, AChannelThatWasMadeAnewIsNotRemovedInPlaceOfTheOldOne) {
  (void)small_channel();
  Victim slow({.point = "clean.unused", .signal = SIGSTOP}, [&] { return remove_quotes(); });
  ASSERT_TRUE(slow.await_stop());
  ASSERT_TRUE(domain_.remove("quotes"));
  const Channel anew = small_channel();
  Publisher source = publisher(anew);
  Subscriber reader = subscriber(anew, From::oldest());
  slow.resume();
  slow.await_end();
  EXPECT_FALSE(slow.went_well()) << "it says that it has removed a channel that is in use";
  send(source, "here");
  EXPECT_EQ(next_text(reader), "here");
  const auto found = another_domain().find("quotes");
  ASSERT_TRUE(found) << said(found);
  const auto stats = found->stats();
  ASSERT_TRUE(stats) << said(stats);
  EXPECT_EQ(stats->lanes.size(), 1U);
}

// Stops before the channel is hidden, and dies once it is.
void stop_then_die(const char* point) {
  if (std::strcmp(point, "clean.unused") == 0) kill(getpid(), SIGSTOP);
  if (std::strcmp(point, "clean.renamed") == 0) kill(getpid(), SIGKILL);
}

TEST_F(RemovalRaces, AChannelThatItsDeadRemoverHidIsNotCleanedAwayWhileSomebodyUsesIt) {
  const Channel quotes = small_channel();
  Victim dying({.point = "none"}, [&] {
    millrace::detail::crash_hook = stop_then_die;
    return remove_quotes();
  });
  ASSERT_TRUE(dying.await_stop());
  {
    Publisher source = publisher(quotes);
    Subscriber reader = subscriber(quotes, From::oldest());
    dying.resume();
    dying.await_end();
    ASSERT_TRUE(dying.was_killed());
    ASSERT_EQ(hidden(), 1U);
    ASSERT_TRUE(another_domain().clean());
    EXPECT_EQ(hidden(), 1U) << "emptied under its users";
    send(source, "here");
    EXPECT_EQ(next_text(reader), "here");
  }
  ASSERT_TRUE(another_domain().clean());
  EXPECT_EQ(hidden(), 0U) << "nobody is in it any more";
}

TEST_F(RemovalRaces, ALaneThatWentToAnotherNameMeanwhileIsNotContinued) {
  const Channel quotes = small_channel();
  { const Publisher first = publisher(quotes, "first"); }
  Victim slow({.point = "lane.found", .signal = SIGSTOP}, [&]() -> std::string {
    auto channel = another_domain("slow").find("quotes");
    if (!channel) return said(channel);
    const auto source = channel->publisher({.name = "first"});
    if (!source) return said(source);
    return source->stats().lane == 1 ? "" : "it continues the lane of another name";
  });
  ASSERT_TRUE(slow.await_stop());
  // What two of one name do to the lane of the one that gives way.
  ASSERT_TRUE(std::filesystem::remove(file("lane-0")));
  { const Publisher second = publisher(quotes, "second"); }
  slow.resume();
  slow.await_end();
  EXPECT_TRUE(slow.went_well());
}

}  // namespace
}  // namespace millrace
