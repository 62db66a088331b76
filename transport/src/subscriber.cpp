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

bool something_there(const SubscriberState& state) noexcept {
  if (state.bad_news) return true;
  for (const LaneCursor& cursor : state.cursors) {
    const auto& lane = cursor.reader.lane();
    const Position at = cursor.reader.position();
    // Relaxed: next() looks again, and in order. A lapped reader must find out, too, and one whose
    // lane was cut short: the look at the header is what raises that flag.
    if (lane.header(at).load(std::memory_order_relaxed) != 0 ||
        lane.limit().load(std::memory_order_relaxed) > at + lane.capacity() ||
        cursor.poisoned->load(std::memory_order_relaxed) != 0) {
      return true;
    }
  }
  return false;
}

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

SubscriberState::~SubscriberState() {
  if (set && !guard.foreign()) set->leave(*this);
}

Failure SubscriberState::foreign() noexcept {
  return fail(Errc::foreign,
              "this subscriber belongs to the parent process; open the domain anew after a fork");
}

Failure SubscriberState::refuse() noexcept {
  if (guard.foreign()) return foreign();
  const Failure news = set->tell_news();
  bad_news = set->has_news();
  return news;
}

Look SubscriberState::look_around() noexcept {
  const std::uint64_t seen = lane_generation_seen;
  if (auto looked = set->look(*this, false); !looked) return failed(Failure(looked.error()));
  if (lane_generation_seen != seen) return bad_news ? failed(refuse()) : Look::again;
  set->arm(*this);
  return Look::nothing;
}

Failure SubscriberState::lapped(LaneCursor& cursor) noexcept {
  return set->lapped(*this, cursor);
}

Failure SubscriberState::trouble(LaneCursor& cursor, Poll found) noexcept {
  if (found == Poll::overrun) return set->lapped(*this, cursor);
  const bool cut_off = cursor.poisoned->load(std::memory_order_relaxed) != 0;
  if (found == Poll::broken || cut_off) return set->broken(*this, cursor);
  return set->lapped(*this, cursor);
}

void SubscriberState::wake_publisher(const LaneCursor& cursor) const noexcept {
  futex_wake(low_half(cursor.slot->position), INT_MAX);
}

Result<void> SubscriberState::release_all() noexcept {
  if (guard.foreign()) return foreign();
  for (LaneCursor& cursor : cursors) {
    if (cursor.published != cursor.reader.position() && !give_back(cursor)) return lapped(cursor);
  }
  return {};
}

Result<void> SubscriberState::wait(std::chrono::nanoseconds timeout,
                                   std::uint64_t& deadline_ns) noexcept {
  if (guard.foreign()) return foreign();
  const std::uint64_t began = monotonic_ns();
  if (deadline_ns == 0) deadline_ns = deadline_after(timeout);
  const std::uint64_t deadline = deadline_ns;
  std::uint64_t next_look = began + kLookEveryNs;
  std::uint64_t next_probe = began + kProbeEveryNs;
  for (Waiter waiter = set->waiter();;) {
    bool park = false;
    for (int spins = 0; spins < kSpins && !park; ++spins) {
      if (something_there(*this)) return {};
      park = waiter.pause();
    }
    const std::uint64_t now = monotonic_ns();
    const bool look = now >= next_look;
    if (look) next_look = now + kLookEveryNs;
    if (auto looked = set->look(*this, look); !looked) return looked;
    if (set->until_closed() && now >= next_probe) {
      next_probe = now + kProbeEveryNs;
      if (set->ended(*this)) return set->closed();
    }
    if (now >= deadline) {
      return fail(Errc::timeout, "nothing came within %" PRId64 " ms",
                  static_cast<std::int64_t>(timeout.count()) / 1'000'000);
    }
    if (park && !something_there(*this)) set->park(*this, deadline - now);
  }
}

Look SubscriberState::next_in_place(Record& record, const std::byte*& data,
                                    std::uint32_t& lane) noexcept {
  if (guard.foreign() || bad_news) return failed(refuse());
  for (int round = 1;; ++round) {
    for (std::size_t turns = cursors.size() + 1; turns != 0 && !cursors.empty(); --turns) {
      LaneCursor& cursor = cursors[current];
      if (left_in_turn != 0) {
        const Poll found = take(cursor, record);
        if (found == Poll::message) {
          data = cursor.reader.lane().payload(record.position);
          lane = cursor.lane;
          return Look::message;
        }
        if (found != Poll::empty) return failed(trouble(cursor, found));
        if (!went_empty(cursor)) return failed(trouble(cursor, Poll::empty));
      }
      pass_on();
    }
    const Look more = nothing();
    if (more != Look::again) return more;
    if (round == kRoundsMax) return Look::nothing;
  }
}

Result<void> SubscriberState::finish(const Record& record, std::uint32_t lane) noexcept {
  // The lanes may have been looked at since next_in_place(): ask for the one it came from.
  const auto found = std::ranges::find(cursors, lane, &LaneCursor::lane);
  if (found == cursors.end() || found->reader.position() != record.position ||
      found->reader.sequence() != record.sequence) {
    return fail(Errc::bad_argument,
                "this view of lane %u is no longer valid: the subscriber went on", lane);
  }
  LaneCursor& cursor = *found;
  if (!cursor.reader.validate(record.position)) return lapped(cursor);
  if (due(cursor) && !give_back(cursor)) return lapped(cursor);
  cursor.reader.advance(record);
  cursor.reader.release();
  ++cursor.received;
  ++cursor.run;
  if (left_in_turn != 0) --left_in_turn;
  quiet = 0;
  return {};
}

}  // namespace detail

Result<std::optional<Speculative>> Subscriber::poll_in_place() noexcept {
  Record record;
  const std::byte* data = nullptr;
  std::uint32_t lane = 0;
  const detail::Look found = state_->next_in_place(record, data, lane);
  if (found == detail::Look::failed) return Failure(*state_->failure);
  if (found == detail::Look::nothing) return std::optional<Speculative>();
  return std::optional<Speculative>(Speculative(state_.get(), record, lane, {data, record.length}));
}

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
