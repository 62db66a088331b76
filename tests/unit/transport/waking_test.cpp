// No wake-up is lost, on a word of shared memory or behind a descriptor. The sleepers here wait far
// longer than the bounds of the library, so that a bound cannot hide a wake that is missing.
#include "millrace/core/doorbell_layout.hpp"
#include "millrace/core/futex.hpp"
#include "support/channel_fixture.hpp"

#include <atomic>
#include <fcntl.h>
#include <poll.h>
#include <string>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <thread>
#include <unistd.h>
#include <utility>

namespace millrace {
namespace {

using testing_support::code_of;
using testing_support::kWatchdog;
using testing_support::next_text;
using testing_support::said;

constexpr std::uint64_t kLongNs = 30'000'000'000;

class Waking : public testing_support::ChannelTest {
 protected:
  static bool readable(int fd, int timeout_ms) {
    pollfd waits{fd, POLLIN, 0};
    return ::poll(&waits, 1, timeout_ms) == 1;
  }
};

TEST_F(Waking, ANewLaneWakesWhoSleepsOnTheLaneGeneration) {
  const Channel channel = small_channel();
  const int fd = open(file("doorbell").c_str(), O_RDWR | O_CLOEXEC);
  auto* const bell = static_cast<layout::DoorbellFile*>(
      mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
  ASSERT_NE(bell, MAP_FAILED);
  const auto* const word =
      reinterpret_cast<const std::atomic<std::uint32_t>*>(&bell->lane_generation);
  std::atomic<bool> asleep{false};
  FutexAnswer answer = FutexAnswer::failed;
  std::jthread sleeper([&] {
    const std::uint32_t seen = word->load();
    asleep.store(true);
    answer = futex_wait(word, seen, kLongNs);
  });
  while (!asleep.load())
    std::this_thread::yield();
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  Publisher source = publisher(channel);
  sleeper.join();
  EXPECT_NE(answer, FutexAnswer::timed_out);
  munmap(bell, 4096);
  close(fd);
}

TEST_F(Waking, ADescriptorMissesNoMessageInThousandsOfRounds) {
  const Channel channel = small_channel();
  Publisher source = publisher(channel);
  Subscriber reader = subscriber(channel);
  const int fd = reader.event_fd().value();
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  epoll_event interest{.events = EPOLLIN, .data = {}};
  ASSERT_EQ(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &interest), 0);
  constexpr int kRounds = 5000;
  std::atomic<int> seen{0};
  std::jthread writer([&] {
    for (int i = 0; i < kRounds; ++i) {
      while (seen.load() < i)
        std::this_thread::yield();
      send(source, std::to_string(i));
    }
  });
  for (int i = 0; i < kRounds;) {
    const std::string text = next_text(reader);
    if (text != "<nothing>") {
      ASSERT_EQ(text, std::to_string(i));
      seen.store(++i);
      continue;
    }
    epoll_event event{};
    ASSERT_EQ(epoll_wait(epoll, &event, 1, 30'000), 1) << "round " << i;
  }
  EXPECT_EQ(next_text(reader), "<nothing>");
  close(epoll);
}

TEST_F(Waking, ADescriptorSpeaksAlsoForLanesThatAppearAndAfterOtherCalls) {
  const Channel channel = small_channel();
  Subscriber reader = subscriber(channel);
  const int fd = reader.event_fd().value();
  for (int round = 0; round < 50; ++round) {
    ASSERT_EQ(next_text(reader), "<nothing>");
    ASSERT_FALSE(readable(fd, 0));
    Publisher source = publisher(channel);
    if (round % 2 == 0) (void)reader.publishers();
    if (round % 3 == 0) (void)reader.wait(std::chrono::nanoseconds::zero());
    send(source, "new");
    ASSERT_TRUE(readable(fd, 30'000)) << round;
    ASSERT_EQ(next_text(reader), "new");
  }
}

}  // namespace
}  // namespace millrace
