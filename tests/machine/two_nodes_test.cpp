// Rings on a machine with two NUMA nodes: they lie where they were asked to, which the kernel says
// page by page. boot_two_nodes runs it inside an emulated machine; ctest never runs it directly.
//
// The machine has processor 0 on node 0 and processor 1 on node 1.
#include "millrace/core/topology.hpp"
#include "support/channel_fixture.hpp"

#include <array>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <linux/capability.h>
#include <map>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <vector>

namespace millrace {
namespace {

using testing_support::bytes_of;
using testing_support::code_of;
using testing_support::said;

// Pages of a file on each node, as the kernel tells; -1 stands for those it does not tell.
std::map<int, std::size_t> pages_by_node(const std::string& path, std::size_t offset) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const std::size_t bytes = std::filesystem::file_size(path);
  auto* const base =
      static_cast<const std::byte*>(mmap(nullptr, bytes, PROT_READ, MAP_SHARED, fd, 0));
  close(fd);
  std::map<int, std::size_t> found;
  if (base == MAP_FAILED) return found;
  for (std::size_t at = offset; at < bytes; at += kPageBytes) {
    (void)*static_cast<const volatile std::byte*>(base + at);  // into this process's page table
    void* page = const_cast<std::byte*>(base + at);
    int status = -1;
    if (syscall(SYS_move_pages, 0, 1UL, &page, nullptr, &status, 0) != 0) status = -1;
    ++found[std::max(status, -1)];
  }
  munmap(const_cast<std::byte*>(base), bytes);
  return found;
}

class TwoNodes : public testing_support::ChannelTest {
 protected:
  static constexpr std::uint64_t kRingBytes = 1 << 18;
  static constexpr std::size_t kRingPages = kRingBytes / kPageBytes;

  [[nodiscard]] Channel placed(Placement placement, std::uint64_t ring_bytes = kRingBytes) {
    ChannelOptions options;
    options.ring_bytes = ring_bytes;
    options.placement = placement;
    return channel(options);
  }

  [[nodiscard]] auto ring_pages() const { return pages_by_node(file("lane-0"), kPageBytes); }

  // Runs on the processor of a node from now on.
  static void stand_on(unsigned node) {
    const auto pinned = pin_this_thread(node);
    ASSERT_TRUE(pinned) << said(pinned);
    ASSERT_EQ(node_of_cpu(current_cpu()).value_or(99U), node);
  }

  // What `millrace stat` says of the channel.
  [[nodiscard]] std::string stat() const {
    const std::string page = scratch_ / "stat";
    const std::string command =
        "/bin/millrace stat quotes --dir " + (scratch_ / "domain") + " > " + page + " 2>&1";
    EXPECT_EQ(std::system(command.c_str()), 0);
    std::ifstream text(page);
    return {std::istreambuf_iterator<char>(text), {}};
  }
};

using Pages = std::map<int, std::size_t>;

TEST_F(TwoNodes, AreSeen) {
  const Topology& topology = Topology::machine();
  ASSERT_EQ(topology.nodes().size(), 2U);
}

TEST_F(TwoNodes, ARingLiesOnTheNodeThatItWasAskedFor) {
  for (const unsigned here : {0U, 1U}) {
    for (const unsigned there : {0U, 1U}) {
      stand_on(here);
      {
        const Publisher source = publisher(placed(Placement::on_node(there)));
        EXPECT_EQ(ring_pages(), (Pages{{static_cast<int>(there), kRingPages}}));
        EXPECT_EQ(source.stats().placement_node, there);
        EXPECT_EQ(source.stats().placement_honoured, 1U) << "verified";
        EXPECT_NE(stat().find("node " + std::to_string(there)), std::string::npos) << stat();
      }
      ASSERT_TRUE(domain_.remove("quotes"));
    }
  }
}

TEST_F(TwoNodes, ARingNearThePublisherLiesOnItsNode) {
  for (const unsigned here : {0U, 1U}) {
    stand_on(here);
    { const Publisher source = publisher(placed(Placement::near_publisher())); }
    EXPECT_EQ(ring_pages(), (Pages{{static_cast<int>(here), kRingPages}}));
    ASSERT_TRUE(domain_.remove("quotes"));
  }
}

TEST_F(TwoNodes, ARingOfTheSubscriberLiesOnItsNodeIfItIsThere) {
  for (const unsigned reads_on : {0U, 1U}) {
    const Channel quotes = placed(Placement::near_subscriber());
    stand_on(reads_on);
    std::optional<Subscriber> reader = subscriber(quotes);
    stand_on(1 - reads_on);
    std::optional<Publisher> source = publisher(quotes);
    EXPECT_EQ(ring_pages(), (Pages{{static_cast<int>(reads_on), kRingPages}}));
    source.reset();
    reader.reset();
    ASSERT_TRUE(domain_.remove("quotes"));
  }
}

TEST_F(TwoNodes, ARingOfTheSubscriberFollowsTheFirstThatComes) {
  for (const unsigned reads_on : {0U, 1U}) {
    const Channel quotes = placed(Placement::near_subscriber());
    stand_on(1 - reads_on);
    std::optional<Publisher> source = publisher(quotes);
    EXPECT_EQ(ring_pages(), (Pages{{static_cast<int>(1 - reads_on), kRingPages}}))
        << "nobody is there yet: where it was written first";
    send(*source, "early");
    stand_on(reads_on);
    std::optional<Subscriber> reader = subscriber(quotes, From::oldest());
    stand_on(1 - reads_on);
    const std::string text(1000, 'x');
    for (std::size_t i = 0; i < 2 * kRingBytes / text.size(); ++i)
      (void)source->try_send(bytes_of(text));
    EXPECT_EQ(ring_pages(), (Pages{{static_cast<int>(reads_on), kRingPages}}));
    EXPECT_EQ(source->stats().placement_node, reads_on);
    EXPECT_EQ(source->stats().placement_honoured, 1U) << "verified";
    EXPECT_EQ(testing_support::next_text(*reader), "early") << "what was there moved with it";
    source.reset();
    reader.reset();
    ASSERT_TRUE(domain_.remove("quotes"));
  }
}

// Without CAP_SYS_NICE as long as it lives; the tests run as root.
class Unprivileged {
 public:
  Unprivileged() { set(false); }

