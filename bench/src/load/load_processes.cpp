#include "load_processes.hpp"

#include "millrace/core/clock.hpp"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace millrace::bench {

namespace {

constexpr useconds_t kLookUs = 2'000;

// Ctrl-C reaches the whole foreground group, but it is the parent that ends us.
void follow_parent(pid_t parent) noexcept {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP})
    std::signal(signal, SIG_IGN);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);
}

Result<void> why_it_ended(const char* role, const ProcessWords& words, int status) {
  // [sync:load-failed] Acquire: the sentence is complete.
  const auto code = static_cast<Errc>(words.failed.load(std::memory_order_acquire));
  if (code != Errc{}) {
    return Failure(Error(
        code, 0, {words.sentence.data(), strnlen(words.sentence.data(), words.sentence.size())}));
  }
  if (WIFSIGNALED(status)) {
    return fail(Errc::system, "the %s of the load was killed by signal %d (%s)", role,
                WTERMSIG(status), strsignal(WTERMSIG(status)));
  }
  if (WEXITSTATUS(status) == 0) return {};
  return fail(Errc::system, "the %s of the load ended with exit code %d", role,
              WEXITSTATUS(status));
}

}  // namespace

LoadProcesses::~LoadProcesses() {
  for (const Process& process : alive_) {
    kill(process.pid, SIGKILL);
    while (waitpid(process.pid, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
}

Result<void> LoadProcesses::start(const char* role, const ProcessWords& words,
                                  const std::function<int()>& live) {
  std::fflush(nullptr);  // else the child would print it once more
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid < 0) return fail_os(errno, "cannot start the %s of the load", role);
  if (pid == 0) {
    follow_parent(parent);
    _exit(live());
  }
  alive_.push_back({role, &words, pid});
  return {};
}

Result<void> LoadProcesses::reap() {
  for (std::size_t each = 0; each < alive_.size();) {
    int status = 0;
    const Process process = alive_[each];
    if (waitpid(process.pid, &status, WNOHANG) != process.pid) {
      ++each;
      continue;
    }
    alive_.erase(alive_.begin() + static_cast<std::ptrdiff_t>(each));
    if (auto well = why_it_ended(process.role, *process.words, status); !well) return well;
  }
  return {};
}

Result<void> LoadProcesses::await_ready(const ProcessWords& words, double seconds) {
  const std::uint64_t until = monotonic_ns() + static_cast<std::uint64_t>(seconds * 1e9);
  // [sync:load-ready] Acquire: what it made is there.
  while (words.ready.load(std::memory_order_acquire) == 0) {
    if (auto well = reap(); !well) return well;
    if (monotonic_ns() > until) return fail(Errc::timeout, "a process of the load does not begin");
    usleep(kLookUs);
  }
  return {};
}

Result<void> LoadProcesses::finish(double seconds, const std::function<bool()>& give_up) {
  const std::uint64_t until = monotonic_ns() + static_cast<std::uint64_t>(seconds * 1e9);
  while (!alive_.empty()) {
    if (auto well = reap(); !well) return well;
    if (give_up && give_up()) return fail(Errc::closed, "ended before it was done");
    if (monotonic_ns() > until) {
      return fail(Errc::timeout,
                  "the %s of the load made no progress for too long: are the processors taken?",
                  alive_.front().role);
    }
    usleep(kLookUs);
  }
  return {};
}

}  // namespace millrace::bench
