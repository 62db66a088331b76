// Runs a piece of a test in a forked child and brings back what it says: for what kills a process,
// needs other rights, or changes something for the whole process (namespaces, umask, handlers).
#pragma once

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <string>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

namespace millrace::testing_support {

struct ChildOutcome {
  std::string said;   // what the body returned
  int signal = 0;     // that killed it, 0 if it ended by itself
  int exit_code = 0;  // if it ended by itself
};

// `body` returns a string, by convention empty if all is well. A signal that kills the child does
// so without anybody's handler in between.
template <class Body>
ChildOutcome run_in_child(Body body) {
  std::array<int, 2> pipe_ends{};
  if (pipe(pipe_ends.data()) != 0) return {"no pipe", 0, 0};
  const pid_t child = fork();
  if (child == 0) {
    for (const int deadly : {SIGSEGV, SIGBUS, SIGABRT})
      ::signal(deadly, SIG_DFL);
    close(pipe_ends[0]);
    const std::string said = body();
    const bool sent = write(pipe_ends[1], said.data(), said.size()) >= 0;
    _exit(sent ? 0 : 1);
  }
  close(pipe_ends[1]);
  ChildOutcome outcome;
  std::array<char, 512> piece{};
  for (;;) {
    const ssize_t got = read(pipe_ends[0], piece.data(), piece.size());
    if (got <= 0) break;
    outcome.said.append(piece.data(), static_cast<std::size_t>(got));
  }
  close(pipe_ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  if (WIFSIGNALED(status)) outcome.signal = WTERMSIG(status);
  if (WIFEXITED(status)) outcome.exit_code = WEXITSTATUS(status);
  return outcome;
}

inline constexpr uid_t kNobody = 65534;

// Gives up root for good. False if this process is not root.
inline bool become_nobody() {
  return setgroups(0, nullptr) == 0 && setresgid(kNobody, kNobody, kNobody) == 0 &&
         setresuid(kNobody, kNobody, kNobody) == 0;
}

// Without a map of users a user namespace could not make files. `id` is who we were outside.
inline bool map_to_root(const char* map_path, unsigned id) {
  std::ofstream map(map_path);
  map << "0 " << id << " 1" << std::flush;
  return map.good();
}

// A mount namespace of its own, in which mounts are seen by nobody else. Whoever is not root
// becomes it in a user namespace of its own. False where forbidden.
inline bool leave_mount_namespace() {
  const uid_t user = geteuid();
  const gid_t group = getegid();
  if (unshare(CLONE_NEWNS | (user == 0 ? 0 : CLONE_NEWUSER)) != 0) return false;
  if (user != 0) {
    std::ofstream("/proc/self/setgroups") << "deny";
    if (!map_to_root("/proc/self/uid_map", user)) return false;
    if (!map_to_root("/proc/self/gid_map", group)) return false;
  }
  return mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
}

}  // namespace millrace::testing_support
