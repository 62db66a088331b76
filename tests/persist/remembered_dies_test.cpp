// A subscriber whose places are remembered is killed at every named point of its path; the next one
// of its name goes on, and no message is missing. Only the one that was in hand may come again: its
// work may have been done, and not yet been said to be.
#include "crash/victim.hpp"
#include "persist/durable_channel.hpp"
#include "persist/log_persister.hpp"

#include <fstream>
#include <functional>
#include <string>
#include <vector>

namespace millrace {
namespace {

using testing_support::bytes_of;
using testing_support::kWatchdog;
using testing_support::LogPersister;
using testing_support::next_text;
using testing_support::said;
using testing_support::Victim;

class RememberedDies : public testing_support::DurableChannelTest,
                       public testing::WithParamInterface<const char*> {
 protected:
  static constexpr Sequence kMessages = 900;

  // In the child: handles messages until there are none, writing down the number of each.
  std::string live() const {
    auto channel = another_domain("victim").find("quotes");
    if (!channel) return said(channel);
    auto reader = channel->subscriber({.from = From::oldest(), .name = "risk", .remember = true});
    if (!reader) return said(reader);
    std::ofstream handled(work_, std::ios::app);
    for (;;) {
      const auto message = reader->try_poll();
      if (!message) return said(message);
      if (!*message) return "";
      if ((*message)->text() != text((*message)->sequence())) return "another text";
      handled << (*message)->sequence() << '\n' << std::flush;
    }
  }

  // What was handled is every message once, but for one that was in hand at each death.
  void expect_all_handled(std::size_t deaths) const {
    std::ifstream file(work_);
    Sequence next = 0;
    std::size_t repeated = 0;
    for (Sequence number = 0; file >> number;) {
      if (next != 0 && number == next - 1) {
        ++repeated;
        continue;
      }
      ASSERT_EQ(number, next);
      ++next;
    }
    EXPECT_EQ(next, kMessages);
    EXPECT_LE(repeated, deaths);
  }

  std::string work_ = scratch_ / "handled";
};

TEST_P(RememberedDies, AndItsSuccessorGoesOn) {
  const Channel channel = durable_channel();
  LogPersister journal(domain_, log_);
  ASSERT_EQ(journal.wrong(), "");
  Publisher source = publisher(channel, "feed");
  std::size_t deaths = 0;
  const auto send_more = [&](Sequence until) {
    while (source.next_sequence() < until) {
      // It waits: a dead reader is dropped by the first publisher that it blocks.
      const std::string numbered = text(source.next_sequence());
      ASSERT_TRUE(source.send_for(kWatchdog, bytes_of(numbered)));
      if (source.next_sequence() % 16 == 0) journal.round();
    }
    journal.round();
  };
  for (const int times : {1, 2, 5, 90}) {
    // A lap and more between two lives: each begins in the journal and ends in the ring.
    send_more(source.next_sequence() + 200);
    Victim victim({.point = GetParam(), .times = times}, [&] { return live(); });
    victim.await_end();
    deaths += victim.was_killed() ? 1 : 0;
    EXPECT_TRUE(victim.was_killed() || victim.went_well());
  }
  EXPECT_GE(deaths, 1U) << "this point was never reached";
  send_more(kMessages);
  Victim last({.point = "nowhere"}, [&] { return live(); });
  last.await_end();
  EXPECT_TRUE(last.went_well());
  expect_all_handled(deaths);
}

class OvertakenWhileJoining : public testing_support::DurableChannelTest {
 protected:
  // Called between the look at the ring and the handshake: the ring is lapped in between.
  static void lap(const char* point) {
    if (std::string(point) != "cold.joining" || laps == 0) return;
    --laps;
    overtake();
  }

  ~OvertakenWhileJoining() override { millrace::detail::crash_hook = nullptr; }

  static inline int laps = 0;
  static inline std::function<void()> overtake;
};

TEST_F(OvertakenWhileJoining, StaysInTheJournalAndMissesNothing) {
  const Channel channel = durable_channel();
  LogPersister journal(domain_, log_);
  Publisher source = publisher(channel, "feed");
  overtake = [&] {
    for (int i = 0; i < 500; ++i) {
      send(source, text(source.next_sequence()));
      journal.round();
    }
  };
  overtake();
  Subscriber reader = subscriber(channel, From::oldest());
  laps = 3;
  millrace::detail::crash_hook = lap;
  expect_numbers(reader, 0, 2000);
  EXPECT_EQ(laps, 0);
  EXPECT_EQ(next_text(reader), "<nothing>");
}

INSTANTIATE_TEST_SUITE_P(Points, RememberedDies,
                         testing::Values("remembered.built", "remembered.linked",
                                         "remembered.sequence", "remembered.acknowledged",
                                         "cold.began", "cold.joining", "join.placed",
                                         "join.announced", "join.walked", "cold.joined",
                                         "release.validated", "release.stored", "reader.linked",
                                         "reader.active", "leave.said", "leave.unlinked"),
                         [](const auto& of) {
                           std::string name = of.param;
                           name.replace(name.find('.'), 1, "_");
                           return name;
                         });

}  // namespace
}  // namespace millrace
