// The death of a process, and when it can be proven.
//
// One thread: the parent of the victims.
#pragma once

#include "storm_page.hpp"

#include <cstdint>
#include <sys/types.h>

namespace millrace::tools {

// Nobody sees the moment at which a lock becomes free, only that it was not free yet and that it
// is: what a storm says of times is measured from the first of these, or to the second, and is
// never less than what it was.
struct Death {
  std::uint64_t kill_ns = 0;
  std::uint64_t alive_ns = 0;      // the lock was not free yet
  std::uint64_t lock_free_ns = 0;  // it was; 0: it was in no domain yet
  bool proven = true;              // false: its lock was not free in time
};

// SIGKILLs `pid`, a child of ours, which may be stopped or held. Returns once it is reaped.
[[nodiscard]] Death strike(pid_t pid, const StormLife& life, int domain_fd);

}  // namespace millrace::tools
