#include "millrace/core/headroom.hpp"

#include "cgroup_headroom.hpp"
#include "millrace/core/kernel_text.hpp"
#include "millrace/core/limits.hpp"
#include "millrace/core/topology.hpp"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <linux/magic.h>
#include <sys/statfs.h>
#include <system_error>

namespace millrace {
namespace {

constexpr std::uint64_t kMebibyte = std::uint64_t{1} << 20;

double mebibytes(std::uint64_t bytes) noexcept {
  return static_cast<double>(bytes) / static_cast<double>(kMebibyte);
}

// A file costs more than its bytes: page tables of both mappings and the kernel's tree of pages.
std::uint64_t with_overhead(std::uint64_t bytes) noexcept {
  return bytes + bytes / 64 + kMebibyte;
}

void measure_filesystem(const struct statfs& status, Headroom& headroom) {
  constexpr auto kRamfs = 0x8584'58f6L;
  headroom.huge = status.f_type == HUGETLBFS_MAGIC;
  headroom.in_memory =
      headroom.huge || status.f_type == TMPFS_MAGIC || static_cast<long>(status.f_type) == kRamfs;
  // No size was given to the mount: tmpfs and hugetlbfs then report no blocks, or all ones.
  const bool limited = status.f_blocks != 0 && status.f_blocks != ~std::uint64_t{0};
  if (limited) {
    const auto block_bytes = static_cast<std::uint64_t>(status.f_bsize);
    headroom.filesystem_bytes = status.f_bavail * block_bytes;
    headroom.filesystem_total_bytes = status.f_blocks * block_bytes;
  }
  const bool inodes_limited = status.f_files != 0 && status.f_files != ~std::uint64_t{0};
  headroom.inodes_left = !inodes_limited || status.f_ffree > 0;
}

void measure_huge_pages(const std::string& sys, Headroom& headroom) {
  const std::string pool = sys + "/kernel/mm/hugepages/hugepages-2048kB/";
  const auto free = detail::leading_number(detail::read_text(pool + "free_hugepages"));
  const auto reserved = detail::leading_number(detail::read_text(pool + "resv_hugepages"));
  if (!free) return;
  headroom.huge_bytes = (*free - std::min(*free, reserved.value_or(0))) * kHugePageBytes;
}

void measure_system(const std::string& proc, Headroom& headroom) {
  const std::string text = detail::read_text(proc + "/meminfo");
  const auto available = detail::number_of(text, "MemAvailable:");
  if (!available) return;
  headroom.system_bytes = (*available + detail::number_of(text, "SwapFree:").value_or(0)) * 1024;
}

Failure no_huge_pages(const Headroom& headroom, std::uint64_t bytes) {
  const auto pages = [](std::uint64_t count) {
    return static_cast<unsigned long long>((count + kHugePageBytes - 1) / kHugePageBytes);
  };
  return fail(
      Errc::no_space,
      "%llu huge pages of 2 MiB are needed and %llu are free: reserve more (as root: echo N "
      "> /proc/sys/vm/nr_hugepages) or use normal pages",
      pages(bytes), pages(headroom.huge_bytes));
}

Failure full_filesystem(const Headroom& headroom, std::uint64_t bytes) {
  return fail(Errc::no_space,
              "%.2f MiB are needed and the file system has %.2f MiB free of %.2f MiB: remove "
              "channels (millrace clean), enlarge it (mount -o remount,size=...; docker "
              "--shm-size) or ask for a smaller ring",
              mebibytes(bytes), mebibytes(headroom.filesystem_bytes),
              mebibytes(headroom.filesystem_total_bytes));
}

Failure full_cgroup(const Headroom& headroom, std::uint64_t wanted) {
  return fail(Errc::no_space,
              "%.2f MiB are needed and the memory cgroup %.120s has %.2f MiB left of its limit of "
              "%.2f MiB: raise the limit (docker --memory, systemd MemoryMax=) or ask for a "
              "smaller ring",
              mebibytes(wanted), headroom.cgroup.c_str(), mebibytes(headroom.cgroup_bytes),
              mebibytes(headroom.cgroup_limit_bytes));
}

}  // namespace

Result<Headroom> measure_headroom(int fd, Placement placement, const KernelRoots& roots) {
  struct statfs status {};

  if (fstatfs(fd, &status) != 0)
    return fail_os(errno, "cannot ask a file system for its free space");
  Headroom headroom;
  measure_filesystem(status, headroom);
  if (headroom.huge) measure_huge_pages(roots.sys, headroom);
  if (headroom.in_memory && !headroom.huge) {
    measure_system(roots.proc, headroom);
    detail::measure_cgroups(roots.proc, headroom);
  }
  if (headroom.in_memory && placement.kind == Placement::Kind::node) {
    const auto memory = node_memory(placement.node);
    if (!memory) return std::unexpected(memory.error());
    headroom.node_bytes =
        headroom.huge ? memory->free_huge_pages * kHugePageBytes : memory->available_bytes;
  }
  return headroom;
}

Result<void> judge_headroom(const Headroom& headroom, std::uint64_t bytes) {
  if (!headroom.inodes_left) {
    return fail(Errc::no_space,
                "the file system has no free inodes: remove files, or remount it with a larger "
                "nr_inodes");
  }
  if (bytes > headroom.huge_bytes) return no_huge_pages(headroom, bytes);
  if (bytes > headroom.filesystem_bytes) return full_filesystem(headroom, bytes);
  const std::uint64_t wanted = headroom.huge ? bytes : with_overhead(bytes);
  if (wanted > headroom.cgroup_bytes) return full_cgroup(headroom, wanted);
  if (wanted > headroom.node_bytes) {
    return fail(Errc::no_space,
                "%.2f MiB are needed and the NUMA node asked for has %.2f MiB%s left: choose "
                "another node or ask for a smaller ring",
                mebibytes(wanted), mebibytes(headroom.node_bytes),
                headroom.huge ? " of huge pages" : "");
  }
  if (wanted > headroom.system_bytes) {
    return fail(Errc::no_space,
                "%.2f MiB are needed and this machine has %.2f MiB of memory left: ask for a "
                "smaller ring",
                mebibytes(wanted), mebibytes(headroom.system_bytes));
  }
  return {};
}

Result<void> check_headroom(int fd, std::uint64_t bytes, Placement placement) {
  const auto headroom = measure_headroom(fd, placement);
  if (!headroom) return std::unexpected(headroom.error());
  return judge_headroom(*headroom, bytes);
}

std::string nearest_directory(const std::string& path) {
  std::error_code ignored;
  std::filesystem::path at = path;
  while (!std::filesystem::is_directory(at, ignored) && at.has_relative_path())
    at = at.parent_path();
  return at.empty() ? "." : at.string();
}

}  // namespace millrace
