// The one proof of death: a participant's file (participants/ID.INCARNATION) is write-locked by its
// maker from before it has a name until the maker dies. Unlocked means dead, and dead is for ever:
// a name is never used again, so any number of processes may act on the answer, with idempotent
// steps. No process ids, no heartbeats, no timeouts.
//
// - A stopped process (SIGSTOP, debugger, page fault) keeps its lock and is alive.
// - The probe asks for a *read* lock, which only a write lock refuses: a stranger who read-locks
//   the file fakes nothing.
// - A process that is being killed is alive until the kernel has torn its memory down: about 0.1 ms
//   for a small one, 0.1 ms per MiB of 4 KiB pages for a large one, later still behind a core dump.
// - A probe that fails (no descriptors left, no permission) says "alive": whoever waits waits on.
//
// Thread safety: any thread, any process. System calls: two or three; never on a message path, only
// when somebody is blocked on the suspect.
#pragma once

#include "millrace/core/participant_name.hpp"

namespace millrace {

enum class Life { alive, dead };

struct Probe {
  Life life = Life::alive;
  bool failed = false;  // then life is alive, for want of proof: Participant::count_probe_error
  int os_error = 0;     // why it failed
};

// `domain_fd`: the domain's directory. A missing file is a dead participant, as long as the domain
// itself still stands; in a domain that was removed under its processes the probe fails.
[[nodiscard]] Probe probe(int domain_fd, ParticipantName name) noexcept;

namespace detail {

// The answer for a name that participants/ does not hold.
[[nodiscard]] Probe judge_missing_file(int domain_fd) noexcept;

// The same question about a file that is open already (any access mode).
[[nodiscard]] Probe probe_open_file(int fd) noexcept;

}  // namespace detail

}  // namespace millrace
