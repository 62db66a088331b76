// The kernel's wait-on-a-word, shared between processes. Waiting works on a read-only mapping,
// which is how subscribers sleep on record headers that they cannot write.
//
// Every wait is bounded: a peer that may only read can requeue other sleepers onto a word of its
// own (FUTEX_CMP_REQUEUE), so the bound is a security feature. After every return the caller looks
// at the world again; the answer only says what happened, for counting.
//
// Thread safety: any thread. Each call is one system call.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>

namespace millrace {

enum class FutexAnswer {
  woken,        // by futex_wake, or for no reason: look again
  changed,      // the word was not (or no longer) the expected value
  timed_out,    // the bound ran out
  interrupted,  // a signal handler ran
  failed,       // the word is not there any more, or the kernel refuses: nap instead
};

struct FutexWait {
  const std::atomic<std::uint32_t>* word;
  std::uint32_t expected;
};

inline constexpr std::size_t kFutexWaitsMax = 128;  // the kernel's limit for one futex_waitv

// Sleeps while *word == expected, for at most `timeout_ns` (CLOCK_MONOTONIC).
FutexAnswer futex_wait(const std::atomic<std::uint32_t>* word, std::uint32_t expected,
                       std::uint64_t timeout_ns) noexcept;

// Sleeps until one of the words differs or is woken. More than kFutexWaitsMax words: the rest is
// not watched. No words: sleeps the bound. Where the kernel has no futex_waitv (before Linux 5.16,
// or a container refuses it) only the first is watched, for at most 1 ms.
FutexAnswer futex_wait_many(std::span<const FutexWait> waits, std::uint64_t timeout_ns) noexcept;

// Wakes at most `count` sleepers; returns how many, 0 if refused.
std::uint32_t futex_wake(const std::atomic<std::uint32_t>* word, std::uint32_t count) noexcept;

// False once the kernel has refused futex_waitv to this process.
[[nodiscard]] bool futex_waits_on_many() noexcept;

}  // namespace millrace
