#include "stepped_victim.hpp"

#include <array>
#include <cstddef>
#include <cstring>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>

namespace millrace::crash {

void SteppedVictim::wait_for_tracer() {
  ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
  raise(SIGSTOP);
}

void SteppedVictim::begin() {
  waitpid(pid_, &status_, 0);
  ended_ = !WIFSTOPPED(status_);
  if (!ended_) ptrace(PTRACE_SETOPTIONS, pid_, nullptr, PTRACE_O_EXITKILL);
}

SteppedVictim::~SteppedVictim() {
  if (!ended_) kill_it();
}

void SteppedVictim::break_at(std::uint64_t code) const {
  constexpr std::size_t kAddress = offsetof(struct user, u_debugreg);
  constexpr std::size_t kControl = kAddress + 7 * sizeof(std::uint64_t);
  // Off, moved, and on again: breakpoint 0, local, on the execution of one byte.
  ptrace(PTRACE_POKEUSER, pid_, kControl, 0UL);
  if (code == 0) return;
  ptrace(PTRACE_POKEUSER, pid_, kAddress, code);
  ptrace(PTRACE_POKEUSER, pid_, kControl, 1UL);
}

// A trap is ours; any other signal goes on to the victim.
bool SteppedVictim::await_trap() {
  for (;;) {
    if (waitpid(pid_, &status_, 0) != pid_ || !WIFSTOPPED(status_)) {
      ended_ = true;
      return false;
    }
    if (WSTOPSIG(status_) == SIGTRAP) return true;
    ptrace(PTRACE_CONT, pid_, nullptr, static_cast<unsigned long>(WSTOPSIG(status_)));
  }
}

bool SteppedVictim::run_to(std::uint64_t code, std::uint32_t times) {
  if (ended_) return false;
  break_at(code);
  for (std::uint32_t i = 0; i < times; ++i) {
    ptrace(PTRACE_CONT, pid_, nullptr, nullptr);
    if (!await_trap()) return false;
  }
  break_at(0);
  return true;
}

bool SteppedVictim::step() {
  ptrace(PTRACE_SINGLESTEP, pid_, nullptr, nullptr);
  return await_trap();
}

std::uint64_t SteppedVictim::next() const {
  constexpr std::size_t kNext = offsetof(struct user, regs) + offsetof(user_regs_struct, rip);
  return static_cast<std::uint64_t>(ptrace(PTRACE_PEEKUSER, pid_, kNext, nullptr));
}

void SteppedVictim::kill_it() {
  ::kill(pid_, SIGKILL);
  await_end();
}

void SteppedVictim::stop_it() {
  break_at(0);
  ptrace(PTRACE_DETACH, pid_, nullptr, static_cast<unsigned long>(SIGSTOP));
  waitpid(pid_, &status_, WUNTRACED);
  ended_ = !WIFSTOPPED(status_);
}

void SteppedVictim::resume() const {
  if (!ended_) ::kill(pid_, SIGCONT);
}

void SteppedVictim::await_end() {
  while (!ended_ && waitpid(pid_, &status_, 0) == pid_)
    ended_ = !WIFSTOPPED(status_);
}

bool SteppedVictim::went_well() const {
  return ended_ && WIFEXITED(status_) && WEXITSTATUS(status_) == 0;
}

bool is_system_call(std::uint64_t code) {
  constexpr std::array<unsigned char, 2> kSyscall{0x0f, 0x05};
  return std::memcmp(reinterpret_cast<const void*>(code), kSyscall.data(), kSyscall.size()) == 0;
}

}  // namespace millrace::crash
