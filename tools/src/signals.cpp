#include "signals.hpp"

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <ctime>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace millrace::tools {
namespace {

std::atomic<bool> requested{false};
std::atomic<int> descriptor{-1};

static_assert(std::atomic<bool>::is_always_lock_free && std::atomic<int>::is_always_lock_free);

void on_signal(int) {
  const int before = errno;
  request_end();
  errno = before;
}

}  // namespace

void install_end_signals() noexcept {
  // Relaxed throughout: the flag carries no data, and the system call orders the descriptor.
  descriptor.store(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), std::memory_order_relaxed);

  struct sigaction action {};

  // No SA_RESTART: a blocked read or write is to come back and look at the flag.
  action.sa_handler = on_signal;
  sigemptyset(&action.sa_mask);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP})
    sigaction(signal, &action, nullptr);
  action.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &action, nullptr);
}

bool end_requested() noexcept {
  return requested.load(std::memory_order_relaxed);
}

void request_end() noexcept {
  requested.store(true, std::memory_order_relaxed);
  const std::uint64_t one = 1;
  // It can only fail if the counter is already raised.
  [[maybe_unused]] const ssize_t ignored =
      write(descriptor.load(std::memory_order_relaxed), &one, sizeof one);
}

int end_descriptor() noexcept {
  return descriptor.load(std::memory_order_relaxed);
}

void nap(std::chrono::nanoseconds duration) noexcept {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(duration);
  const timespec time{static_cast<time_t>(seconds.count()),
                      static_cast<long>((duration - seconds).count())};
  pollfd end{end_descriptor(), POLLIN, 0};
  ppoll(&end, 1, &time, nullptr);
}

}  // namespace millrace::tools
