// The processes of one restart, forks of this one. None outlives it: destroying this object kills
// what is left, and the kernel does the same if the parent is killed.
//
// Thread rules: one thread, and the process has no other.
#pragma once

#include "load_page.hpp"

#include <functional>
#include <sys/types.h>
#include <vector>

namespace millrace::bench {

class LoadProcesses {
 public:
  LoadProcesses() = default;
  LoadProcesses(const LoadProcesses&) = delete;
  LoadProcesses& operator=(const LoadProcesses&) = delete;
  ~LoadProcesses();

  // `live` runs in the child and returns its exit code.
  Result<void> start(const char* role, const ProcessWords& words, const std::function<int()>& live);

  // Until the process says that it is ready; its own error if it ends before.
  Result<void> await_ready(const ProcessWords& words, double seconds);

  // Until all have ended well. The first error ends the others.
  Result<void> finish(double seconds, const std::function<bool()>& give_up);

 private:
  struct Process {
    const char* role;
    const ProcessWords* words;
    pid_t pid;
  };

  // Takes note of those that ended; the error of one that ended badly.
  Result<void> reap();

  std::vector<Process> alive_;
};

}  // namespace millrace::bench
