#include "storm_victim.hpp"

#include "millrace/core/clock.hpp"
#include "millrace/core/liveness.hpp"
#include "storm_patience.hpp"

#include <cerrno>
#include <csignal>
#include <sched.h>
#include <sys/wait.h>

namespace millrace::tools {
namespace {

// The kernel has let go of everything long before, however large it was.
constexpr std::uint64_t kLockFreeNs = 60'000'000'000;

}  // namespace

Death strike(pid_t pid, const StormLife& life, int domain_fd) {
  Death death;
  // [sync:storm-participant] Acquire: the id that goes with the incarnation.
  const std::uint64_t incarnation = life.incarnation.load(std::memory_order_acquire);
  const ParticipantName name{life.participant_id.load(std::memory_order_relaxed), incarnation};
  death.kill_ns = monotonic_ns();
  death.alive_ns = death.kill_ns;
  StormPatience patience(kLockFreeNs);
  ::kill(pid, SIGKILL);
  while (incarnation != 0 && death.lock_free_ns == 0) {
    const std::uint64_t before_ns = monotonic_ns();
    if (probe(domain_fd, name).life == Life::dead) {
      death.lock_free_ns = monotonic_ns();
      break;
    }
    death.alive_ns = before_ns;
    death.proven = !patience.over();
    if (!death.proven) break;
    sched_yield();
  }
  int status = 0;
  while (waitpid(pid, &status, __WALL) < 0 ? errno == EINTR : WIFSTOPPED(status)) {
  }
  return death;
}

}  // namespace millrace::tools
