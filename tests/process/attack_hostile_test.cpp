// Peers that lie in every word they may write: what they do to others is an error or a delay, never
// a hang, a crash or a lie in somebody else's books.
#include "millrace/core/doorbell_layout.hpp"
#include "millrace/core/reader_layout.hpp"
#include "support/channel_fixture.hpp"

#include <atomic>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <random>
#include <sys/mman.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

namespace millrace {
namespace {

using testing_support::bytes_of;
using testing_support::ChannelTest;
using testing_support::next_text;
using testing_support::said;

const std::string kText(40, 'x');

// Does `lie` without end until it goes out of scope. A hang ends the test by its watchdog.
class Liar {
 public:
  template <class Lie>
  explicit Liar(Lie lie)
      : thread_([this, lie]() mutable {
          while (!stop_.load())
            lie();
        }) {}

  Liar(const Liar&) = delete;
  Liar& operator=(const Liar&) = delete;

  ~Liar() {
    stop_.store(true);
    thread_.join();
  }

 private:
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

class Attack : public ChannelTest {
 protected:
  // A file of the channel as its owner has it, mapped until the process ends.
  template <class T>
  [[nodiscard]] T* open_up(const std::string& name, std::size_t offset = 0) const {
    const int fd = open(file(name).c_str(), O_RDWR | O_CLOEXEC);

    struct stat status {};

    EXPECT_EQ(fstat(fd, &status), 0);
    void* const at = mmap(nullptr, static_cast<std::size_t>(status.st_size), PROT_READ | PROT_WRITE,
                          MAP_SHARED, fd, 0);
    close(fd);
    EXPECT_NE(at, MAP_FAILED);
    return reinterpret_cast<T*>(static_cast<std::byte*>(at) + offset);
  }

  [[nodiscard]] std::string reader_name() const {
    const std::filesystem::directory_iterator first(file("readers"));
    return "readers/" + first->path().filename().string();
  }

