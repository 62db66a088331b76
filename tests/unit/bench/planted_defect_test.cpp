// A planted defect must really be on the path of every message, and nowhere without being asked
// for; that it shows in the figures is another test's matter (planted_rows_test).
#include "channel_ends.hpp"
#include "support/scratch_directory.hpp"
#include "timed_loops.hpp"

#include <gtest/gtest.h>

namespace millrace::bench {
namespace {

constexpr std::uint64_t kMessages = 1000;

using Shape = OneSize<kStreamBytes>;

Domain open_domain(const testing_support::ScratchDirectory& scratch) {
  DomainOptions options;
  options.path = scratch / "domain";
  return must(Domain::open(options));
}

// Sends and receives kMessages in this process; returns how many defects the sender committed.
template <Plant kPlant>
std::uint64_t planted_in_messages(std::atomic<std::uint64_t>& line) {
  const testing_support::ScratchDirectory scratch;
  Domain domain = open_domain(scratch);
  ChannelReceiver<Shape, kPlant> receiver(make_subscriber(domain, {.name = "planted"}), line);
  ChannelSender<Shape, kPlant> sender(make_publisher(domain, {.name = "planted"}), line);
  alignas(64) std::byte out[kStreamBytes] = {};
  alignas(64) std::byte in[kStreamBytes] = {};
  for (std::uint64_t count = 1; count <= kMessages; ++count) {
    put_count(out, count);
    sender.send(out);
    while (!receiver.take(in)) {
    }
    EXPECT_EQ(count_of(in), count);
  }
  return sender.planted();
}

TEST(PlantedDefect, IsCommittedOnceAMessageAndOnlyWhenAskedFor) {
  std::atomic<std::uint64_t> line{0};
  EXPECT_EQ(planted_in_messages<Plant::none>(line), 0U);
  EXPECT_EQ(planted_in_messages<Plant::fence>(line), kMessages);
  EXPECT_EQ(line.load(), 0U);
  EXPECT_EQ(planted_in_messages<Plant::line>(line), kMessages);
  EXPECT_EQ(line.load(), kMessages);
}

TEST(ChannelEnds, ABatchRevealsSixteenAtOnceAndItsRestWhenFlushed) {
  const testing_support::ScratchDirectory scratch;
  Domain domain = open_domain(scratch);
  std::atomic<std::uint64_t> line{0};
  ChannelReceiver<Shape, Plant::none> receiver(make_subscriber(domain, {.name = "batches"}), line);
  ChannelBatchSender sender(make_publisher(domain, {.name = "batches"}));
  alignas(64) std::byte out[kStreamBytes] = {};
  const auto received = [&] { return receiver.drain([](const std::byte*, std::size_t) {}, 100); };
  for (std::uint64_t count = 1; count < kBatchCount; ++count)
    sender.send(out);
  EXPECT_EQ(received(), 0U);
  sender.send(out);
  EXPECT_EQ(received(), kBatchCount);
  sender.send(out);
  sender.flush();
  EXPECT_EQ(received(), 1U);
}

}  // namespace
}  // namespace millrace::bench
