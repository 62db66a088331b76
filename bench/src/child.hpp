// A piece of work in a process of its own: it may open a domain, be pinned, and touch memory that
// nobody else has touched. It ends with its parent.
#pragma once

#include "pinning.hpp"

#include <csignal>
#include <cstdint>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

namespace millrace::bench {

class Child {
 public:
  // `cpu` below 0: not pinned.
  template <class Work>
  static Child run(int cpu, Work&& work) noexcept {
    const pid_t parent = getpid();
    const pid_t pid = fork();
    if (pid != 0) return Child(pid);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(2);
    if (cpu >= 0 && !pin_to(cpu)) _exit(2);
    std::forward<Work>(work)();
    _exit(0);
  }

  Child(Child&& other) noexcept : pid_(std::exchange(other.pid_, -1)) {}

  Child& operator=(Child&&) = delete;
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  ~Child() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }

  // Waits for its end. False: it could not be started, or failed.
  [[nodiscard]] bool ended_well() noexcept {
    int status = 0;
    const pid_t pid = std::exchange(pid_, -1);
    while (pid > 0 && waitpid(pid, &status, 0) != pid) {
    }
    return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
  }

 private:
  explicit Child(pid_t pid) noexcept : pid_(pid) {}

  pid_t pid_;
};

}  // namespace millrace::bench
