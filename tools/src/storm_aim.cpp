#include "storm_aim.hpp"

#include "millrace/core/clock.hpp"
#include "millrace/core/descriptor.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fcntl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace millrace::tools {
namespace {

// Longer than a reader parks (10 ms), and than any pause of a publisher.
constexpr std::chrono::milliseconds kWaitToWake{25};
// An instruction that takes longer is a system call that sleeps.
constexpr std::chrono::milliseconds kWaitForStep{3};
constexpr std::chrono::milliseconds kWaitToHold{100};
// Nearer than this to a known function is in the same image.
constexpr std::uint64_t kImageBytes = std::uint64_t{16} << 20;

// While it lives the end of a wait can be waited for with a bound.
class ChildSignal {
 public:
  ChildSignal() noexcept {
    sigemptyset(&child_);
    sigaddset(&child_, SIGCHLD);
    pthread_sigmask(SIG_BLOCK, &child_, &before_);
  }

  ChildSignal(const ChildSignal&) = delete;
  ChildSignal& operator=(const ChildSignal&) = delete;

  ~ChildSignal() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

  void wait(std::chrono::nanoseconds bound) const noexcept {
    const timespec time{bound.count() / 1'000'000'000, bound.count() % 1'000'000'000};
    sigtimedwait(&child_, nullptr, &time);
  }

 private:
  sigset_t child_{};
  sigset_t before_{};
};

class Held {
 public:
  explicit Held(pid_t pid) noexcept : pid_(pid) {
    held_ = ptrace(PTRACE_SEIZE, pid, nullptr, kSystemCallsMarked) == 0 && interrupt();
  }

  [[nodiscard]] bool held() const noexcept { return held_; }

  [[nodiscard]] bool gone() const noexcept { return gone_; }

  // False from each of these: it is not held any more, because it is gone or sleeps.
  bool leave_system_call() noexcept {
    // First the call is entered again, because holding it had broken it off.
    for (int stops = 0; stops < 2; ++stops) {
      if (!go(PTRACE_SYSCALL, kWaitToWake)) return false;
    }
    return true;
  }

  bool run_on(std::uint64_t ns) noexcept {
    if (ptrace(PTRACE_CONT, pid_, nullptr, nullptr) != 0) return false;
    const std::uint64_t until_ns = monotonic_ns() + ns;
    while (monotonic_ns() < until_ns) {
    }
    return interrupt();
  }

  bool step() noexcept { return go(PTRACE_SINGLESTEP, kWaitForStep); }

 private:
  static constexpr unsigned long kSystemCallsMarked = PTRACE_O_TRACESYSGOOD;

  bool interrupt() noexcept {
    return ptrace(PTRACE_INTERRUPT, pid_, nullptr, nullptr) == 0 && await_stop(kWaitToHold);
  }

  bool go(__ptrace_request how, std::chrono::nanoseconds bound) noexcept {
    return ptrace(how, pid_, nullptr, nullptr) == 0 && await_stop(bound);
  }

  bool await_stop(std::chrono::nanoseconds bound) noexcept {
    const std::uint64_t until_ns = monotonic_ns() + static_cast<std::uint64_t>(bound.count());
    int status = 0;
    for (;;) {
      const pid_t found = waitpid(pid_, &status, WNOHANG | __WALL);
      gone_ = found == pid_ && !WIFSTOPPED(status);
      if (found != 0) return found == pid_ && !gone_;
      const std::uint64_t now_ns = monotonic_ns();
      if (now_ns >= until_ns) return false;
      signal_.wait(std::chrono::nanoseconds(until_ns - now_ns));
    }
  }

  pid_t pid_;
  ChildSignal signal_;
  bool gone_ = false;
  bool held_ = false;
};

// "running", or number, arguments, stack pointer and instruction pointer, the number -1 outside of
// system calls; empty where we may not look.
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

KillPoint look(pid_t pid, const StormLife& life) {
  KillPoint point;
  const std::string text = read_system_call(pid);
  if (text.empty()) return point;
  point.state = KillPoint::State::running;
  if (text.starts_with("running")) return point;  // and nobody knows where
  point.system_call = std::strtol(text.c_str(), nullptr, 10);
  if (point.system_call >= 0) point.state = KillPoint::State::sleeping;
  const std::size_t last = text.rfind(' ');
  if (last != std::string::npos) {
    locate(point, std::strtoull(text.c_str() + last + 1, nullptr, 16), life);
  }
  return point;
}

bool in_system_call(pid_t pid, const StormLife& life) {
  return look(pid, life).state == KillPoint::State::sleeping;
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
  if (point.state == KillPoint::State::unknown || point.image == 0) {
    ++unknown_;
    return;
  }
  points_.emplace(role, point.state, point.system_call, point.image, point.offset);
}

std::uint64_t KillPoints::distinct_running() const noexcept {
  return static_cast<std::uint64_t>(
      std::count_if(points_.begin(), points_.end(),
                    [](const Key& key) { return std::get<1>(key) == KillPoint::State::running; }));
}

std::vector<std::string> KillPoints::names() const {
  constexpr std::array<const char*, 4> kImages = {"", "program", "libc", "elsewhere"};
  std::vector<std::string> found;
  for (const auto& [role, state, call, image, offset] : points_) {
    const std::string doing =
        state == KillPoint::State::running ? "running" : "in call " + std::to_string(call);
    std::array<char, 32> where{};
    std::snprintf(where.data(), where.size(), "%+lld", static_cast<long long>(offset));
    found.push_back(std::string(to_string(role)) + " " + doing + " at " + kImages[image] +
                    where.data());
  }
  return found;
}

KillPoint take_aim(pid_t pid, const StormLife& life, const StormAim& aim) {
  if (!aim.held) {
    const KillPoint point = look(pid, life);
    if (point.image != 0) return point;
  }
  Held victim(pid);  // also to see where somebody is that runs
  bool held = victim.held() && aim.held;
  if (held && in_system_call(pid, life)) held = victim.leave_system_call();
  if (held && aim.run_on_ns != 0) held = victim.run_on(aim.run_on_ns);
  for (std::uint32_t step = 0; held && step < aim.steps; ++step)
    held = victim.step();
  KillPoint point = victim.gone() ? KillPoint{} : look(pid, life);
  point.gone = victim.gone();
  return point;
}

}  // namespace millrace::tools
