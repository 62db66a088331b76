// The machine as the scheduler and the memory see it: processors, what they share, NUMA nodes, and
// how to put threads and memory in their place.
//
// Topology::machine() reads the machine once (some milliseconds) at its first call, which any
// thread may make; what it returns never changes and lives as long as the process. Processors and
// nodes carry the numbers of the operating system (those of taskset and numactl). Nothing here
// belongs on a message path, except current_cpu().
#pragma once

#include "millrace/core/placement.hpp"
#include "millrace/core/result.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace millrace {

// The nearest thing two processors have in common, nearest first.
enum class Sharing : std::uint8_t { cpu, core, l2, l3, node, package, machine };

// "core", "l3", ... Never null.
[[nodiscard]] const char* to_string(Sharing sharing) noexcept;

struct CpuInfo {
  static constexpr unsigned kNone = ~0U;

  unsigned cpu = 0;
  // Two processors with the same number here share it; kNone where the machine does not say.
  unsigned core = kNone;  // siblings of one core are its hardware threads (SMT)
  unsigned l2 = kNone;
  unsigned l3 = kNone;
  unsigned package = kNone;
  unsigned node = 0;
  bool allowed = true;  // false: the cgroup keeps this process off it
};

struct NodeInfo {
  unsigned node = 0;
  std::uint64_t total_bytes = 0;
  bool allowed = true;  // false: the cgroup keeps this process from its memory
};

struct NodeMemory {
  std::uint64_t total_bytes = 0;
  std::uint64_t free_bytes = 0;       // nobody uses it
  std::uint64_t available_bytes = 0;  // free, or page cache that the kernel would give up
  std::uint64_t free_huge_pages = 0;  // of kHugePageBytes
};

class Topology {
 public:
  // Where the machine cannot be read (no /sys), it is one node with the processors of this thread,
  // and complete() is false.
  [[nodiscard]] static const Topology& machine();

  [[nodiscard]] bool complete() const noexcept { return complete_; }

  // In ascending order of their numbers; never empty.
  [[nodiscard]] std::span<const CpuInfo> cpus() const noexcept { return cpus_; }

  [[nodiscard]] std::span<const NodeInfo> nodes() const noexcept { return nodes_; }

  // Null for a number this machine does not have.
  [[nodiscard]] const CpuInfo* cpu(unsigned cpu) const noexcept;
  [[nodiscard]] const NodeInfo* node(unsigned node) const noexcept;

  // REQUIRES: both processors exist. Unknown processors share the machine.
  [[nodiscard]] Sharing sharing(unsigned cpu, unsigned other) const noexcept;

 private:
  Topology();

  bool load();
  void assume_one_node();

  std::vector<CpuInfo> cpus_;
  std::vector<NodeInfo> nodes_;
  bool complete_ = false;
};

// The node a processor belongs to. bad_argument for a processor that does not exist.
[[nodiscard]] Result<unsigned> node_of_cpu(unsigned cpu);

// The processors the calling thread may run on (its affinity, already cut down to the cgroup's
// cpuset by the kernel), ascending.
[[nodiscard]] Result<std::vector<unsigned>> allowed_cpus();

// The processor the calling thread ran on a moment ago. No system call where the vDSO has it.
[[nodiscard]] unsigned current_cpu() noexcept;

// Keeps the calling thread on one processor from now on. bad_argument, with the processors that may
// be used, for one that does not exist or that the cgroup forbids.
[[nodiscard]] Result<> pin_this_thread(unsigned cpu);

// Memory of a node right now. bad_argument, with the nodes there are, for one that does not exist.
[[nodiscard]] Result<NodeMemory> node_memory(unsigned node);

// Binds a mapping strictly, BEFORE anything of it is allocated: for a shared mapping of a tmpfs or
// hugetlbfs file the policy lives in the inode and holds for every process, but only for pages that
// do not exist yet (fallocate is first touch). `address` is page-aligned and mapped.
//
// bad_argument: no such node (the sentence lists those there are), memory outside a mapping, or
// pages that already live elsewhere. no_permission: the cgroup forbids the node. A kernel or
// container that refuses to bind at all is no error: the report says honoured = false and why.
[[nodiscard]] Result<PlacementReport> bind_memory(void* address, std::size_t bytes,
                                                  Placement asked);

// The same for memory that is in use already: pages that are elsewhere are moved. It costs about a
// microsecond a page. Pages that are mapped more than once, as those of a ring are, move only for a
// holder of CAP_SYS_NICE; else bad_argument, and they stay.
[[nodiscard]] Result<PlacementReport> move_memory(void* address, std::size_t bytes,
                                                  Placement asked);

// Looks where the pages are, after they were populated through this mapping, and fills in the rest
// of the report that bind_memory() gave. Never fails: what cannot be told is verified = false.
// Costs about 0.1 us a page, for at most 4,096 pages spread over the mapping.
[[nodiscard]] PlacementReport verify_memory(const void* address, std::size_t bytes,
                                            const PlacementReport& bound) noexcept;

}  // namespace millrace
