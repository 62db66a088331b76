// When the next message is due: at once, or at an even rate that is kept on average (who was held
// up catches up). Reads the order to stop, too. One thread.
#pragma once

#include "millrace/core/clock.hpp"
#include "millrace/core/cpu.hpp"
#include "run_page.hpp"

#include <algorithm>
#include <cstdint>
#include <ctime>
#include <sched.h>

namespace millrace::tools {

class Pace {
 public:
  // `per_second` 0: as fast as possible. `alone`: its processor is its own and may be kept busy.
  Pace(const Clock& clock, double per_second, bool alone) noexcept
      : clock_(clock), period_ns_(per_second > 0 ? 1e9 / per_second : 0), alone_(alone) {}

  // The first one is due now.
  void begin() noexcept { began_ns_ = clock_.now_ns(); }

  // Waits until the next one is due. False: we are to stop.
  [[nodiscard]] bool due(const RunPage& page) noexcept {
    if (period_ns_ > 0 && !wait(page)) return false;
    return page.stop() == RunStop::none;
  }

 private:
  bool wait(const RunPage& page) noexcept {
    const auto due_ns =
        began_ns_ + static_cast<std::uint64_t>(period_ns_ * static_cast<double>(count_++));
    for (;;) {
      const std::uint64_t now_ns = clock_.now_ns();
      if (now_ns >= due_ns) return true;
      if (page.stop() != RunStop::none) return false;
      if (due_ns - now_ns < kShortNs) {
        if (alone_) {
          cpu::pause();
        } else {
          sched_yield();
        }
        continue;
      }
      // The sleep ends early, the rest is spun away; it is cut so that an order to stop is heard.
      const std::uint64_t nap_ns = std::min(due_ns - now_ns - kShortNs / 2, kNapMaxNs);
      const timespec nap{0, static_cast<long>(nap_ns)};
      nanosleep(&nap, nullptr);
    }
  }

  static constexpr std::uint64_t kShortNs = 80'000;
  static constexpr std::uint64_t kNapMaxNs = 20'000'000;

  Clock clock_;
  double period_ns_;
  bool alone_;
  std::uint64_t began_ns_ = 0;
  std::uint64_t count_ = 0;
};

}  // namespace millrace::tools
