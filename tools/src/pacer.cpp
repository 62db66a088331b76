#include "pacer.hpp"

#include "millrace/core/clock.hpp"
#include "millrace/core/cpu.hpp"
#include "signals.hpp"

#include <ctime>
#include <poll.h>
#include <sys/prctl.h>

namespace millrace::tools {
namespace {

// The kernel wakes a sleeper later than asked, by up to this much on a quiet machine.
constexpr std::uint64_t kSpinNs = 60'000;
constexpr std::uint64_t kSecondNs = 1'000'000'000;

}  // namespace

Pacer::Pacer(double per_second) noexcept : per_second_(per_second), began_ns_(monotonic_ns()) {
  if (per_second_ > 0) prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
}

bool Pacer::wait() noexcept {
  if (per_second_ <= 0) return !end_requested();
  const double since_ns = static_cast<double>(count_++) / per_second_ * 1e9;
  const std::uint64_t due_ns = began_ns_ + static_cast<std::uint64_t>(since_ns);
  while (!end_requested()) {
    const std::uint64_t now_ns = monotonic_ns();
    if (now_ns >= due_ns) return true;
    const std::uint64_t left_ns = due_ns - now_ns;
    if (left_ns <= kSpinNs) {
      cpu::pause();
      continue;
    }
    const std::uint64_t sleep_ns = left_ns - kSpinNs;
    const timespec sleep{static_cast<time_t>(sleep_ns / kSecondNs),
                         static_cast<long>(sleep_ns % kSecondNs)};
    pollfd end{end_descriptor(), POLLIN, 0};
    ppoll(&end, 1, &sleep, nullptr);
  }
  return false;
}

}  // namespace millrace::tools
