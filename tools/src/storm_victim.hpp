// Where a process is at the moment it is killed, and when its death can be proven.
//
// One thread: the parent of the victims.
#pragma once

#include "millrace/core/participant_name.hpp"
#include "storm_page.hpp"

#include <cstdint>
#include <set>
#include <sys/types.h>
#include <tuple>

namespace millrace::tools {

// The instruction that a process would have executed next.
struct KillPoint {
  enum class State : std::uint32_t {
    unknown,  // this machine does not let us look
    running,  // in its own code: `where` is known, because it was held there (ptrace)
    sleeping  // in a system call, `where` it was made
  };

  State state = State::unknown;
  long system_call = -1;                       // while sleeping
  std::uint32_t image = 0;                     // 1 the program, 2 the C library, 3 elsewhere
  std::uint64_t offset = 0;                    // in that image, so that processes compare
  [[nodiscard]] bool parked() const noexcept;  // it sleeps on a futex
};

// The distinct points that were hit.
class KillPoints {
 public:
  void add(StormRole role, const KillPoint& point);

  [[nodiscard]] std::uint64_t distinct() const noexcept { return points_.size(); }

  [[nodiscard]] std::uint64_t unknown() const noexcept { return unknown_; }

 private:
  std::set<std::tuple<std::uint32_t, std::uint32_t, long, std::uint32_t, std::uint64_t>> points_;
  std::uint64_t unknown_ = 0;
};

struct Death {
  KillPoint point;
  std::uint64_t kill_ns = 0;
  std::uint64_t lock_free_ns = 0;  // 0: it was in no domain yet
  bool proven = true;              // false: its lock was not free in time
};

// SIGKILLs `pid`, a child of ours, which may be stopped; `in_its_code` waits a moment for it to
// run. Returns once it is reaped. `incarnation` 0: it has not entered the domain.
[[nodiscard]] Death strike(pid_t pid, const StormLife& life, int domain_fd, bool in_its_code);

}  // namespace millrace::tools
