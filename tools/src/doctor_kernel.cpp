#include "finding.hpp"
#include "millrace/core/futex.hpp"
#include "millrace/core/heavy_barrier.hpp"
#include "small_file.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <utility>

namespace millrace::tools {
namespace {

void examine_version(Findings& findings) {
  utsname names{};
  uname(&names);
  std::pair<int, int> version;
  std::sscanf(names.release, "%d.%d", &version.first, &version.second);
  Finding found{"kernel", Health::ok, std::string(names.sysname) + " " + names.release};
  if (version < std::pair(3, 17)) {
    found.health = Health::fail;
    found.advice = "Linux 3.17 is the least that works (locks of open files, memory files)";
  } else if (version < std::pair(5, 16)) {
    found.health = Health::warn;
    found.advice = "from Linux 5.16 on a reader of several lanes sleeps better (futex_waitv)";
  }
  findings.push_back(std::move(found));
}

void examine_membarrier(Findings& findings) {
  if (membarrier_available()) {
    findings.push_back({"membarrier", Health::ok, "available"});
    return;
  }
  findings.push_back({"membarrier", Health::warn, "refused",
                      "publishers need a fence for every message; allow the call in the "
                      "container's seccomp profile, or take Linux 4.16 or later"});
}

void examine_futex_waitv(Findings& findings) {
  const std::array<std::atomic<std::uint32_t>, 2> words{};
  // Neither word has the expected value, so the call returns at once where there is one.
  const std::array<FutexWait, 2> waits = {{{&words[0], 1}, {&words[1], 1}}};
  futex_wait_many(waits, 1000);
  if (futex_waits_on_many()) {
    findings.push_back({"futex_waitv", Health::ok, "available"});
    return;
  }
  findings.push_back(
      {"futex_waitv", Health::warn, "refused",
       "a reader that sleeps on several lanes wakes up every millisecond; take Linux "
       "5.16 or later, or allow the call in the container's seccomp profile"});
}

void examine_io_uring(Findings& findings) {
  // Without a place for its answer it fails in any case; the question is how.
  const long made = syscall(SYS_io_uring_setup, 0, nullptr);
  const int refusal = made < 0 ? errno : 0;
  if (made >= 0) close(static_cast<int>(made));
  if (refusal != ENOSYS && refusal != EPERM && refusal != EACCES) {
    findings.push_back({"io_uring", Health::ok, "available"});
    return;
  }
  const std::string disabled = read_small_file("/proc/sys/kernel/io_uring_disabled").value_or("0");
  findings.push_back({"io_uring", Health::warn,
                      refusal == ENOSYS ? "this kernel has none" : "refused",
                      disabled == "0" ? "only durable channels use it; allow the call in the "
                                        "container's seccomp profile"
                                      : "only durable channels use it; as root: sysctl "
                                        "kernel.io_uring_disabled=0"});
}

}  // namespace

void examine_kernel(Findings& findings) {
  examine_version(findings);
  examine_membarrier(findings);
  examine_futex_waitv(findings);
  examine_io_uring(findings);
}

}  // namespace millrace::tools
