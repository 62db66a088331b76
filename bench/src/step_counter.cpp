#include "step_counter.hpp"

#if defined(__x86_64__) && !defined(MILLRACE_ASAN) && !defined(MILLRACE_TSAN)

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <sys/mman.h>
#include <ucontext.h>
#include <vector>

namespace millrace::bench {

namespace {

constexpr greg_t kTrapFlag = 0x100;
constexpr std::size_t kLinesMax = 4096;
constexpr std::uint64_t kLineBytes = 64;

struct SharedMapping {
  std::uint64_t from = 0;
  std::uint64_t to = 0;
  std::uint64_t file = 0;    // its inode: one file may be mapped several times
  std::uint64_t offset = 0;  // of `from` in it
  int access = PROT_NONE;
};

struct Line {
  std::uint64_t file = 0;
  std::uint64_t number = 0;

  bool operator==(const Line&) const = default;
};

// Of the one thread that counts. Handlers run on it, so plain words do.
constinit std::uint64_t steps = 0;
constinit bool counting_lines = false;
std::vector<SharedMapping> mappings;
constinit std::array<Line, kLinesMax> lines{};
constinit std::size_t lines_of_message = 0;
constinit std::uint64_t lines_of_all = 0;

void set_access(bool open) noexcept {
  for (const SharedMapping& one : mappings) {
    (void)mprotect(reinterpret_cast<void*>(one.from), one.to - one.from,
                   open ? one.access : PROT_NONE);
  }
}

void note_line(std::uint64_t address) noexcept {
  for (const SharedMapping& one : mappings) {
    if (address < one.from || address >= one.to) continue;
    const Line line{one.file, (one.offset + address - one.from) / kLineBytes};
    const auto end = lines.begin() + static_cast<std::ptrdiff_t>(lines_of_message);
    if (std::find(lines.begin(), end, line) == end && lines_of_message < kLinesMax)
      lines[lines_of_message++] = line;
    return;
  }
  std::signal(SIGSEGV, SIG_DFL);  // not ours: it happens again, and ends the process
}

void on_trap(int, siginfo_t*, void* context) noexcept {
  auto& registers = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
  if (!counting_lines) {
    ++steps;
    return;
  }
  set_access(false);  // the instruction that was let through is over
  registers[REG_EFL] &= ~kTrapFlag;
}

void on_closed(int, siginfo_t* info, void* context) noexcept {
  note_line(reinterpret_cast<std::uint64_t>(info->si_addr));
  set_access(true);
  static_cast<ucontext_t*>(context)->uc_mcontext.gregs[REG_EFL] |= kTrapFlag;
}

void handle(int signal, void (*handler)(int, siginfo_t*, void*)) noexcept {
  struct sigaction action = {};
  action.sa_sigaction = handler;
  action.sa_flags = SA_SIGINFO;
  sigaction(signal, &action, nullptr);
}

// The stack below the stack pointer belongs to the compiler: step over it first.
void set_trap_flag() noexcept {
  asm volatile(
      "lea -128(%%rsp), %%rsp\n pushfq\n orq $0x100, (%%rsp)\n popfq\n lea 128(%%rsp), "
      "%%rsp" ::
          : "memory", "cc");
}

void clear_trap_flag() noexcept {
  asm volatile(
      "lea -128(%%rsp), %%rsp\n pushfq\n andq $~0x100, (%%rsp)\n popfq\n lea 128(%%rsp), "
      "%%rsp" ::
          : "memory", "cc");
}

std::uint64_t counted_steps() noexcept {
  clear_trap_flag();
  return steps;
}

void start() noexcept {
  steps = 0;
  set_trap_flag();
}

}  // namespace

bool steps_countable() noexcept {
  return true;
}

void begin_steps() noexcept {
  handle(SIGTRAP, on_trap);
  start();
}

std::uint64_t end_steps() noexcept {
  const std::uint64_t all = counted_steps();
  start();
  const std::uint64_t own = counted_steps();  // of the counting itself
  return all > own ? all - own : 0;
}

void begin_lines(const std::string& directory) {
  mappings.clear();
  std::ifstream file("/proc/self/maps");
  for (std::string text; std::getline(file, text);) {
    SharedMapping one;
    std::array<char, 8> rights{};
    int path = 0;
    if (std::sscanf(text.c_str(), "%lx-%lx %7s %lx %*s %lu %n", &one.from, &one.to, rights.data(),
                    &one.offset, &one.file, &path) < 5) {
      continue;
    }
    const std::string_view name = std::string_view(text).substr(static_cast<std::size_t>(path));
    if (rights[3] != 's' || !name.starts_with(directory)) continue;
    one.access = (rights[0] == 'r' ? PROT_READ : 0) | (rights[1] == 'w' ? PROT_WRITE : 0);
    if (one.access != PROT_NONE) mappings.push_back(one);
  }
  file.close();
  lines_of_message = 0;
  lines_of_all = 0;
  counting_lines = true;
  handle(SIGTRAP, on_trap);
  handle(SIGSEGV, on_closed);
  set_access(false);
}

void next_message() noexcept {
  lines_of_all += lines_of_message;
  lines_of_message = 0;
}

std::uint64_t end_lines() noexcept {
  set_access(true);
  counting_lines = false;
  next_message();
  std::signal(SIGSEGV, SIG_DFL);
  return lines_of_all;
}

}  // namespace millrace::bench

#else

namespace millrace::bench {

bool steps_countable() noexcept {
  return false;
}

void begin_steps() noexcept {}

std::uint64_t end_steps() noexcept {
  return 0;
}

void begin_lines(const std::string&) {}

void next_message() noexcept {}

std::uint64_t end_lines() noexcept {
  return 0;
}

}  // namespace millrace::bench

#endif
