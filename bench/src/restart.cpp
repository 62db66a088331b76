#include "restart.hpp"

#include "grounds.hpp"
#include "pinning.hpp"
#include "slice_leader.hpp"

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace millrace::bench {

namespace {

// Beyond its time a restart may need this long for opening, warming up and handing over, on a busy
// machine; after that it hangs.
constexpr double kGraceSeconds = 60;

void begin_child(pid_t parent, const RestartPlan& plan, int cpu) noexcept {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(2);
  if (plan.pinned && !pin_to(cpu)) {
    (void)std::fprintf(stderr, "millrace: cannot pin a process to CPU %d: %s\n", cpu,
                       std::strerror(errno));
    _exit(2);
  }
}

bool write_all(int fd, const void* data, std::size_t bytes) noexcept {
  const auto* at = static_cast<const char*>(data);
  while (bytes != 0) {
    const ssize_t wrote = write(fd, at, bytes);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) return false;
    at += wrote;
    bytes -= static_cast<std::size_t>(wrote);
  }
  return true;
}

[[noreturn]] void lead(Grounds& grounds, const RestartPlan& plan, int out) noexcept {
  bool written = false;
  {
    Leader leader(grounds, plan.subjects);
    const auto samples = leader.rounds(plan.seconds, plan.number);
    leader.quit();
    written = write_all(out, samples.data(), samples.size() * sizeof(SliceSample));
  }
  _exit(written ? 0 : 2);
}

// The parent's hold on both processes.
class Pair {
 public:
  Pair(pid_t leader, pid_t follower) noexcept : pids_{leader, follower} {}

  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;

  ~Pair() { kill_both(); }

  void kill_both() noexcept {
    for (pid_t& pid : pids_) {
      if (pid <= 0) continue;
      kill(pid, SIGKILL);
      waitpid(pid, nullptr, 0);
      pid = 0;
    }
  }

  // Whether one has ended, and badly. The other will then wait for it for ever.
  bool one_failed() noexcept {
    bool failed = false;
    for (pid_t& pid : pids_) {
      int status = 0;
      if (pid <= 0 || waitpid(pid, &status, WNOHANG) != pid) continue;
      failed = failed || !WIFEXITED(status) || WEXITSTATUS(status) != 0;
      pid = 0;
    }
    return failed;
  }

  // Both have ended well.
  bool ended_well() noexcept {
    bool well = true;
    for (pid_t& pid : pids_) {
      int status = 0;
      if (pid > 0) well = waitpid(pid, &status, 0) == pid && WIFEXITED(status) && well;
      well = well && WEXITSTATUS(status) == 0;
      pid = 0;
    }
    return well;
  }

 private:
  std::array<pid_t, 2> pids_;
};

// Reads until the leader closes its end.
Result<std::vector<SliceSample>> collect(Pair& both, int in, double seconds) {
  std::vector<SliceSample> samples;
  std::vector<char> bytes;
  const auto deadline =
      std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds + kGraceSeconds);
  for (std::array<char, 65536> part{};;) {
    pollfd waiting{.fd = in, .events = POLLIN, .revents = 0};
    const int ready = poll(&waiting, 1, 200);
    if (ready < 0) return fail_os(errno, "interrupted");
    if (ready == 0) {
      if (both.one_failed()) return fail(Errc::system, "a process of the bench failed");
      if (std::chrono::steady_clock::now() > deadline) {
        return fail(Errc::timeout,
                    "the two processes made no progress for %.0f s: are both CPUs "
                    "free?",
                    kGraceSeconds);
      }
      continue;
    }
    const ssize_t got = read(in, part.data(), part.size());
    if (got < 0) return fail_os(errno, "interrupted");
    if (got == 0) break;
    bytes.insert(bytes.end(), part.begin(), part.begin() + got);
  }
  if (!both.ended_well()) return fail(Errc::system, "a process of the bench failed");
  samples.resize(bytes.size() / sizeof(SliceSample));
  if (!samples.empty())
    std::memcpy(samples.data(), bytes.data(), samples.size() * sizeof samples[0]);
  return samples;
}

}  // namespace

Result<std::vector<SliceSample>> run_restart(const RestartPlan& plan) {
  auto grounds = Grounds::make(plan.domain);
  if (!grounds) return Failure(grounds.error());
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return fail_os(errno, "cannot make a pipe");
  const Descriptor in(ends[0]);
  Descriptor out(ends[1]);
  const pid_t parent = getpid();
  const pid_t leader = fork();
  if (leader == 0) {
    begin_child(parent, plan, plan.leader_cpu);
    lead(*grounds, plan, out.get());
  }
  const pid_t follower = leader < 0 ? -1 : fork();
  if (follower == 0) {
    out = Descriptor();
    begin_child(parent, plan, plan.follower_cpu);
    follow(*grounds, plan.subjects);
  }
  const int refused = errno;
  Pair both(leader, follower);
  if (leader < 0 || follower < 0) return fail_os(refused, "cannot start two processes");
  out = Descriptor();
  return collect(both, in.get(), plan.seconds);
}

}  // namespace millrace::bench
