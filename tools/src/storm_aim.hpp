// Brings a process to the moment at which it is to die, and says where that is.
//
// Most of the time the processes of a storm sleep, and whoever is killed just so dies asleep, at
// one of a few instructions. So most victims are held (ptrace), go on until they have left the
// system call that they were in, run on for a moment, and then instruction by instruction.
//
// One thread: the parent of the victims.
#pragma once

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
    running,  // in its own code
    sleeping  // in a system call, or about to return from it; `offset` is where it was made
  };

  State state = State::unknown;
  long system_call = -1;                       // while sleeping
  std::uint32_t image = 0;                     // 1 the program, 2 the C library, 3 elsewhere
  std::uint64_t offset = 0;                    // in that image, so that processes compare
  bool gone = false;                           // it had left by itself, and is reaped
  [[nodiscard]] bool parked() const noexcept;  // it sleeps on a futex
};

// The distinct points that were hit.
class KillPoints {
 public:
  void add(StormRole role, const KillPoint& point);

  [[nodiscard]] std::uint64_t distinct() const noexcept { return points_.size(); }

  // Of these, the ones in a process that ran.
  [[nodiscard]] std::uint64_t distinct_running() const noexcept;

  [[nodiscard]] std::uint64_t unknown() const noexcept { return unknown_; }

  // "publisher running program+1a2b", a line each: to unite the points of many storms.
  [[nodiscard]] std::vector<std::string> names() const;

 private:
  using Key = std::tuple<StormRole, KillPoint::State, long, std::uint32_t, std::uint64_t>;

  std::set<Key> points_;
  std::uint64_t unknown_ = 0;
};

struct StormAim {
  bool held = false;            // false: just as it is
  std::uint64_t run_on_ns = 0;  // once it runs in its own code, it goes on for so long
  std::uint32_t steps = 0;      // and then for so many instructions
};

// `pid` is a child of ours. Who is held stays so until it is killed; who is stopped already is
// only looked at. REQUIRES: aim.held only where nobody has stopped it.
[[nodiscard]] KillPoint take_aim(pid_t pid, const StormLife& life, const StormAim& aim);

}  // namespace millrace::tools
