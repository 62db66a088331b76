#include "run_processes.hpp"

#include "spawn_self.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <sys/wait.h>

namespace millrace::tools {

const char* to_string(RunRole role) noexcept {
  switch (role) {
    case RunRole::publisher: return "publisher";
    case RunRole::subscriber: return "subscriber";
    case RunRole::recorder: return "recorder";
  }
  return "unknown";
}

std::string RunProcess::name() const {
  const std::string which = role == RunRole::recorder ? "" : " " + std::to_string(number);
  return to_string(role) + which + " (pid " + std::to_string(pid) + ")";
}

RunProcesses::~RunProcesses() {
  for (RunProcess& process : all_)
    kill(process);
}

Result<void> RunProcesses::start(RunRole as, std::uint32_t number, const std::vector<int>& fds) {
  const char* const role = to_string(as);
  const auto pid =
      spawn_self({"millrace", "run", "--role", role, "--number", std::to_string(number)}, fds);
  if (!pid) {
    return fail_os(pid.error().os_error(), "cannot start %s %u", role, number);
  }
  all_.push_back({as, number, *pid, true, 0});
  return {};
}

bool RunProcesses::reap() {
  bool any = false;
  for (RunProcess& process : all_) {
    if (!process.alive || waitpid(process.pid, &process.status, WNOHANG) != process.pid) continue;
    process.alive = false;
    any = true;
  }
  return any;
}

void RunProcesses::kill(RunProcess& process) {
  if (!process.alive) return;
  ::kill(process.pid, SIGKILL);
  while (waitpid(process.pid, &process.status, 0) < 0 && errno == EINTR) {
  }
  process.alive = false;
}

bool RunProcesses::any_alive() const noexcept {
  return std::any_of(all_.begin(), all_.end(), [](const RunProcess& one) { return one.alive; });
}

}  // namespace millrace::tools
