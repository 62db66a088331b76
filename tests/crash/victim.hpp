// A process that dies, or stops, when it reaches a named point for the n-th time.
#pragma once

#include "millrace/core/crash_point.hpp"

#include <array>
#include <cstdio>
#include <cstring>
#include <ostream>
#include <signal.h>
#include <string>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace millrace::testing_support {

// kPoints of a test list what must be survivable; each is reached at least once, or the test fails.
struct Fate {
  const char* point;
  int times = 1;
  int signal = SIGKILL;
};

namespace detail {

inline Fate fate{nullptr};
inline int reached = 0;

inline void meet_fate(const char* point) {
  if (std::strcmp(point, fate.point) == 0 && ++reached == fate.times) kill(getpid(), fate.signal);
}

}  // namespace detail

// A forked child that runs `body` until it meets its fate.
class Victim {
 public:
  template <class Body>
  Victim(Fate fate, Body body) {
    pid_ = fork();
    if (pid_ != 0) return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    detail::fate = fate;
    millrace::detail::crash_hook = detail::meet_fate;
    const std::string wrong = body();
    if (!wrong.empty()) std::fprintf(stderr, "victim: %s\n", wrong.c_str());
    _exit(wrong.empty() ? 0 : 1);
  }

  Victim(const Victim&) = delete;
  Victim& operator=(const Victim&) = delete;

  ~Victim() {
    if (ended()) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }

  // Has it died, by its fate or at the end of its body?
  bool ended() {
    if (!ended_ && waitpid(pid_, &status_, WNOHANG) == pid_) ended_ = true;
    return ended_;
  }

  void await_end() {
    if (!ended_) waitpid(pid_, &status_, 0);
    ended_ = true;
  }

  // Returns when it has stopped; false if it ended instead.
  bool await_stop() {
    if (ended_ || waitpid(pid_, &status_, WUNTRACED) != pid_) return false;
    ended_ = !WIFSTOPPED(status_);
    return !ended_;
  }

  void resume() const { kill(pid_, SIGCONT); }

  [[nodiscard]] pid_t pid() const { return pid_; }

  // After its end.
  [[nodiscard]] bool was_killed() const { return WIFSIGNALED(status_); }

  [[nodiscard]] bool went_well() const { return WIFEXITED(status_) && WEXITSTATUS(status_) == 0; }

 private:
  pid_t pid_;
  int status_ = 0;
  bool ended_ = false;
};

}  // namespace millrace::testing_support
