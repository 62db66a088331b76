// The contender of the order ring keeps its promise: everything once, each producer in its own
// order, the same for all; and a producer that dies between any two of its steps stops nobody.
#include "intent_log.hpp"

#include "plain_log.hpp"

#include <array>
#include <csignal>
#include <cstring>
#include <string>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

namespace millrace::alternatives {
namespace {

constexpr std::uint64_t kRing = std::uint64_t{64} << 10;
constexpr std::uint64_t kLongest = 100;

// Of many lengths: the producer, its number, and bytes that follow from both.
class Text {
 public:
  Text(std::uint64_t producer, std::uint64_t number) {
    std::memcpy(bytes_.data(), &producer, sizeof producer);
    std::memcpy(bytes_.data() + 8, &number, sizeof number);
    length_ = 16 + number * 7 % kLongest;
    for (std::size_t at = 16; at < length_; ++at)
      bytes_[at] = static_cast<std::byte>(producer * 31 + number + at);
  }

  [[nodiscard]] Message message() const { return Message(bytes_).first(length_); }

 private:
  std::array<std::byte, 16 + kLongest> bytes_{};
  std::size_t length_;
};

// Checks what it is given against what must come next.
class Ear {
 public:
  void operator()(Message message) {
    std::uint64_t producer = 0;
    std::uint64_t number = 0;
    ASSERT_GE(message.size(), 16U);
    std::memcpy(&producer, message.data(), sizeof producer);
    std::memcpy(&number, message.data() + 8, sizeof number);
    ASSERT_LT(producer, next.size());
    EXPECT_EQ(number, next[producer]) << "producer " << producer;
    const Text right(producer, number);
    EXPECT_TRUE(std::ranges::equal(message, right.message()));
    next[producer] = number + 1;
    ++heard;
  }

  std::array<std::uint64_t, IntentLog::kProducersMax> next{};
  std::uint64_t heard = 0;
};

SharedRing intent_ring() {
  return std::move(SharedRing::make(IntentLog::control_bytes(kRing), kRing).value());
}

// Producer `me` says `count` messages, lone ones and batches by turns, from number `from` on.
template <class Publish>
void speak(std::uint64_t me, std::uint64_t from, std::uint64_t count, Publish publish) {
  for (std::uint64_t number = from; number < from + count;) {
    std::vector<Text> texts;
    const std::uint64_t size = number % 3 == 0 ? 5 : 1;
    for (std::uint64_t each = 0; each < size && number < from + count; ++each)
      texts.emplace_back(me, number++);
    std::vector<Message> batch;
    for (const Text& text : texts)
      batch.push_back(text.message());
    publish(std::span<const Message>(batch));
  }
}

// Every log of this folder with a reader, while producers race.
template <class Log, class Publish>
void race(Log& reader, std::uint64_t producers, Publish publish) {
  constexpr std::uint64_t kEach = 20'000;
  std::vector<std::thread> threads;
  for (std::uint64_t me = 0; me < producers; ++me)
    threads.emplace_back([=] { speak(me, 0, kEach, publish(me)); });
  Ear ear;
  while (ear.heard < kEach * producers && !::testing::Test::HasFailure()) {
    if (!reader.read(ear)) std::this_thread::yield();
  }
  for (std::thread& thread : threads)
    thread.join();
  EXPECT_FALSE(reader.read(ear)) << "nothing comes twice";
}

TEST(IntentLog, RacingProducersLoseNothing) {
  const SharedRing ring = intent_ring();
  const RingMaps maps = ring.map().value();
  IntentLog reader(maps, 3);
  reader.wait_for_reader();
  race(reader, 3, [&](std::uint64_t me) {
    return [log = IntentLog(maps, 3), me](auto batch) mutable {
      while (!log.try_publish(static_cast<std::uint32_t>(me), batch))
        std::this_thread::yield();
    };
  });
}

TEST(PlainLog, RacingProducersLoseNothing) {
  const SharedRing ring = std::move(SharedRing::make(PlainLog::kControlBytes, kRing).value());
  const RingMaps maps = ring.map().value();
  PlainLog reader(maps);
  race(reader, 3, [&](std::uint64_t) {
    return [log = PlainLog(maps)](auto batch) mutable { log.publish(batch); };
  });
}

TEST(IntentLog, RunsFreeWithoutAReader) {
  const SharedRing ring = intent_ring();
  const RingMaps maps = ring.map().value();
  IntentLog log(maps, 2);
  speak(0, 0, 10'000, [&](auto batch) { ASSERT_TRUE(log.try_publish(0, batch)); });
}

TEST(IntentLog, WaitsForItsReader) {
  const SharedRing ring = intent_ring();
  const RingMaps maps = ring.map().value();
  IntentLog log(maps, 2);
  log.wait_for_reader();
  std::uint64_t sent = 0;
  const Text text(0, 0);
  const std::array batch{text.message()};
  while (log.try_publish(0, batch))
    ++sent;
  EXPECT_GT(sent, 100U);
  EXPECT_LE(sent, kRing / kLogBlock);
  EXPECT_TRUE(log.read([](Message) {}));
}

class IntentLogDeath : public ::testing::TestWithParam<const char*> {
 protected:
  // A process that says `before` messages as producer 0 and dies at the point in the next publish.
  static void die(const SharedRing& ring, std::uint64_t before, const char* point) {
    const pid_t child = fork();
    if (child == 0) {
      const RingMaps maps = ring.map().value();
      IntentLog log(maps, 2);
      speak(0, 0, before, [&](auto batch) { log.publish(0, batch); });
      wanted_ = point;
      detail::crash_hook = [](const char* reached) {
        if (std::strcmp(reached, wanted_) == 0) raise(SIGKILL);
      };
      speak(0, before, 1, [&](auto batch) { log.publish(0, batch); });
      _exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status)) << "it never came to " << point;
  }

  static inline const char* wanted_ = nullptr;
};

TEST_P(IntentLogDeath, StopsNobodyAndTakesOnlyItsOwnClaim) {
  const SharedRing ring = intent_ring();
  die(ring, 50, GetParam());
  const RingMaps maps = ring.map().value();
  IntentLog reader(maps, 2);
  reader.wait_for_reader();
  IntentLog other(maps, 2);
  const Text first(1, 0);
  ASSERT_TRUE(other.try_publish(1, std::array{first.message()}));
  Ear ear;
  while (reader.read(ear)) {
  }
  // Nobody knows yet that it is dead, so nobody may pass what it has claimed.
  const bool claimed = std::string(GetParam()) != "intent.said";
  EXPECT_EQ(ear.heard, claimed ? 50U : 51U);
  reader.is_dead(0);
  while (reader.read(ear)) {
  }
  EXPECT_EQ(ear.heard, 51U);
  EXPECT_EQ(ear.next[0], 50U);
  // Many laps later the log still runs.
  speak(1, 1, 5'000, [&](auto batch) {
    while (!other.try_publish(1, batch))
      ASSERT_TRUE(reader.read(ear));
  });
  while (reader.read(ear)) {
  }
  EXPECT_EQ(ear.next[1], 5'001U);
}

INSTANTIATE_TEST_SUITE_P(At, IntentLogDeath,
                         ::testing::Values("intent.said", "intent.claimed", "intent.attributed",
                                           "intent.withdrawn", "intent.written"),
                         [](const auto& point) {
                           std::string name = point.param;
                           name.erase(0, name.find('.') + 1);
                           return name;
                         });

}  // namespace
}  // namespace millrace::alternatives
