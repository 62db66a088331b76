#include "storm_victim.hpp"

#include "millrace/core/clock.hpp"
#include "millrace/core/descriptor.hpp"
#include "millrace/core/liveness.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sched.h>
#include <string>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace millrace::tools {
namespace {

constexpr std::uint64_t kWaitToRunNs = 500'000;
constexpr std::uint64_t kWaitToHoldNs = 100'000'000;
// The kernel has let go of everything long before, however large it was.
constexpr std::uint64_t kLockFreeNs = 60'000'000'000;
// Nearer than this to a known function is in the same image.
constexpr std::uint64_t kImageBytes = std::uint64_t{16} << 20;

// "running", or number, arguments, stack pointer and instruction pointer; empty where we may not.
std::string read_system_call(pid_t pid) {
  const std::string path = "/proc/" + std::to_string(pid) + "/syscall";
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::array<char, 256> text{};
  const ssize_t got = file.valid() ? read(file.get(), text.data(), text.size() - 1) : -1;
  return got > 0 ? std::string(text.data(), static_cast<std::size_t>(got)) : std::string();
}

void locate(KillPoint& point, std::uint64_t address, const StormLife& life) noexcept {
  const auto near = [&](std::uint64_t anchor) {
    return anchor != 0 && address - anchor + kImageBytes < 2 * kImageBytes;
  };
  if (near(life.program_anchor)) {
    point.image = 1;
    point.offset = address - life.program_anchor;
  } else if (near(life.library_anchor)) {
    point.image = 2;
    point.offset = address - life.library_anchor;
  } else {
    point.image = 3;
    point.offset = address & 0xfff;  // all that address randomisation leaves as it was
  }
}

// Holds a running process where it is. False: it cannot be held, or is gone.
bool hold(pid_t pid) noexcept {
  if (ptrace(PTRACE_SEIZE, pid, nullptr, nullptr) != 0) return false;
  if (ptrace(PTRACE_INTERRUPT, pid, nullptr, nullptr) != 0) return false;
  const std::uint64_t until_ns = monotonic_ns() + kWaitToHoldNs;
  int status = 0;
  while (waitpid(pid, &status, WNOHANG | __WALL) == 0) {
    if (monotonic_ns() > until_ns) return false;
    sched_yield();
  }
  return WIFSTOPPED(status);
}

KillPoint look(pid_t pid, const StormLife& life, bool in_its_code) {
  KillPoint point;
  std::string text = read_system_call(pid);
  const std::uint64_t until_ns = monotonic_ns() + kWaitToRunNs;
  while (in_its_code && !text.starts_with("running") && !text.empty() && monotonic_ns() < until_ns)
    text = read_system_call(pid);
  if (text.empty()) return point;
  if (!text.starts_with("running")) {
    point.system_call = std::strtol(text.c_str(), nullptr, 10);
    // Without a number it was stopped in its own code.
    point.state = point.system_call < 0 ? KillPoint::State::running : KillPoint::State::sleeping;
    const std::size_t last = text.rfind(' ');
    if (last != std::string::npos) {
      locate(point, std::strtoull(text.c_str() + last + 1, nullptr, 16), life);
    }
    return point;
  }
  __ptrace_syscall_info info{};
  if (!hold(pid)) return point;
  if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info) <= 0) return point;
  point.state = KillPoint::State::running;
  locate(point, info.instruction_pointer, life);
  return point;
}

}  // namespace

bool KillPoint::parked() const noexcept {
  if (state != State::sleeping) return false;
#ifdef SYS_futex_waitv
  if (system_call == SYS_futex_waitv) return true;
#endif
  return system_call == SYS_futex;
}

void KillPoints::add(StormRole role, const KillPoint& point) {
  if (point.state == KillPoint::State::unknown) {
    ++unknown_;
    return;
  }
  points_.emplace(static_cast<std::uint32_t>(role), static_cast<std::uint32_t>(point.state),
                  point.system_call, point.image, point.offset);
}

Death strike(pid_t pid, const StormLife& life, int domain_fd, bool in_its_code) {
  Death death;
  death.point = look(pid, life, in_its_code);
  // [sync:storm-participant] Acquire: the id that goes with the incarnation.
  const std::uint64_t incarnation = life.incarnation.load(std::memory_order_acquire);
  const ParticipantName name{life.participant_id.load(std::memory_order_relaxed), incarnation};
  death.kill_ns = monotonic_ns();
  ::kill(pid, SIGKILL);
  while (incarnation != 0 && death.lock_free_ns == 0) {
    const std::uint64_t now = monotonic_ns();
    if (probe(domain_fd, name).life == Life::dead) death.lock_free_ns = now;
    if (now - death.kill_ns > kLockFreeNs) {
      death.proven = false;
      break;
    }
    sched_yield();
  }
  int status = 0;
  while (waitpid(pid, &status, __WALL) < 0 ? errno == EINTR : WIFSTOPPED(status)) {
  }
  return death;
}

}  // namespace millrace::tools