  static std::uint64_t hostile(std::mt19937_64& random) {
    switch (random() % 6) {
      case 0: return 0;
      case 1: return ~std::uint64_t{0} - random() % 5000;
      case 2: return std::uint64_t{1} << 63;
      case 3: return random() % 2000 * 8;
      case 4: return random() % 9000;
      default: return random();
    }
  }
};

TEST_F(Attack, ARingThatNoFilterPassesIsNotWalkedForEver) {
  const Channel channel = small_channel();
  Publisher publisher = ChannelTest::publisher(channel);
  SubscriberOptions options;
  options.filter = {.mask = 0xffff, .value = 1};
  Subscriber subscriber = ChannelTest::subscriber(channel, options);
  auto* const ring = open_up<std::uint64_t>("lane-0", kPageBytes);
  for (std::uint64_t i = kRing / 8; i-- != 0;) {
    ring[i] = layout::RecordHeader{.length = 0,
                                   .type = RecordType::message,
                                   .sequence = static_cast<std::uint8_t>(i),
                                   .flags = 0,
                                   .key = 2}
                  .word();
  }
  EXPECT_EQ(next_text(subscriber), "<poisoned>");
}

TEST_F(Attack, NewsOfNewLanesWithoutEndHoldNoPoll) {
  const Channel channel = small_channel();
  Subscriber subscriber = ChannelTest::subscriber(channel);
  Publisher publisher = ChannelTest::publisher(channel);
  auto* const bell = open_up<layout::DoorbellFile>("doorbell");
  const Liar liar([=] { bell->lane_generation.fetch_add(1); });
  for (int i = 0; i < 200; ++i) {
    send(publisher, "y");
    EXPECT_EQ(next_text(subscriber), "y");
    EXPECT_EQ(next_text(subscriber), "<nothing>");
    EXPECT_TRUE(subscriber.poll_in_place());
    EXPECT_TRUE(subscriber.poll_each([](const Message&) {}));
  }
  EXPECT_FALSE(subscriber.poll_for(std::chrono::milliseconds(5)));
}

TEST_F(Attack, AReaderThatJoinsWithoutEndHoldsNoEvictingPublisher) {
  const Channel channel = small_channel(Policy::evict);
  const Subscriber subscriber = ChannelTest::subscriber(channel);
  Publisher publisher = ChannelTest::publisher(channel);
  auto* const slot = open_up<layout::ReaderSlot>(reader_name(), layout::reader_slot_offset(0));
  auto* const lane = open_up<layout::LaneControl>("lane-0");
  slot->lane_epoch.store(lane->epoch);
  const Liar liar([=] {
    const std::uint64_t limit = lane->limit.load();
    slot->joins.fetch_add(1);
    slot->position.store(limit > kRing ? limit - kRing : 0);
  });
  for (int i = 0; i < 5000; ++i)
    send(publisher, kText);
}

TEST_F(Attack, NoWordOfAReaderHoldsAPublisherThatWaitsForNobody) {
  for (const Policy policy : {Policy::evict, Policy::lossy}) {
    const Channel channel = small_channel(policy);
    {
      const Subscriber subscriber = ChannelTest::subscriber(channel);
      Publisher publisher = ChannelTest::publisher(channel);
      const std::string name = reader_name();
      auto* const reader = open_up<layout::ReaderFile>(name);
      auto* const slot = open_up<layout::ReaderSlot>(name, layout::reader_slot_offset(0));
      auto* const bell = open_up<layout::DoorbellFile>("doorbell");
      const std::uint64_t epoch = open_up<layout::LaneControl>("lane-0")->epoch;
      std::mt19937_64 random(7);
      const Liar liar([=]() mutable {
        slot->position.store(hostile(random));
        slot->lane_epoch.store(random() % 2 != 0 ? epoch : hostile(random));
        slot->joins.store(hostile(random));
        slot->left.store(random() % 2);
        reader->state.store(static_cast<std::uint32_t>(random() % 5));
        reader->fencing.store(static_cast<std::uint32_t>(random() % 2));
        bell->reader_generation.store(hostile(random));
      });
      for (int i = 0; i < 5000; ++i)
        send(publisher, kText);
    }
    ASSERT_TRUE(domain_.remove("quotes"));
  }
}

// A sparse file costs its maker nothing; mapped, it would use up the address space of a publisher.
TEST_F(Attack, AHugeReaderFileIsNobodyToWaitFor) {
  const Channel channel = small_channel();
  Subscriber subscriber = ChannelTest::subscriber(channel);
  Publisher publisher = ChannelTest::publisher(channel);
  const std::string honest = reader_name();
  const std::string huge = honest.substr(0, honest.rfind('.')) + ".77";
  std::filesystem::copy_file(file(honest), file(huge));
  constexpr std::uint64_t kBytes = std::uint64_t{1} << 46;
  ASSERT_EQ(truncate(file(huge).c_str(), static_cast<off_t>(kBytes)), 0);
  std::fstream header(file(huge), std::ios::in | std::ios::out | std::ios::binary);
  header.seekp(offsetof(layout::SegmentHeader, file_bytes));
  header.write(reinterpret_cast<const char*>(&kBytes), sizeof kBytes);
  header.close();
  open_up<layout::DoorbellFile>("doorbell")->reader_generation.fetch_add(1);
  for (int i = 0; i < 500; ++i) {
    send(publisher, kText);
    EXPECT_EQ(next_text(subscriber), kText);
    EXPECT_TRUE(subscriber.release());
  }
}

TEST_F(Attack, WhatLiesInTheWayOfOneLaneCostsThatNumberOnly) {
  const Channel channel = small_channel();
  Subscriber early = subscriber(channel);
  ASSERT_EQ(mkdir(file("lane-0.own").c_str(), 0700), 0);
  std::ofstream(file("lane-1")) << "no lane at all";
  Publisher publisher = ChannelTest::publisher(channel);
  EXPECT_EQ(publisher.lane(), 2U);
  send(publisher, "hello");
  Subscriber late = subscriber(channel, From::oldest());
  for (Subscriber* const reader : {&early, &late}) {
    std::string got = next_text(*reader);
    if (got == "<format>") got = next_text(*reader);
    EXPECT_EQ(got, "hello");
  }
}

// The generation is a hint that any member may set back. The publisher then misses a reader once;
// the reader is told, and is waited for ever after.
TEST_F(Attack, AReaderThatWasHiddenFromAPublisherLosesOnce) {
  const Channel channel = small_channel();
  Publisher publisher = ChannelTest::publisher(channel);
  send(publisher, kText);
  auto* const bell = open_up<layout::DoorbellFile>("doorbell");
  const std::uint64_t before = bell->reader_generation.load();
  Subscriber subscriber = ChannelTest::subscriber(channel);
  bell->reader_generation.store(before);
  std::uint64_t sent = 0;
  std::uint64_t seen = 0;
  int losses = 0;
  for (int round = 0; round < 10; ++round) {
    for (int i = 0; i < 300; ++i)
      sent += publisher.try_send(bytes_of(kText)) ? 1 : 0;
    for (int polls = 0; polls < 1000; ++polls) {
      const auto message = subscriber.try_poll();
      if (message && !*message) break;
      losses += message ? 0 : 1;
      seen += message ? 1 : message.error().lost();
    }
  }
  EXPECT_EQ(losses, 1);
  EXPECT_EQ(seen, sent);
}

// The same reader, overtaken while it reads: some of what it was given since its last release is
// still in the ring, and must not come again.
TEST_F(Attack, AReaderThatWasHiddenAndOvertakenIsGivenNothingTwice) {
  constexpr std::uint64_t kOneRun = 60;  // messages that one poll_each gives before it validates
  int overtaken = 0;
  for (std::uint64_t at = 0; at < kOneRun; ++at) {
    const Channel channel = small_channel();
    {
      Publisher publisher = ChannelTest::publisher(channel);
      send(publisher, kText);  // looks for readers, and finds none
      auto* const bell = open_up<layout::DoorbellFile>("doorbell");
      const std::uint64_t before = bell->reader_generation.load();
      Subscriber subscriber = ChannelTest::subscriber(channel);
      bell->reader_generation.store(before);
      for (std::uint64_t i = 1; i < kOneRun; ++i)
        send(publisher, kText);
      Sequence due = 1;
      const auto take = [&](const Message& message) {
        EXPECT_EQ(message.sequence(), due) << "overtaken at message " << at;
        if (message.sequence() == at + 1) {
          for (std::uint64_t i = 0; i < kOneRun; ++i)
            (void)publisher.try_send(bytes_of(kText));
        }
        due = message.sequence() + 1;
      };
      for (int polls = 0; polls < 10; ++polls) {
        const auto read = subscriber.poll_each(take);
        if (read) continue;
        EXPECT_EQ(read.error().code(), Errc::overrun);
        EXPECT_NE(read.error().sentence().find("may be torn"), std::string_view::npos);
        due += read.error().lost();
        ++overtaken;
      }
      EXPECT_EQ(due, publisher.next_sequence());
    }
    ASSERT_TRUE(domain_.remove("quotes"));
  }
  EXPECT_GT(overtaken, 0);
}

// A new publisher looks for readers whatever the generation says.
TEST_F(Attack, NoGenerationHidesReadersFromANewPublisher) {
  for (const std::uint64_t lie : {std::uint64_t{0}, ~std::uint64_t{0}, ~std::uint64_t{0} - 1}) {
    const Channel channel = small_channel();
    {
      Subscriber subscriber = ChannelTest::subscriber(channel);
      open_up<layout::DoorbellFile>("doorbell")->reader_generation.store(lie);
      Publisher publisher = ChannelTest::publisher(channel);
      std::uint64_t sent = 0;
      for (int i = 0; i < 300; ++i)
        sent += publisher.try_send(bytes_of(kText)) ? 1 : 0;
      EXPECT_LT(sent, 300U) << "the generation is " << lie;
      for (std::uint64_t i = 0; i < sent; ++i)
        EXPECT_EQ(next_text(subscriber), kText);
    }
    ASSERT_TRUE(domain_.remove("quotes"));
  }
}

}  // namespace
}  // namespace millrace
