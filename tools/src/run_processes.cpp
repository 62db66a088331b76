#include "run_processes.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace millrace::tools {
namespace {

constexpr int kFirstFd = 3;
constexpr int kOutOfTheWay = 64;

class SpawnPlan {
 public:
  SpawnPlan() {
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    // Until it ignores Ctrl-C by itself, the child does not see it.
    sigset_t blocked;
    sigemptyset(&blocked);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP})
      sigaddset(&blocked, signal);
    posix_spawnattr_setsigmask(&attributes, &blocked);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  }

  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;

  ~SpawnPlan() {
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
  }

  // Through a high number, because a low one may be the target of another.
  bool pass(int fd, int target) {
    held.emplace_back(fcntl(fd, F_DUPFD_CLOEXEC, kOutOfTheWay));
    return held.back().valid() &&
           posix_spawn_file_actions_adddup2(&actions, held.back().get(), target) == 0;
  }

  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  std::vector<Descriptor> held;
};

}  // namespace

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
  SpawnPlan plan;
  for (std::size_t each = 0; each < fds.size(); ++each) {
    if (fds[each] >= 0 && !plan.pass(fds[each], kFirstFd + static_cast<int>(each))) {
      return fail_os(errno, "cannot pass the results to %s %u", role, number);
    }
  }
  std::array<std::string, 6> words{"millrace", "run",      "--role",
                                   role,       "--number", std::to_string(number)};
  std::array<char*, 7> arguments{};
  std::transform(words.begin(), words.end(), arguments.begin(),
                 [](std::string& word) { return word.data(); });
  RunProcess process{as, number, 0, true, 0};
  const int refused = posix_spawn(&process.pid, "/proc/self/exe", &plan.actions, &plan.attributes,
                                  arguments.data(), environ);
  if (refused != 0) return fail_os(refused, "cannot start %s %u", role, number);
  all_.push_back(process);
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
