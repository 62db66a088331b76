#include "spawn_self.hpp"

#include "millrace/core/descriptor.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <spawn.h>
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

Result<pid_t> spawn_self(std::vector<std::string> words, const std::vector<int>& fds) {
  SpawnPlan plan;
  for (std::size_t each = 0; each < fds.size(); ++each) {
    if (fds[each] >= 0 && !plan.pass(fds[each], kFirstFd + static_cast<int>(each))) {
      return fail_os(errno, "cannot pass descriptor %d on", fds[each]);
    }
  }
  std::vector<char*> arguments(words.size() + 1, nullptr);
  std::transform(words.begin(), words.end(), arguments.begin(),
                 [](std::string& word) { return word.data(); });
  pid_t pid = 0;
  const int refused = posix_spawn(&pid, "/proc/self/exe", &plan.actions, &plan.attributes,
                                  arguments.data(), environ);
  if (refused != 0) return fail_os(refused, "cannot start this program again");
  return pid;
}

}  // namespace millrace::tools
