// A durable channel with a toy journal, for tests of its subscribers.
#pragma once

#include "persist/toy_persister.hpp"
#include "support/channel_fixture.hpp"

namespace millrace::testing_support {

class DurableChannelTest : public ChannelTest {
 protected:
  [[nodiscard]] Channel durable_channel(Policy policy = Policy::block,
                                        WhenJournalFails fails = WhenJournalFails::block,
                                        std::uint64_t ring = kRing) {
    ChannelOptions options;
    options.ring_bytes = ring;
    options.policy = policy;
    options.durable = true;
    options.journal = log_.directory();
    options.when_journal_fails = fails;
    return channel(options);
  }

  [[nodiscard]] std::unique_ptr<ToyPersister> persister(const Channel& channel) {
    return std::make_unique<ToyPersister>(channel, scratch_ / "domain/quotes", log_);
  }

  static std::string text(Sequence number) { return "message " + std::to_string(number); }

  // Sends the lane's next messages, each its own number.
  static void send_numbers(Publisher& source, std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i)
      send(source, text(source.next_sequence()));
  }

  // The same with a journal that keeps up, so that the ring is lapped freely.
  static void send_durably(Publisher& source, ToyPersister& journal, std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i) {
      send(source, text(source.next_sequence()));
      if (i % 16 == 15) journal.copy_and_flush();
    }
    journal.copy_and_flush();
  }

  // Reads messages [next, end) in order; nothing is missing, nothing comes twice.
  static void expect_numbers(Subscriber& reader, Sequence next, Sequence end) {
    for (; next < end; ++next)
      ASSERT_EQ(next_text(reader), text(next));
  }

  ToyLog log_{scratch_ / "log"};
};

}  // namespace millrace::testing_support
