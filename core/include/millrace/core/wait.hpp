// How somebody waits for something that another process will do: by spinning, by giving the
// processor away, or by sleeping.
//
//   spin       lowest latency; burns a processor
//   yield      for more spinners than processors
//   park       sleeps in the kernel at once; costs the other side a system call per wake
//   automatic  spins for 20 us, then yields for about as long, then parks: a flood never sleeps, an
//              idle reader costs nothing, and it does not collapse when processors are few
//
// Every wait is a loop: look, and if there is nothing, ask a Waiter what to do before looking
// again.
#pragma once

#include "millrace/core/cpu.hpp"

#include <cstdint>
#include <sched.h>

namespace millrace {

enum class Wait : std::uint8_t { spin, yield, park, automatic };

[[nodiscard]] const char* to_string(Wait wait) noexcept;

// One per wait; made when the first look found nothing. One thread.
class Waiter {
 public:
  // `ticks_per_us`: of cpu::ticks(). `processors`: that this thread may use; on a single one
  // nothing can happen while we spin, so automatic goes straight to yield.
  Waiter(Wait wait, std::uint64_t ticks_per_us, unsigned processors) noexcept
      : wait_(wait),
        yield_after_(processors > 1 ? kSpinUs * ticks_per_us : 0),
        park_after_(yield_after_ + kYieldUs * ticks_per_us),
        began_(cpu::ticks()) {}

  // Spends a moment and returns false, or returns true: the time has come to park.
  [[nodiscard]] bool pause() noexcept {
    switch (wait_) {
      case Wait::spin: cpu::pause(); return false;
      case Wait::yield: sched_yield(); return false;
      case Wait::park: return true;
      case Wait::automatic: break;
    }
    const std::uint64_t waited = cpu::ticks() - began_;
    if (waited < yield_after_) {
      cpu::pause();
      return false;
    }
    if (waited < park_after_) {
      sched_yield();
      return false;
    }
    return true;
  }

  // Ticks since this wait began.
  [[nodiscard]] std::uint64_t waited() const noexcept { return cpu::ticks() - began_; }

 private:
  static constexpr std::uint64_t kSpinUs = 20;
  static constexpr std::uint64_t kYieldUs = 30;

  Wait wait_;
  std::uint64_t yield_after_;
  std::uint64_t park_after_;
  std::uint64_t began_;
};

}  // namespace millrace
