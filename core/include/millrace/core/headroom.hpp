// Headroom is how much more memory may be taken before something breaks. It must be asked before a
// file is allocated, because the kernel says "no" politely only for a full tmpfs: an allocation
// that exceeds the memory cgroup, the bound NUMA node or the machine ends in the OOM killer.
//
// Thread rules: every function may be called by any thread. Costs tens of microseconds (it reads
// small files of /proc and /sys): for setup only.
#pragma once

#include "millrace/core/placement.hpp"
#include "millrace/core/result.hpp"

#include <cstdint>
#include <string>

namespace millrace {

// Free bytes by source. A source that does not apply, has no limit or cannot be read is unlimited.
struct Headroom {
  static constexpr std::uint64_t kUnlimited = ~std::uint64_t{0};

  std::uint64_t filesystem_bytes = kUnlimited;  // free for this user
  std::uint64_t filesystem_total_bytes = kUnlimited;
  std::uint64_t huge_bytes = kUnlimited;    // free huge pages nobody reserved (hugetlbfs only)
  std::uint64_t system_bytes = kUnlimited;  // MemAvailable + SwapFree
  std::uint64_t node_bytes = kUnlimited;    // of the node asked for
  std::uint64_t cgroup_bytes = kUnlimited;  // least of all levels: limit - (usage - page cache)
  std::uint64_t cgroup_limit_bytes = kUnlimited;
  std::string cgroup{};    // directory of the level that decides
  bool in_memory = false;  // tmpfs, ramfs or hugetlbfs
  bool huge = false;       // hugetlbfs
  bool inodes_left = true;
};

// Where the kernel's files are read; tests show a made-up machine.
struct KernelRoots {
  std::string proc = "/proc";
  std::string sys = "/sys";
};

// Measures what is free for a file on the file system of `fd` (a file or directory on it) if it is
// placed so. Errors: system (the file system cannot be asked), bad_argument (no such node).
[[nodiscard]] Result<Headroom> measure_headroom(int fd, Placement placement,
                                                const KernelRoots& roots = {});

// Whether `bytes` more fit. Error no_space: the sentence carries the numbers of the source that is
// too small, and what to do about it.
[[nodiscard]] Result<void> judge_headroom(const Headroom& headroom, std::uint64_t bytes);

// Both at once.
[[nodiscard]] Result<void> check_headroom(int fd, std::uint64_t bytes, Placement placement);

// The directory itself, or the nearest one above it that is there: where it would be made, and
// whose space and file system it would have.
[[nodiscard]] std::string nearest_directory(const std::string& path);

}  // namespace millrace
