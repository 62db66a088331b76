// How a subscriber sleeps (sleep.hpp is the protocol): it asks every lane to wake it, makes sure
// that nothing came meanwhile, and waits on all their next headers at once.
#include "alarm.hpp"
#include "counter.hpp"
#include "lane_set.hpp"
#include "millrace/core/crash_point.hpp"
#include "millrace/core/heavy_barrier.hpp"
#include "millrace/core/sleep.hpp"

#include <algorithm>

namespace millrace::detail {

namespace {

// A reader that sleeps loses at most this much to a publisher that was killed between commit and
// wake, or to a hostile peer that requeues its futex.
constexpr std::uint64_t kParkBoundNs = 10'000'000;

// Where some lane cannot wake us, because fences are missing or the kernel watches no more words.
constexpr std::uint64_t kNapNs = 1'000'000;

// One word is the channel's lane generation, the first of all; one is the alarm's own.
constexpr std::size_t kLanesWatched = kFutexWaitsMax - 2;

}  // namespace

std::uint64_t LaneSet::bound_ns(const SubscriberState& state) const noexcept {
  if (state.cursors.size() > kLanesWatched) return kNapNs;
  if (participant_.membarrier_registered()) return kParkBoundNs;
  // No heavy barrier: only publishers that have said that they fence can be relied on.
  for (const LaneCursor& cursor : state.cursors) {
    // [sync:fencing] Acquire: from here on each of its publishes is followed by a fence.
    if (cursor.reader.lane().control().fencing.load(std::memory_order_acquire) == 0) return kNapNs;
  }
  return kParkBoundNs;
}

std::size_t LaneSet::prepare_to_sleep(const SubscriberState& state,
                                      std::span<FutexWait> waits) noexcept {
  layout::DoorbellFile& doorbell = channel_->doorbell();
  for (const LaneCursor& cursor : state.cursors) {
    Sleep<ProductionMemory>::announce(channel_->asleep_at(cursor.lane), cursor.reader.position(),
                                      cursor.reader.lane().capacity());
  }
  MILLRACE_CRASH_POINT("sleep.announced");
  // [sync:sleep] Without it a publisher could see nobody asleep, and we no record.
  if (!participant_.membarrier_registered() || !heavy_barrier()) {
    doorbell.needs_fence.store(1, std::memory_order_relaxed);
    ProductionMemory::full_fence();
  }
  waits[0] = {low_half(doorbell.lane_generation), static_cast<std::uint32_t>(generation_)};
  std::size_t count = 1;
  for (const LaneCursor& cursor : state.cursors) {
    const layout::Word& header = cursor.reader.lane().header(cursor.reader.position());
    if (header.load(std::memory_order_relaxed) != 0) return 0;
    if (count < waits.size()) waits[count++] = {low_half(header), 0};
  }
  return stale() ? 0 : count;
}

void LaneSet::park(const SubscriberState& state, std::uint64_t bound) noexcept {
  std::array<FutexWait, kLanesMax + 1> waits;
  const std::size_t count = prepare_to_sleep(state, waits);
  if (count == 0) return;
  add(reader_.file().parks);
  MILLRACE_CRASH_POINT("sleep.asleep");
  futex_wait_many(std::span(waits).first(std::min(count, kLanesWatched + 1)),
                  std::min(bound, bound_ns(state)));
}

Result<int> LaneSet::event_fd(SubscriberState& state) noexcept {
  if (!alarm_) {
    auto made = Alarm::create();
    if (!made) return Failure(made.error());
    alarm_ = std::move(*made);
    state.has_alarm = true;
    alarm_->ring();  // the first poll decides
  }
  return alarm_->fd();
}

void LaneSet::arm(const SubscriberState& state) noexcept {
  if (!alarm_ || alarm_->armed()) return;
  std::array<FutexWait, kLanesMax + 1> waits;
  const std::size_t count = prepare_to_sleep(state, waits);
  if (count == 0) {
    alarm_->ring();
  } else {
    alarm_->arm(std::span(waits).first(count), bound_ns(state));
  }
}

}  // namespace millrace::detail
