// Where memory is, and how much a node has left: questions to the kernel that need no hwloc.
#include "millrace/core/kernel_text.hpp"
#include "millrace/core/limits.hpp"
#include "millrace/core/topology.hpp"
#include "topology_lists.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <linux/mempolicy.h>
#include <string>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace millrace {
namespace {

constexpr std::size_t kPagesLookedAtMax = 4096;
constexpr std::size_t kPagesAsked = 512;
constexpr std::size_t kPagesAskedOneByOne = 64;

// Which pages of a mapping are looked at: all, or a sample spread evenly. Its step is broken by a
// hash, because a regular one would meet only some nodes of an interleaved mapping.
class PageSample {
 public:
  PageSample(const void* address, std::size_t bytes, std::size_t pages_max) noexcept
      : base_(reinterpret_cast<std::uintptr_t>(address)),
        pages_((bytes + kPageBytes - 1) / kPageBytes),
        size_(std::min(pages_, pages_max)) {}

  [[nodiscard]] std::size_t size() const noexcept { return size_; }

  // REQUIRES: i < size().
  [[nodiscard]] void* page(std::size_t i) const noexcept {
    const std::size_t first = i * pages_ / size_;
    const std::size_t span = (i + 1) * pages_ / size_ - first;
    const std::size_t offset = (i * 0x9e37'79b9'7f4a'7c15 >> 32) % span;
    return reinterpret_cast<void*>(base_ + (first + offset) * kPageBytes);
  }

 private:
  std::uintptr_t base_;
  std::size_t pages_;
  std::size_t size_;
};

void count_page(PlacementReport& report, int node) noexcept {
  if (node < 0) {
    ++report.pages_absent;
    return;
  }
  ++report.pages_seen;
  if (static_cast<std::size_t>(node) < kNodesMax) {
    ++report.pages_on_node[static_cast<std::size_t>(node)];
  }
}

// 0, or the errno of a refusal. With no nodes to go to, move_pages only tells.
int look_at_many(const void* address, std::size_t bytes, PlacementReport& report) noexcept {
  const PageSample sample(address, bytes, kPagesLookedAtMax);
  std::array<void*, kPagesAsked> pages;
  std::array<int, kPagesAsked> nodes;
  for (std::size_t done = 0; done < sample.size();) {
    const std::size_t asked = std::min(kPagesAsked, sample.size() - done);
    for (std::size_t i = 0; i < asked; ++i)
      pages[i] = sample.page(done + i);
    nodes.fill(-ENOENT);
    if (::syscall(SYS_move_pages, 0, asked, pages.data(), nullptr, nodes.data(), 0) < 0) {
      return errno;
    }
    for (std::size_t i = 0; i < asked; ++i)
      count_page(report, nodes[i]);
    done += asked;
  }
  return 0;
}

// The same by a call that asks for one page, and that some containers allow. It would bring a
// missing page into memory, so those are left out first.
int look_one_by_one(const void* address, std::size_t bytes, PlacementReport& report) noexcept {
  const PageSample sample(address, bytes, kPagesAskedOneByOne);
  for (std::size_t i = 0; i < sample.size(); ++i) {
    void* const page = sample.page(i);
    unsigned char resident = 0;
    int node = -1;
    if (::mincore(page, kPageBytes, &resident) == 0 && (resident & 1) != 0) {
      constexpr int kNodeOfAddress = MPOL_F_NODE | MPOL_F_ADDR;
      if (::syscall(SYS_get_mempolicy, &node, nullptr, 0, page, kNodeOfAddress) < 0) return errno;
    }
    count_page(report, node);
  }
  return 0;
}

void judge(PlacementReport& report) noexcept {
  const auto say = [&report](const char* format, auto... values) noexcept {
    report.honoured = false;
    std::snprintf(report.why.data(), report.why.size(), format, values...);
  };
  using Count = unsigned long long;
  if (report.asked.kind == Placement::Kind::node) {
    const std::size_t node = report.asked.node;
    const Count right = node < kNodesMax ? report.pages_on_node[node] : 0;
    const Count wrong = report.pages_seen - right;
    if (wrong != 0) {
      say("%llu of %llu pages looked at are not on NUMA node %zu", wrong, Count{report.pages_seen},
          node);
    }
  }
  if (report.asked.kind == Placement::Kind::interleave) {
    const Topology& machine = Topology::machine();
    for (const NodeInfo& info : machine.nodes()) {
      if (!info.allowed || info.node >= kNodesMax) continue;
      const bool enough = report.pages_seen >= 8 * machine.nodes().size();
      if (enough && report.pages_on_node[info.node] == 0) {
        say("none of %llu pages looked at is on NUMA node %u", Count{report.pages_seen}, info.node);
      }
    }
  }
}

std::uint64_t kibibytes_of(const std::string& text, const std::string& key) {
  return detail::number_of(text, key).value_or(0) * 1024;
}

}  // namespace

void detail::move_pages_of_all(void* address, std::size_t bytes, unsigned node) noexcept {
  std::array<void*, kPagesAsked> pages;
  std::array<int, kPagesAsked> nodes;
  std::array<int, kPagesAsked> outcome;
  nodes.fill(static_cast<int>(node));
  const PageSample every(address, bytes, bytes / kPageBytes);
  for (std::size_t done = 0; done < every.size();) {
    const std::size_t asked = std::min(kPagesAsked, every.size() - done);
    for (std::size_t i = 0; i < asked; ++i)
      pages[i] = every.page(done + i);
    if (::syscall(SYS_move_pages, 0, asked, pages.data(), nodes.data(), outcome.data(),
                  MPOL_MF_MOVE_ALL) < 0) {
      return;
    }
    done += asked;
  }
}

PlacementReport verify_memory(const void* address, std::size_t bytes,
                              const PlacementReport& bound) noexcept {
  PlacementReport report = bound;
  report.verified = false;
  report.pages_seen = 0;
  report.pages_absent = 0;
  report.pages_on_node.fill(0);
  if (bytes == 0) return report;
  int refused = look_at_many(address, bytes, report);
  if (refused != 0) {
    report.pages_seen = 0;
    report.pages_absent = 0;
    report.pages_on_node.fill(0);
    refused = look_one_by_one(address, bytes, report);
  }
  report.verified = refused == 0 && report.pages_seen != 0;
  if (report.verified) {
    judge(report);
  } else if (report.why[0] == '\0') {
    std::snprintf(report.why.data(), report.why.size(), "cannot tell where the memory is: %s",
                  refused == 0 ? "none of it is in memory yet" : std::strerror(refused));
  }
  return report;
}

Result<NodeMemory> node_memory(unsigned node) {
  const Topology& machine = Topology::machine();
  if (machine.node(node) == nullptr) {
    return fail(Errc::bad_argument, "there is no NUMA node %u on this machine: it has %s", node,
                detail::list_nodes(machine).c_str());
  }
  NodeMemory memory;
  const std::string directory = "/sys/devices/system/node/node" + std::to_string(node);
  const std::string text = detail::read_text(directory + "/meminfo");
  if (!text.empty()) {
    const std::string key = "Node " + std::to_string(node) + ' ';
    memory.total_bytes = kibibytes_of(text, key + "MemTotal:");
    memory.free_bytes = kibibytes_of(text, key + "MemFree:");
    memory.available_bytes = memory.free_bytes + kibibytes_of(text, key + "Active(file):") +
                             kibibytes_of(text, key + "Inactive(file):") +
                             kibibytes_of(text, key + "SReclaimable:");
  } else {
    // A kernel without NUMA has one node, which is the machine.
    const std::string machine_text = detail::read_text("/proc/meminfo");
    if (machine_text.empty()) {
      return fail(Errc::unsupported,
                  "cannot tell how much memory NUMA node %u has: neither /sys "
                  "nor /proc says so",
                  node);
    }
    memory.total_bytes = kibibytes_of(machine_text, "MemTotal:");
    memory.free_bytes = kibibytes_of(machine_text, "MemFree:");
    memory.available_bytes = kibibytes_of(machine_text, "MemAvailable:");
  }
  memory.free_huge_pages =
      detail::leading_number(
          detail::read_text(directory + "/hugepages/hugepages-2048kB/free_hugepages"))
          .value_or(0);
  return memory;
}

}  // namespace millrace