  Unprivileged(const Unprivileged&) = delete;
  Unprivileged& operator=(const Unprivileged&) = delete;

  ~Unprivileged() { set(true); }

 private:
  static void set(bool may) {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    std::array<__user_cap_data_struct, 2> sets{};
    ASSERT_EQ(syscall(SYS_capget, &header, sets.data()), 0);
    constexpr std::uint32_t kBit = 1U << CAP_SYS_NICE;
    sets[0].effective = may ? sets[0].effective | kBit : sets[0].effective & ~kBit;
    ASSERT_EQ(syscall(SYS_capset, &header, sets.data()), 0);
  }
};

TEST_F(TwoNodes, ARingThatMayNotMoveStaysAndItsStatsSaySo) {
  const Channel quotes = placed(Placement::near_subscriber());
  stand_on(0);
  Publisher source = publisher(quotes);
  stand_on(1);
  const Subscriber reader = subscriber(quotes, From::oldest());
  stand_on(0);
  const Unprivileged now;
  const std::string text(1000, 'x');
  for (std::size_t i = 0; i < 2 * kRingBytes / text.size(); ++i)
    (void)source.try_send(bytes_of(text));
  EXPECT_EQ(ring_pages(), (Pages{{0, kRingPages}}));
  EXPECT_EQ(source.stats().placement_honoured, 0U);
}

TEST_F(TwoNodes, AnInterleavedRingLiesOnBoth) {
  const Publisher source = publisher(placed(Placement::interleaved()));
  EXPECT_EQ(ring_pages(), (Pages{{0, kRingPages / 2}, {1, kRingPages / 2}}));
}

TEST_F(TwoNodes, ANodeThatThereIsNotIsRefusedAndThoseThatThereAreAreNamed) {
  const auto refused = placed(Placement::on_node(2)).publisher();
  ASSERT_EQ(code_of(refused), Errc::bad_argument) << said(refused);
  EXPECT_NE(said(refused).find("0"), std::string::npos) << said(refused);
  EXPECT_NE(said(refused).find("1"), std::string::npos) << said(refused);
}

TEST_F(TwoNodes, ARingLargerThanItsNodeIsRefusedWithTheNumbers) {
  const auto free = node_memory(1);
  ASSERT_TRUE(free) << said(free);
  std::uint64_t ring_bytes = 1 << 20;
  while (ring_bytes <= free->free_bytes)
    ring_bytes *= 2;
  const auto refused = placed(Placement::on_node(1), ring_bytes).publisher();
  ASSERT_EQ(code_of(refused), Errc::no_space) << said(refused);
  EXPECT_NE(said(refused).find("NUMA node asked for"), std::string::npos) << said(refused);
}

}  // namespace
}  // namespace millrace
