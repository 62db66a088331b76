// How a subscriber sleeps (sleep.hpp is the protocol): it asks every lane to wake it, makes sure
// that nothing came meanwhile, and waits on all their next headers at once. What must be durable
// first is waited for at the journal's words.
#include "alarm.hpp"
#include "counter.hpp"
#include "lane_set.hpp"
#include "millrace/core/crash_point.hpp"
#include "millrace/core/heavy_barrier.hpp"
#include "millrace/core/sleep.hpp"

#include <algorithm>
#include <array>

namespace millrace::detail {

namespace {

// A reader that sleeps loses at most this much to a publisher that was killed between commit and
// wake, or to a hostile peer that requeues its futex.
constexpr std::uint64_t kParkBoundNs = 10'000'000;

// Where some lane cannot wake us, because fences are missing or the kernel watches no more words.
constexpr std::uint64_t kNapNs = 1'000'000;

// The channel's lane generation, the journal's state, and one word for each lane.
constexpr std::size_t kWordsMax = kLanesMax + 2;

}  // namespace

std::uint64_t LaneSet::bound_ns(const SubscriberState& state, std::size_t words) const noexcept {
  if (words >= kFutexWaitsMax) return kNapNs;  // one of them is the alarm's own
  if (durable_) return kParkBoundNs;
  if (participant_.membarrier_registered()) return kParkBoundNs;
  // No heavy barrier: only publishers that have said that they fence can be relied on.
  for (const LaneCursor& cursor : state.cursors) {
    // [sync:fencing] Acquire: from here on each of its publishes is followed by a fence.
    if (cursor.reader.lane().control().fencing.load(std::memory_order_acquire) == 0) return kNapNs;
  }
  return kParkBoundNs;
}

bool LaneSet::something_there(SubscriberState& state) noexcept {
  if (has_news()) return true;
  if (state.order) {
    // Relaxed would do for the word: next() looks again, and in order.
    const OrderCursor& in = *state.order;
    if (in.left != 0 || !in.is_free(OrderRing<ProductionMemory>::look(in.order, in.at)))
      return true;
    if (order_cut_off()) return true;
    return std::ranges::any_of(state.cursors, [](const LaneCursor& cursor) {
      return cursor.poisoned->load(std::memory_order_relaxed) != 0;
    });
  }
  const bool poisoned = durable_ && channel_->journal.state() == layout::JournalState::poisoned;
  for (LaneCursor& cursor : state.cursors) {
    const auto& lane = cursor.reader.lane();
    const Position at = cursor.reader.position();
    // Relaxed: next() looks again, and in order. A lapped reader must find out, too, and one whose
    // lane was cut short: the look at the header is what raises that flag.
    if (lane.limit().load(std::memory_order_relaxed) > at + lane.capacity() ||
        cursor.poisoned->load(std::memory_order_relaxed) != 0) {
      return true;
    }
    if (lane.header(at).load(std::memory_order_relaxed) == 0) continue;
    if (at >= cursor.deliverable) look_at_journal(cursor);
    if (at < cursor.deliverable || poisoned || refused(cursor)) return true;
  }
  return std::ranges::any_of(cold_.lanes(),
                             [&](const ColdLane& cold) { return cold_has_something(cold); });
}

void LaneSet::raise_barrier() const noexcept {
  MILLRACE_CRASH_POINT("sleep.announced");
  // [sync:sleep] Without it a publisher could see nobody asleep, and we no record.
  if (participant_.membarrier_registered() && heavy_barrier()) return;
  channel_->doorbell().needs_fence.store(1, std::memory_order_relaxed);
  ProductionMemory::full_fence();
}

// All publishers at once, where there is one order.
std::size_t LaneSet::await_order(const SubscriberState& state, std::span<FutexWait> waits,
                                 std::size_t count) noexcept {
  const OrderCursor& in = *state.order;
  const layout::Word& word = in.order.word(in.at);
  // Read before the second look: if it is the awaited word already, that look finds it.
  const std::uint64_t seen = value(word);
  Sleep<ProductionMemory>::announce(channel_->asleep_at(channel_->options.lanes_max), in.at,
                                    in.order.capacity());
  raise_barrier();
  waits[count++] = {low_half(word), static_cast<std::uint32_t>(seen)};
  return count;
}

// The publishers of lanes that are read as they are published.
std::size_t LaneSet::await_publishers(const SubscriberState& state, std::span<FutexWait> waits,
                                      std::size_t count) noexcept {
  for (const LaneCursor& cursor : state.cursors) {
    Sleep<ProductionMemory>::announce(channel_->asleep_at(cursor.lane), cursor.reader.position(),
                                      cursor.reader.lane().capacity());
  }
  raise_barrier();
  for (const LaneCursor& cursor : state.cursors) {
    const layout::Word& header = cursor.reader.lane().header(cursor.reader.position());
    if (count < waits.size()) waits[count++] = {low_half(header), 0};
  }
  return count;
}

// The journal: lanes whose messages wait until they are durable, and those that are read from it.
std::size_t LaneSet::await_journal(const SubscriberState& state, std::span<FutexWait> waits,
                                   std::size_t count) const noexcept {
  const auto await = [&](const layout::HalfWord& word) {
    if (count == waits.size()) return;
    // [sync:durable-wake] Acquire: an advance that this value counts is seen by the look at the
    // durable point that follows; without it we could sleep on the very advance we wait for.
    waits[count++] = {&word, word.load(std::memory_order_acquire)};
  };
  if (durable_) {
    await(channel_->journal.state_word());
    for (const LaneCursor& cursor : state.cursors)
      await(channel_->journal.advanced_word(cursor.lane));
  }
  for (const ColdLane& cold : cold_.lanes())
    await(channel_->journal.advanced_word(cold.seen->files.lane));
  return count;
}

std::size_t LaneSet::prepare_to_sleep(SubscriberState& state, std::span<FutexWait> waits) noexcept {
  waits[0] = {low_half(channel_->doorbell().lane_generation),
              static_cast<std::uint32_t>(generation_.value_or(0))};
  std::size_t count = await_journal(state, waits, 1);
  if (state.order) {
    count = await_order(state, waits, count);
  } else if (!durable_) {
    count = await_publishers(state, waits, count);
  }
  return something_there(state) || stale() ? 0 : count;
}

void LaneSet::park(SubscriberState& state, std::uint64_t bound) noexcept {
  std::array<FutexWait, kWordsMax> waits;
  const std::size_t count = prepare_to_sleep(state, waits);
  if (count == 0) return;
  add(reader_.file().parks);
  MILLRACE_CRASH_POINT("sleep.asleep");
  futex_wait_many(std::span(waits).first(std::min(count, kFutexWaitsMax - 1)),
                  std::min(bound, bound_ns(state, count)));
}

Result<int> LaneSet::event_fd(SubscriberState& state) noexcept {
  if (!alarm_) {
    auto made = Alarm::create();
    if (!made) return Failure(made.error());
    alarm_ = std::move(*made);
    state.has_alarm = true;
    state.restless = true;
    alarm_->ring();  // the first poll decides
  }
  return alarm_->fd();
}

void LaneSet::arm(SubscriberState& state) noexcept {
  if (!alarm_ || alarm_->armed()) return;
  std::array<FutexWait, kWordsMax> waits;
  const std::size_t count = prepare_to_sleep(state, waits);
  if (count == 0) {
    alarm_->ring();
  } else {
    alarm_->arm(std::span(waits).first(count), bound_ns(state, count));
  }
}

}  // namespace millrace::detail
