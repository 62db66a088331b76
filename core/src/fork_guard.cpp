#include "millrace/core/fork_guard.hpp"

#include "millrace/core/limits.hpp"

#include <array>
#include <cstdlib>
#include <mutex>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

namespace millrace {
namespace {

// Both words are zero in a child from its first instruction on.
struct ForkWords {
  std::atomic<std::uint32_t> generation;
  std::atomic<std::uint32_t> paused;  // 1 while a ForkPause lives or a fork is under way
};

ForkWords* words = nullptr;
std::once_flag words_made;

// Ordinary memory, so that a child knows which generation it must not reuse.
std::atomic<std::uint32_t> newest_generation{0};

// fd + 1, or 0 for a free place. Read by the child alone, changed under a ForkPause.
std::array<std::atomic<int>, detail::kLifetimeLocksMax> lock_fds;

void pause_forks() noexcept {
  // [sync:fork-pause] Acquire. Without it this thread could see a half-made list of lock files.
  while (words->paused.exchange(1, std::memory_order_acquire) != 0) {
    sched_yield();
  }
}

void resume_forks() noexcept {
  // [sync:fork-pause] Release. Without it the next holder could miss a registered lock file.
  words->paused.store(0, std::memory_order_release);
}

// The first thing a child does, on its only thread. Closing is async-signal-safe.
void begin_life() noexcept {
  for (std::atomic<int>& place : lock_fds) {
    const int stored = place.exchange(0, std::memory_order_relaxed);  // one thread
    if (stored != 0) close(stored - 1);
  }
  words->paused.store(0, std::memory_order_relaxed);                                 // one thread
  const std::uint32_t next = newest_generation.load(std::memory_order_relaxed) + 1;  // one thread
  newest_generation.store(next, std::memory_order_relaxed);
  words->generation.store(next, std::memory_order_relaxed);
}

void make_words() noexcept {
  void* page =
      mmap(nullptr, kPageBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) std::abort();  // not one page left: nothing can be promised
  // Refused before Linux 4.14: then the fork handler alone tells the child.
  madvise(page, kPageBytes, MADV_WIPEONFORK);
  words = static_cast<ForkWords*>(page);
  begin_life();
  pthread_atfork(pause_forks, resume_forks, begin_life);
}

ForkWords& words_of_this_process() noexcept {
  std::call_once(words_made, make_words);
  // Zero: a child of raw clone or _Fork, for which no handler ran.
  if (words->generation.load(std::memory_order_relaxed) == 0) begin_life();
  return *words;
}

}  // namespace

std::uint32_t process_generation() noexcept {
  return words_of_this_process().generation.load(std::memory_order_relaxed);  // see foreign()
}

ForkGuard::ForkGuard() noexcept
    : word_(&words_of_this_process().generation), mine_(process_generation()) {}

namespace detail {

ForkPause::ForkPause() noexcept {
  words_of_this_process();
  pause_forks();
}

ForkPause::~ForkPause() {
  resume_forks();
}

bool close_in_child(int fd) noexcept {
  for (std::atomic<int>& place : lock_fds) {
    if (place.load(std::memory_order_relaxed) != 0) continue;  // ordered by the pause
    place.store(fd + 1, std::memory_order_relaxed);
    return true;
  }
  return false;
}

void forget_in_child(int fd) noexcept {
  for (std::atomic<int>& place : lock_fds) {
    if (place.load(std::memory_order_relaxed) != fd + 1) continue;  // ordered by the pause
    place.store(0, std::memory_order_relaxed);
    return;
  }
}

}  // namespace detail
}  // namespace millrace
