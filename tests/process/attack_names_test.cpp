// Names under which two meet, and names that the dead leave behind.
#include "millrace/core/limits.hpp"
#include "support/channel_fixture.hpp"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace millrace {
namespace {

using testing_support::ChannelTest;
using testing_support::next_text;
using testing_support::said;

class Names : public ChannelTest {
 protected:
  static void meet(std::atomic<int>& present) {
    present.fetch_add(1);
    while (present.load() < 2)
      std::this_thread::yield();
  }
};

TEST_F(Names, TwoPublishersOfOneNameAreOne) {
  const Channel ours = small_channel();
  const Domain other = another_domain();
  const auto theirs = other.find("quotes");
  ASSERT_TRUE(theirs) << said(theirs);
  for (int round = 0; round < 30; ++round) {
    PublisherOptions options;
    options.name = "p" + std::to_string(round);
    std::atomic<int> present{0};
    std::optional<Publisher> second;
    std::thread thread([&] {
      meet(present);
      if (auto made = theirs->publisher(options)) second.emplace(std::move(*made));
    });
    meet(present);
    auto first = ours.publisher(options);
    thread.join();
    ASSERT_EQ((first ? 1 : 0) + (second ? 1 : 0), 1) << "round " << round;
  }
}

TEST_F(Names, AChannelThatSomebodyTookPartInIsNotRemoved) {
  Domain other = another_domain();
  for (int round = 0; round < 100; ++round) {
    const Channel opened = small_channel();
    std::atomic<int> present{0};
    std::optional<Publisher> publisher;
    std::thread thread([&] {
      meet(present);
      if (auto made = opened.publisher()) publisher.emplace(std::move(*made));
    });
    meet(present);
    const bool removed = other.remove("quotes").has_value();
    thread.join();
    ASSERT_FALSE(removed && publisher.has_value()) << "round " << round;
    publisher.reset();
    (void)domain_.remove("quotes");
  }
}

// Without anybody's `clean`.
TEST_F(Names, SubscribersThatAreKilledGiveTheirIdsBack) {
  const Channel channel = small_channel();
  for (std::uint32_t i = 0; i < kParticipantsMax + 5; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      const Domain domain = another_domain("victim");
      const auto found = domain.find("quotes");
      const auto subscriber = found->subscriber();
      kill(getpid(), subscriber ? SIGKILL : SIGTERM);
    }
    int status = 0;
    waitpid(child, &status, 0);
    ASSERT_EQ(WTERMSIG(status), SIGKILL) << "after " << i;
  }
}

std::ptrdiff_t descriptors() {
  const std::filesystem::directory_iterator begin("/proc/self/fd");
  return std::distance(begin, std::filesystem::directory_iterator());
}

std::ptrdiff_t mappings() {
  std::ifstream maps("/proc/self/maps");
  return std::count(std::istreambuf_iterator<char>(maps), std::istreambuf_iterator<char>(), '\n');
}

TEST_F(Names, LanesAndReadersThatComeAndGoLeaveNothing) {
  const Channel channel = small_channel();
  Subscriber reader = subscriber(channel);
  Publisher writer = publisher(channel);
  std::ptrdiff_t descriptors_before = 0;
  std::ptrdiff_t mappings_before = 0;
  for (int round = 0; round < 600; ++round) {
    {
      Publisher passing = publisher(channel);
      send(passing, "x");
      EXPECT_EQ(next_text(reader), "x");
      EXPECT_EQ(next_text(reader), "<nothing>");
    }
    Subscriber guest = subscriber(channel);
    send(writer, std::string(300, 'y'));
    EXPECT_EQ(next_text(guest).size(), 300U);
    EXPECT_EQ(next_text(reader).size(), 300U);
    EXPECT_EQ(next_text(reader), "<nothing>");
    ASSERT_FALSE(HasFailure()) << "round " << round;
    if (round != 100) continue;
    descriptors_before = descriptors();
    mappings_before = mappings();
  }
  EXPECT_LE(descriptors(), descriptors_before);
  EXPECT_LE(mappings(), mappings_before + 10);  // the allocator's own
}

}  // namespace
}  // namespace millrace
