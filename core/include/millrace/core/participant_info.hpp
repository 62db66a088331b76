// Who is in a domain, for people and for error sentences: read from the participants' own files,
// copied and checked, and marked with the proof of life. Needs nobody's cooperation: works
// read-only while every process of the domain is stopped.
//
// Thread safety: any thread, any process. Allocates; never on a message path.
#pragma once

#include "millrace/core/liveness.hpp"
#include "millrace/core/result.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace millrace {

struct ParticipantInfo {
  ParticipantName id;
  std::string name;  // printable ASCII; what it called itself
  std::uint32_t pid = 0;
  std::uint32_t uid = 0;            // owner of the file, which cannot lie
  std::uint64_t start_ticks = 0;    // process start, clock ticks since boot
  std::uint32_t flags = 0;          // layout::kMembarrierRegistered
  std::uint64_t repairs = 0;        // layout::Repair bits
  std::uint64_t probe_errors = 0;   // its probes that failed
  bool left = false;                // said good-bye; else, if dead, it died
  bool same_pid_namespace = false;  // is `pid` a number that means something here?
  bool intact = false;              // false: the file makes no sense, only id, uid, life hold
  Probe probe;

  [[nodiscard]] bool alive() const noexcept { return probe.life == Life::alive; }
};

// Errors: not_found (never was, or left and is gone), no_permission, format (the file makes no
// sense).
[[nodiscard]] Result<ParticipantInfo> describe(int domain_fd, ParticipantName name);

// Everybody, in order of id; files that make no sense are listed with intact = false. Empty if the
// directory cannot be read.
[[nodiscard]] std::vector<ParticipantInfo> list_participants(int domain_fd);

// A process that holds the lock of a participant's file.
struct LockHolder {
  std::uint32_t pid = 0;  // in this pid namespace
  std::string command;    // from /proc/PID/comm
  bool dumping = false;   // a core dump is being written: the lock goes when it is done
};

// Who keeps this participant alive? Normally its one process; after that has died, a child of raw
// clone or _Fork that inherited the lock, or a process in the middle of its core dump. Reads all of
// /proc: what this user may not look into is not named.
[[nodiscard]] std::vector<LockHolder> holders(int domain_fd, ParticipantName name);

}  // namespace millrace
