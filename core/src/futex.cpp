#include "millrace/core/futex.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <ctime>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace millrace {
namespace {

constexpr std::uint64_t kSecondNs = 1'000'000'000;
constexpr std::uint64_t kFallbackNs = 1'000'000;
constexpr std::uint64_t kTimeoutMaxNs = kSecondNs * 3600;  // an hour; keeps the sum below in range

std::atomic<bool> waitv_refused{false};

timespec to_timespec(std::uint64_t ns) noexcept {
  return {static_cast<time_t>(ns / kSecondNs), static_cast<long>(ns % kSecondNs)};
}

timespec deadline_after(std::uint64_t timeout_ns) noexcept {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return to_timespec(static_cast<std::uint64_t>(now.tv_sec) * kSecondNs +
                     static_cast<std::uint64_t>(now.tv_nsec) + timeout_ns);
}

FutexAnswer answer_of(int os_error) noexcept {
  switch (os_error) {
    case 0: return FutexAnswer::woken;
    case EAGAIN: return FutexAnswer::changed;
    case ETIMEDOUT: return FutexAnswer::timed_out;
    case EINTR: return FutexAnswer::interrupted;
    default: return FutexAnswer::failed;
  }
}

FutexAnswer nap(std::uint64_t timeout_ns) noexcept {
  const timespec bound = to_timespec(timeout_ns);
  return nanosleep(&bound, nullptr) == 0 ? FutexAnswer::timed_out : FutexAnswer::interrupted;
}

bool differs(const FutexWait& wait) noexcept {
  // Relaxed: only a reason to look again, and looking has its own order.
  return wait.word->load(std::memory_order_relaxed) != wait.expected;
}

FutexAnswer wait_on_the_first(std::span<const FutexWait> waits, std::uint64_t timeout_ns) noexcept {
  if (std::ranges::any_of(waits, differs)) return FutexAnswer::changed;
  return futex_wait(waits[0].word, waits[0].expected, std::min(timeout_ns, kFallbackNs));
}

}  // namespace

FutexAnswer futex_wait(const std::atomic<std::uint32_t>* word, std::uint32_t expected,
                       std::uint64_t timeout_ns) noexcept {
  const timespec bound = to_timespec(std::min(timeout_ns, kTimeoutMaxNs));
  const long got = syscall(SYS_futex, word, FUTEX_WAIT, expected, &bound, nullptr, 0);
  return answer_of(got == 0 ? 0 : errno);
}

FutexAnswer futex_wait_many(std::span<const FutexWait> waits, std::uint64_t timeout_ns) noexcept {
  timeout_ns = std::min(timeout_ns, kTimeoutMaxNs);
  if (waits.empty()) return nap(timeout_ns);
  if (waits.size() == 1) return futex_wait(waits[0].word, waits[0].expected, timeout_ns);
  if (!futex_waits_on_many()) return wait_on_the_first(waits, timeout_ns);
  std::array<futex_waitv, kFutexWaitsMax> list;
  const std::size_t count = std::min(waits.size(), list.size());
  for (std::size_t at = 0; at < count; ++at) {
    list[at] = {waits[at].expected, reinterpret_cast<std::uintptr_t>(waits[at].word), FUTEX_32, 0};
  }
  const timespec bound = deadline_after(timeout_ns);
  const long got = syscall(SYS_futex_waitv, list.data(), count, 0U, &bound, CLOCK_MONOTONIC);
  if (got >= 0) return FutexAnswer::woken;
  if (errno != ENOSYS && errno != EPERM) return answer_of(errno);
  waitv_refused.store(true, std::memory_order_relaxed);  // a hint: others find out by themselves
  return wait_on_the_first(waits.first(count), timeout_ns);
}

std::uint32_t futex_wake(const std::atomic<std::uint32_t>* word, std::uint32_t count) noexcept {
  const std::uint32_t most = std::min<std::uint32_t>(count, INT_MAX);
  const long woken = syscall(SYS_futex, word, FUTEX_WAKE, most, nullptr, nullptr, 0);
  return woken > 0 ? static_cast<std::uint32_t>(woken) : 0;
}

bool futex_waits_on_many() noexcept {
  return !waitv_refused.load(std::memory_order_relaxed);  // see the store
}

}  // namespace millrace
