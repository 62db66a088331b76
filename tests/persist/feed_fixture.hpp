// A durable channel with a journal in memory.
#pragma once

#include "feed_persister.hpp"
#include "support/channel_fixture.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace millrace::testing_support {

class FeedTest : public ChannelTest {
 protected:
  FeedTest() { mkdir(journal().c_str(), 0700); }

  [[nodiscard]] std::string journal() const { return scratch_ / "journal"; }

  [[nodiscard]] ChannelOptions durable_options() const {
    ChannelOptions options;
    options.ring_bytes = kRing;
    options.durable = true;
    options.journal = journal();
    return options;
  }

  [[nodiscard]] Channel durable_channel(Policy policy = Policy::block,
                                        WhenJournalFails fails = WhenJournalFails::block) {
    ChannelOptions options = durable_options();
    options.policy = policy;
    options.when_journal_fails = fails;
    return channel(options);
  }

  [[nodiscard]] FeedPersister persister(const Domain& domain) {
    auto made = FeedPersister::start(domain, "quotes", journal(), disk_);
    EXPECT_TRUE(made) << said(made);
    return std::move(*made);
  }

  // Writes into a file of the channel, as somebody hostile would.
  void poke(const std::string& name, std::size_t offset, std::uint64_t word) const {
    const Descriptor fd(open(file(name).c_str(), O_WRONLY | O_CLOEXEC));
    ASSERT_EQ(pwrite(fd.get(), &word, sizeof word, static_cast<off_t>(offset)), 8);
  }

  [[nodiscard]] std::uint64_t peek(const std::string& name, std::size_t offset) const {
    const Descriptor fd(open(file(name).c_str(), O_RDONLY | O_CLOEXEC));
    std::uint64_t word = 0;
    EXPECT_EQ(pread(fd.get(), &word, sizeof word, static_cast<off_t>(offset)), 8);
    return word;
  }

  // Sends until the ring is full, and returns how many it took and what it said then.
  static std::pair<std::uint64_t, Error> fill(Publisher& publisher) {
    for (std::uint64_t sent = 0;; ++sent) {
      const auto done = publisher.try_send("twenty-four bytes of it");
      if (!done) return {sent, done.error()};
    }
  }

  FeedDisk disk_;
};

}  // namespace millrace::testing_support
