// GapMeter finds the times in which a spinning loop did not run: the host took the processor away,
// or the kernel, or the loop itself was held up by a page fault or a lock. The loop calls see() at
// every turn; two calls further apart than the threshold are a gap.
//
// A gap says that time is missing, not whose fault it is: the check `alibi` asks that.
//
// Thread rules: one thread. Memory is the caller's, so that another process may read it later.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace millrace::bench {

// A turn of a loop takes some 30 ns; what takes ten times as long is no turn.
inline constexpr std::uint64_t kGapThresholdNs = 300;

// In ticks of Clock. A gap ends at begin + length.
struct Gap {
  std::uint64_t begin;
  std::uint64_t length;
};

class GapMeter {
 public:
  // `threshold_ticks`: Clock::duration_ticks(kGapThresholdNs). `places` are filled from the front;
  // gaps for which there is no place are counted, and their time too.
  GapMeter(std::span<Gap> places, std::uint64_t threshold_ticks) noexcept
      : places_(places), threshold_(threshold_ticks) {}

  // The loop runs at this tick; time since the last call is nobody's.
  void restart(std::uint64_t now) noexcept { last_ = now; }

  // The loop is at this tick again.
  void see(std::uint64_t now) noexcept {
    const std::uint64_t length = now - last_;
    if (length > threshold_) [[unlikely]]
      note({last_, length});
    last_ = now;
  }

  // The same after a piece of work that takes `usual` ticks: what it took longer is a gap.
  void see_work(std::uint64_t now, std::uint64_t usual) noexcept {
    const std::uint64_t length = now - last_;
    if (length > usual + threshold_) [[unlikely]]
      note({last_ + usual, length - usual});
    last_ = now;
  }

  [[nodiscard]] std::size_t count() const noexcept { return count_; }

  [[nodiscard]] std::uint64_t lost() const noexcept { return lost_; }  // gaps without a place

 private:
  void note(Gap gap) noexcept {
    if (count_ == places_.size()) {
      ++lost_;
    } else {
      places_[count_++] = gap;
    }
  }

  std::span<Gap> places_;
  std::uint64_t threshold_;
  std::uint64_t last_ = 0;
  std::size_t count_ = 0;
  std::uint64_t lost_ = 0;
};

}  // namespace millrace::bench
