#include "millrace/core/hugetlbfs.hpp"

#include "millrace/core/kernel_text.hpp"
#include "millrace/core/limits.hpp"

#include <linux/magic.h>
#include <sys/statfs.h>
#include <unistd.h>

namespace millrace {

Result<std::string> find_hugetlbfs() {
  bool seen = false;
  for (const detail::Mount& mount : detail::read_mounts("/proc/self/mountinfo")) {
    if (mount.type != "hugetlbfs") continue;

    struct statfs status {};

    // Another file system may be mounted over it, so the path itself is asked.
    if (statfs(mount.point.c_str(), &status) != 0 || status.f_type != HUGETLBFS_MAGIC) continue;
    if (static_cast<std::uint64_t>(status.f_bsize) != kHugePageBytes) continue;
    seen = true;
    if (access(mount.point.c_str(), W_OK | X_OK) == 0) return mount.point;
  }
  if (seen) {
    return fail(
        Errc::unsupported,
        "the mounted hugetlbfs may not be written to by user %u: remount it with uid=, gid= "
        "and mode=, or use normal pages",
        geteuid());
  }
  return fail(Errc::unsupported,
              "no hugetlbfs with pages of 2 MiB is mounted: as root, mount -t hugetlbfs -o "
              "pagesize=2M none /dev/hugepages and echo N > /proc/sys/vm/nr_hugepages, or use "
              "normal pages");
}

}  // namespace millrace
