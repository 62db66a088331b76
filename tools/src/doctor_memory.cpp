#include "finding.hpp"
#include "millrace/core/descriptor.hpp"
#include "millrace/core/domain_directory.hpp"
#include "millrace/core/headroom.hpp"
#include "millrace/core/hugetlbfs.hpp"
#include "remove_ipc.hpp"
#include "size_argument.hpp"
#include "small_file.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

namespace millrace::tools {
namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;
constexpr std::uint64_t kTightBytes = 256 * kMiB;
constexpr std::uint64_t kTooTightBytes = 4 * kMiB;

bool is_member_of_system() {
  constexpr uid_t kSystemUidMax = 999;
  return geteuid() <= kSystemUidMax;
}

Health by_space(std::uint64_t bytes) {
  return bytes < kTooTightBytes ? Health::fail : bytes < kTightBytes ? Health::warn : Health::ok;
}

void examine_file_system(const std::string& directory, const Headroom& headroom,
                         Findings& findings) {
  Finding found{"shared memory", by_space(headroom.filesystem_bytes), ""};
  found.what = format_size(headroom.filesystem_bytes) + " free of " +
               format_size(headroom.filesystem_total_bytes) + " in " + directory;
  if (!headroom.inodes_left) {
    found.health = Health::fail;
    found.what += ", and no inode is free";
  }
  if (found.health != Health::ok) {
    found.advice =
        "remove what is not needed (millrace clean --channels), or enlarge it: mount -o "
        "remount,size=4G /dev/shm; docker run --shm-size=4g";
  }
  findings.push_back(std::move(found));
  if (headroom.in_memory) return;
  findings.push_back({"file system", Health::warn, directory + " is not in memory",
                      "messages may be written to a disk; take a directory on a tmpfs, such as "
                      "/dev/shm, for --dir or MILLRACE_DIR"});
}

void examine_cgroup(const Headroom& headroom, Findings& findings) {
  if (headroom.cgroup_bytes == Headroom::kUnlimited) {
    findings.push_back({"memory cgroup", Health::ok, "no limit"});
    return;
  }
  Finding found{"memory cgroup", by_space(headroom.cgroup_bytes),
                format_size(headroom.cgroup_bytes) + " left of " +
                    format_size(headroom.cgroup_limit_bytes) + " (" + headroom.cgroup + ")"};
  if (found.health != Health::ok) {
    found.advice =
        "rings count against this limit: raise it (docker run --memory, MemoryMax=) or "
        "take smaller rings";
  }
  findings.push_back(std::move(found));
}

void examine_directory(const std::string& path, Findings& findings) {
  const std::string directory = nearest_directory(path);
  const Descriptor open_directory(open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!open_directory.valid() || access(directory.c_str(), W_OK | X_OK) != 0) {
    findings.push_back({"shared memory", Health::fail,
                        directory + " cannot be written to: " + std::strerror(errno),
                        "take another directory with --dir or MILLRACE_DIR, or mend its owner and "
                        "mode"});
    return;
  }
  const auto headroom = measure_headroom(open_directory.get(), Placement::anywhere());
  if (!headroom) {
    findings.push_back({"shared memory", Health::fail, std::string(headroom.error().sentence())});
    return;
  }
  examine_file_system(directory, *headroom, findings);
  examine_cgroup(*headroom, findings);
}

void examine_domain(const std::string& path, Findings& findings) {
  const auto domain = DomainDirectory::open(path, false);
  if (domain) {
    findings.push_back(
        {"domain", Health::ok, domain->path() + (domain->shared() ? ", shared" : ", private")});
  } else if (domain.error().code() == Errc::not_found) {
    findings.push_back({"domain", Health::ok, path + " is not there yet"});
  } else {
    findings.push_back({"domain", Health::fail, std::string(domain.error().sentence())});
  }
}

void examine_remove_ipc(const std::string& path, Findings& findings) {
  Finding found{"RemoveIPC", Health::ok, ""};
  if (!path.starts_with("/dev/shm")) {
    found.what = "concerns /dev/shm only";
  } else if (access("/run/systemd/users", F_OK) != 0) {
    found.what = "systemd-logind does not run here";
  } else if (!removes_ipc()) {
    found.what = "no";
  } else if (is_member_of_system()) {
    found.what = "yes, but this is a system account, which is spared";
  } else {
    found.health = Health::warn;
    found.what = "yes: everything in /dev/shm that belongs to this user goes with the last session";
    found.advice =
        "write [Login] and RemoveIPC=no to /etc/systemd/logind.conf.d/millrace.conf and "
        "restart systemd-logind, or run as a system account";
  }
  findings.push_back(std::move(found));
}

void examine_memlock(Findings& findings) {
  rlimit limit{};
  getrlimit(RLIMIT_MEMLOCK, &limit);
  Finding found{"memlock", Health::ok, ""};
  if (geteuid() == 0 || limit.rlim_cur == RLIM_INFINITY) {
    found.what = geteuid() == 0 ? "root may lock memory" : "no limit";
  } else {
    found.what = format_size(limit.rlim_cur);
    if (limit.rlim_cur < 64 * kMiB) {
      found.health = Health::warn;
      found.advice =
          "rings with the option lock need more: ulimit -l, LimitMEMLOCK= of the "
          "service, or memlock in /etc/security/limits.conf";
    }
  }
  findings.push_back(std::move(found));
}

void examine_huge_pages(Findings& findings) {
  const std::string base = "/sys/kernel/mm/hugepages/hugepages-2048kB/";
  const std::string total = read_small_file(base + "nr_hugepages").value_or("0");
  const std::string free = read_small_file(base + "free_hugepages").value_or("0");
  const auto directory = find_hugetlbfs();
  Finding found{"huge pages", Health::ok, ""};
  if (total == "0") {
    found.what = "none reserved; only channels on huge pages need them";
    found.advice = "as root: echo 512 > /proc/sys/vm/nr_hugepages";
  } else {
    found.what = free + " of " + total + " free (2 MiB each)";
    if (free == "0" || !directory) found.health = Health::warn;
    if (free == "0") found.advice = "as root: raise /proc/sys/vm/nr_hugepages";
    if (!directory) found.advice = directory.error().sentence();
  }
  if (directory) found.what += ", mounted at " + *directory;
  findings.push_back(std::move(found));
}

}  // namespace

void examine_memory(const std::string& path, Findings& findings) {
  const std::string domain = path.empty() ? DomainDirectory::default_path() : path;
  examine_directory(domain, findings);
  examine_domain(domain, findings);
  examine_remove_ipc(domain, findings);
  examine_memlock(findings);
  examine_huge_pages(findings);
}

}  // namespace millrace::tools
