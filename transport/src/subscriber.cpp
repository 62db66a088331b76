#include "millrace/transport/subscriber.hpp"

#include "counter.hpp"
#include "deadline.hpp"
#include "lane_set.hpp"

#include <algorithm>
#include <cinttypes>
#include <climits>

namespace millrace {

namespace detail {

namespace {

// How often a waiting subscriber looks at the directory even if no generation moved (somebody may
// have set it back), and asks whether its publishers still live.
constexpr std::uint64_t kLookEveryNs = 100'000'000;
constexpr std::uint64_t kProbeEveryNs = 5'000'000;

// Spins between two looks at the clock.
constexpr int kSpins = 64;

}  // namespace

void LaneSetDelete::operator()(LaneSet* set) const noexcept {
  delete set;
}

void store_counters(const LaneCursor& cursor) noexcept {
  layout::ReaderSlot& slot = *cursor.slot;
  slot.sequence.store(cursor.reader.sequence(), std::memory_order_relaxed);
  slot.received.store(cursor.received, std::memory_order_relaxed);
  slot.skipped.store(cursor.skipped, std::memory_order_relaxed);
  slot.unknown.store(cursor.unknown + cursor.reader.unknown(), std::memory_order_relaxed);
}

void note_release(const LaneCursor& cursor) noexcept {
  store_counters(cursor);
  // Relaxed: one word, and the only one that moves.
  if (cursor.remembered != nullptr)
    cursor.remembered->sequence.store(cursor.reader.sequence(), std::memory_order_relaxed);
}

SubscriberState::~SubscriberState() {
  if (set && !guard.foreign()) set->leave(*this);
}

Failure SubscriberState::foreign() noexcept {
  return fail(Errc::foreign,
              "this subscriber belongs to the parent process; open the domain anew after a fork");
}

Look SubscriberState::look_around() noexcept {
  const std::uint64_t seen = lane_generation_seen;
  if (auto looked = set->look(*this, false); !looked) return failed(Failure(looked.error()));
  if (lane_generation_seen != seen)
    return set->has_news() ? failed(set->tell_news(*this)) : Look::again;
  restless = has_alarm;
  if (const auto failure_of_journal = set->journal_failure(*this))
    return failed(*failure_of_journal);
  set->arm(*this);
  return Look::nothing;
}

Look SubscriberState::lapped(LaneCursor& cursor) noexcept {
  if (order) return failed(set->lapped_in_order(*this, &cursor));
  return set->go_cold(*this, cursor) ? Look::again : failed(set->lapped(*this, cursor));
}

Look SubscriberState::trouble(LaneCursor& cursor, Poll found) noexcept {
  const bool cut_off = cursor.poisoned->load(std::memory_order_relaxed) != 0;
  if (found == Poll::broken || (cut_off && found != Poll::overrun)) {
    return failed(set->broken(*this, cursor));
  }
  return lapped(cursor);
}

bool SubscriberState::held_back(LaneCursor& cursor) noexcept {
  set->look_at_journal(cursor);
  if (cursor.reader.position() < cursor.deliverable) return false;
  restless = true;
  return true;
}

void SubscriberState::wake_publisher(const LaneCursor& cursor) const noexcept {
  futex_wake(low_half(cursor.slot->position), INT_MAX);
}

Result<void> SubscriberState::release_all() noexcept {
  if (guard.foreign()) return foreign();
  stamp_processed();
  for (LaneCursor& cursor : cursors) {
    if (cursor.published != cursor.reader.position() && !give_back(cursor)) {
      return order ? set->lapped_in_order(*this, &cursor) : set->lapped(*this, cursor);
    }
  }
  set->acknowledge_all(*this);
  return {};
}

Result<void> SubscriberState::wait(std::chrono::nanoseconds timeout,
                                   std::uint64_t& deadline_ns) noexcept {
  if (guard.foreign()) return foreign();
  stamp_processed();
  const std::uint64_t began = monotonic_ns();
  if (deadline_ns == 0) deadline_ns = deadline_after(timeout);
  const std::uint64_t deadline = deadline_ns;
  std::uint64_t next_look = began + kLookEveryNs;
  std::uint64_t next_probe = began + kProbeEveryNs;
  for (Waiter waiter = set->waiter();;) {
    bool park = false;
    for (int spins = 0; spins < kSpins && !park; ++spins) {
      if (set->something_there(*this)) return {};
      park = waiter.pause();
    }
    const std::uint64_t now = monotonic_ns();
    const bool look = now >= next_look;
    if (look) {
      next_look = now + kLookEveryNs;
      set->ask_again();
    }
    if (auto looked = set->look(*this, look); !looked) return looked;
    if (set->until_closed() && now >= next_probe) {
      next_probe = now + kProbeEveryNs;
      if (set->ended(*this)) return set->closed();
    }
    if (now >= deadline) {
      return fail(Errc::timeout, "nothing came within %" PRId64 " ms",
                  static_cast<std::int64_t>(timeout.count()) / 1'000'000);
    }
    if (park && !set->something_there(*this)) set->park(*this, deadline - now);
  }
}

}  // namespace detail

Result<int> Subscriber::event_fd() noexcept {
  if (state_->guard.foreign()) return detail::SubscriberState::foreign();
  return state_->set->event_fd(*state_);
}

std::size_t Subscriber::publishers() noexcept {
  if (state_->guard.foreign()) return 0;
  (void)state_->set->look(*state_, false);
  return state_->set->living_publishers();
}

ReaderStats Subscriber::stats() const {
  if (state_->guard.foreign()) return {};  // the parent's files are not mapped here
  return state_->set->stats(*state_);
}

}  // namespace millrace
