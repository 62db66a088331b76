// The processes of one run: this program, started again in a role. Whatever happens to the parent,
// none of them outlives it: destroying this object kills what is left, and the kernel does the same
// if the parent is killed (PR_SET_PDEATHSIG in the child).
//
// Thread rules: the thread that started them must live as long as they do; one thread.
#pragma once

#include "millrace/core/descriptor.hpp"
#include "millrace/core/result.hpp"

#include <cstdint>
#include <string>
#include <sys/types.h>
#include <vector>

namespace millrace::tools {

enum class RunRole : std::uint8_t { publisher, subscriber, recorder };

[[nodiscard]] const char* to_string(RunRole role) noexcept;

struct RunProcess {
  RunRole role = RunRole::publisher;
  std::uint32_t number = 0;
  pid_t pid = 0;
  bool alive = false;
  int status = 0;  // of waitpid, once it is no longer alive

  [[nodiscard]] bool publisher() const noexcept { return role == RunRole::publisher; }

  // "publisher 0 (pid 4711)"
  [[nodiscard]] std::string name() const;
};

class RunProcesses {
 public:
  RunProcesses() = default;
  RunProcesses(const RunProcesses&) = delete;
  RunProcesses& operator=(const RunProcesses&) = delete;
  ~RunProcesses();

  // `fds` become 3, 4, ... in the child; -1 leaves its place free.
  [[nodiscard]] Result<void> start(RunRole role, std::uint32_t number, const std::vector<int>& fds);

  // Takes note of those that have ended; true if there were any.
  bool reap();

  // SIGKILL, also for one that is stopped, and waits for the kernel to be done with it.
  void kill(RunProcess& process);

  [[nodiscard]] std::vector<RunProcess>& all() noexcept { return all_; }

  [[nodiscard]] bool any_alive() const noexcept;

 private:
  std::vector<RunProcess> all_;
};

}  // namespace millrace::tools
