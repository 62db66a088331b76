#include "counted_run.hpp"

#include "allocation_count.hpp"
#include "pinning.hpp"
#include "slice_leader.hpp"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <map>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace millrace::bench {

namespace {

constexpr std::uint64_t kControlEvents = 100;
constexpr std::size_t kSmallPage = 4096;
static_assert(kCountedSubjects.size() + 1 == kWindows);

SubjectSet counted_subjects() noexcept {
  SubjectSet set;
  for (const Subject subject : kCountedSubjects)
    set.set(index(subject));
  return set;
}

std::uint64_t page_faults() noexcept {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::uint64_t>(usage.ru_minflt + usage.ru_majflt);
}

void set_marker() noexcept {
  (void)syscall(SYS_getppid);
}

// A known number of each event, so that the counters can be seen to count.
void commit_control(Window& window) noexcept {
  const std::size_t bytes = kControlEvents * kSmallPage;
  void* const fresh =
      mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (fresh == MAP_FAILED) return;
  (void)madvise(fresh, bytes, MADV_NOHUGEPAGE);
  window.open();
  for (std::uint64_t i = 0; i < kControlEvents; ++i) {
    static_cast<volatile char*>(fresh)[i * kSmallPage] = 1;
    (void)syscall(SYS_gettid);
    void* volatile memory = std::malloc(16);
    std::free(memory);
  }
  window.close();
  munmap(fresh, bytes);
}

// Traced from the first instruction on; the parent lets it go.
void begin_traced(const CountedPlan& plan, int cpu) noexcept {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) _exit(3);
  raise(SIGSTOP);
  if (plan.pinned && !pin_to(cpu)) _exit(2);
}

[[noreturn]] void lead_counted(Grounds& grounds, const CountedPlan& plan) noexcept {
  begin_traced(plan, plan.leader_cpu);
  {
    Leader leader(grounds, counted_subjects());
    Window window(grounds, Side::leader);
    for (const Subject subject : kCountedSubjects)
      (void)leader.run(subject, 8 * kRingSlots);  // pages are touched, paths are warm
    for (const Subject subject : kCountedSubjects) {
      window.open();
      (void)leader.run(subject, plan.messages, true);
      window.close();
    }
    commit_control(window);
    leader.quit();
  }
  _exit(0);
}

// One traced process, as its tracer sees it.
struct Traced {
  pid_t pid = 0;
  bool in_window = false;
  std::size_t window = 0;
  std::array<std::map<std::uint64_t, std::uint64_t>, kWindows> calls;  // by number
  bool ended = false;
  bool good = false;
};

void note_call(Traced& traced) noexcept {
  __ptrace_syscall_info call{};
  if (ptrace(PTRACE_GET_SYSCALL_INFO, traced.pid, sizeof call, &call) <= 0) return;
  if (call.op != PTRACE_SYSCALL_INFO_ENTRY) return;
  const std::uint64_t number = call.entry.nr;
  if (number == SYS_getppid) {
    if (traced.in_window) ++traced.window;
    traced.in_window = !traced.in_window;
  } else if (traced.in_window && traced.window < kWindows) {
    ++traced.calls[traced.window][number];
  }
}

// Handles one report of waitpid and lets the process go on.
void step(Traced& traced, int status) noexcept {
  if (!WIFSTOPPED(status)) {
    traced.ended = true;
    traced.good = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    return;
  }
  constexpr int kCallStop = SIGTRAP | 0x80;
  int signal = WSTOPSIG(status);
  if (signal == kCallStop) {
    note_call(traced);
    signal = 0;
  } else if (signal == SIGTRAP || signal == SIGSTOP) {
    signal = 0;
  }
  (void)ptrace(PTRACE_SYSCALL, traced.pid, nullptr, signal);
}

// Runs both to their end. Empty, or why it could not be done.
std::string trace(std::array<Traced, 2>& both) {
  std::string refused;
  for (Traced& one : both) {
    int status = 0;
    if (waitpid(one.pid, &status, 0) != one.pid || !WIFSTOPPED(status)) {
      one.ended = true;
      refused = "tracing is refused here (ptrace): allow it, or count with strace -fc";
      continue;
    }
    const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL;
    if (ptrace(PTRACE_SETOPTIONS, one.pid, nullptr, options) != 0) {
      refused = std::string("tracing is refused here: ") + std::strerror(errno);
    }
  }
  if (refused.empty()) {
    for (const Traced& one : both)
      (void)ptrace(PTRACE_SYSCALL, one.pid, nullptr, 0);
  }
  while (!both[0].ended || !both[1].ended) {
    if (!refused.empty()) {
      for (const Traced& one : both) {
        if (!one.ended) kill(one.pid, SIGKILL);
      }
    }
    int status = 0;
    const pid_t pid = waitpid(-1, &status, __WALL);
    if (pid < 0 && errno == EINTR) continue;
    if (pid < 0) break;
    for (Traced& one : both) {
      if (one.pid != pid) continue;
      step(one, status);
      if (one.ended && !one.good && refused.empty())
        refused = "a process of the counted run failed";
    }
  }
  return refused;
}

void add_calls(CountedRow& row, const std::array<Traced, 2>& both, std::size_t window) {
  std::map<std::uint64_t, std::uint64_t> calls;
  for (const Traced& one : both) {
    for (const auto& [number, count] : one.calls[window])
      calls[number] += count;
  }
  for (const auto& [number, count] : calls) {
    row.system_calls += count;
    row.calls.append(row.calls.empty() ? "" : ", ");
    row.calls.append(std::to_string(number)).append(" x ").append(std::to_string(count));
  }
  // A death check opens a participant's file, looks at its lock and closes it: three calls that
  // come together or are something else.
  const std::uint64_t checks = calls[SYS_openat];
  if (calls[SYS_fcntl] == checks && calls[SYS_close] == checks) row.death_checks = 3 * checks;
}

bool control_is_right(const CountedRow& control) noexcept {
  // A page of the harness itself may be touched for the first time beside the planted ones.
  const bool faults =
      control.page_faults >= kControlEvents && control.page_faults < 2 * kControlEvents;
  const bool allocated = !allocations_counted() || control.allocations == kControlEvents;
  return control.system_calls == kControlEvents && faults && allocated;
}

}  // namespace

void Window::open() noexcept {
  before_ = {allocations(), page_faults()};
  set_marker();
}

void Window::close() noexcept {
  set_marker();
  const SideCount after{allocations(), page_faults()};
  if (number_ >= kWindows) return;
  SideCount& count = grounds_.orders->counts[number_++][static_cast<std::size_t>(side_)];
  count.allocations = after.allocations - before_.allocations;
  count.page_faults = after.page_faults - before_.page_faults;
}

Counted count_costs(Grounds& grounds, const CountedPlan& plan) {
  Counted counted;
  std::array<Traced, 2> both;
  both[0].pid = fork();
  if (both[0].pid == 0) lead_counted(grounds, plan);
  both[1].pid = fork();
  if (both[1].pid == 0) {
    begin_traced(plan, plan.follower_cpu);
    follow(grounds, counted_subjects());
  }
  if (both[0].pid < 0 || both[1].pid < 0) {
    for (const Traced& one : both) {
      if (one.pid > 0) kill(one.pid, SIGKILL);
    }
    while (waitpid(-1, nullptr, 0) > 0) {
    }
    counted.refused = "cannot start two processes";
    return counted;
  }
  counted.refused = trace(both);
  if (!counted.refused.empty()) return counted;
  for (std::size_t window = 0; window < kWindows; ++window) {
    CountedRow row;
    const bool control = window == kCountedSubjects.size();
    if (!control) row.subject = kCountedSubjects[window];
    row.messages = control ? 0 : plan.messages;
    for (std::size_t side = 0; side < both.size(); ++side) {
      row.allocations += grounds.orders->counts[window][side].allocations;
      row.page_faults += grounds.orders->counts[window][side].page_faults;
    }
    add_calls(row, both, window);
    counted.rows.push_back(row);
  }
  counted.control_ok = control_is_right(counted.rows.back());
  return counted;
}

}  // namespace millrace::bench
