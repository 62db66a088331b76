// Reading from the journal what a ring no longer holds, and going over to the ring: the reader asks
// for exactly its next message at every step, so there is no gap and no duplicate to be had.
#include "lane_set.hpp"
#include "millrace/core/crash_point.hpp"
#include "millrace/core/join.hpp"
#include "own_words.hpp"

#include <cinttypes>

namespace millrace::detail {

bool LaneSet::may_go_hot(const SeenLane& seen, Sequence wanted, bool dry) const noexcept {
  using Points = Checkpoints<ProductionMemory>;
  const LaneView& view = seen.files.view;
  const auto oldest = Points::oldest(view, view.proposed());
  if (!oldest || oldest->sequence > wanted) return false;
  const bool waited_for = channel_->options.policy == Policy::block && !reader_.lossy();
  if (waited_for || dry) return true;
  // Who may be overtaken would be at once, at the far end of the ring: it reads on in the journal
  // until it is in the nearer half.
  const auto before = Points::at_or_before(view, wanted);
  return before && before->position + view.capacity() / 2 > value(view.limit());
}

bool LaneSet::go_hot(SubscriberState& state, SeenLane& seen, const Start& start) noexcept {
  const Sequence wanted = *start.sequence;
  layout::ReaderSlot& slot = reader_.slot(seen.files.lane);
  OwnWords own(*channel_, slot, seen.files.epoch);
  MILLRACE_CRASH_POINT("cold.joining");
  auto place = Join<ProductionMemory, OwnWords>::take_place(seen.files.view, From::at(wanted), own);
  if (!place || place->sequence > wanted) {
    stand_aside(slot, seen.files.epoch, Aside::reads_journal);
    return false;
  }
  // A place that was remembered is one that was reached: it cannot lie beyond the lane's end.
  const bool beyond = start.remembered && place->sequence < wanted;
  if (beyond) rewound(seen, wanted, place->sequence);
  seen.first = beyond ? place->sequence : wanted;
  remember(seen, seen.first);
  add_cursor(state, seen, *place);
  MILLRACE_CRASH_POINT("cold.joined");
  return true;
}

void LaneSet::begin_cold(SubscriberState& state, SeenLane& seen, Sequence next,
                         std::unique_ptr<LaneHistory> past) noexcept {
  layout::ReaderSlot& slot = reader_.slot(seen.files.lane);
  stand_aside(slot, seen.files.epoch, Aside::reads_journal);
  slot.sequence.store(next, std::memory_order_relaxed);
  seen.followed = true;
  seen.first = next;
  cold_.add({.seen = &seen, .past = std::move(past), .next = next});
  state.attention = true;
  MILLRACE_CRASH_POINT("cold.began");
}

bool LaneSet::go_cold(SubscriberState& state, LaneCursor& cursor) noexcept {
  // Where messages point into the ring, those since the last release may be torn: that is told.
  if (!channel_->options.durable || state.in_place) return false;
  SeenLane& seen = *find(cursor.lane);
  if (seen.files.cut_off()) return false;
  auto past = past_.lane(seen.files.producer);
  if (!past) return false;
  const Sequence next = std::max(cursor.reader.sequence(), cursor.first);
  const std::uint32_t lane = cursor.lane;
  (void)was_evicted(seen);  // an old story from here on
  add(reader_.file().caught_up);
  store_counters(cursor);
  std::erase_if(state.cursors, [=](const LaneCursor& other) { return other.lane == lane; });
  state.current = 0;
  state.left_in_turn = SubscriberState::kTurn;
  begin_cold(state, seen, next, std::move(*past));
  return true;
}

Look LaneSet::next_cold(SubscriberState& state, Record& record, const std::byte*& data,
                        std::uint32_t& lane) noexcept {
  ColdLane& cold = cold_.current();
  layout::ReaderSlot& slot = reader_.slot(cold.seen->files.lane);
  if (cold_.turn_begins() && may_go_hot(*cold.seen, cold.next, false) &&
      go_hot(state, *cold.seen, {cold.next})) {
    cold_.remove(cold.seen);
    return Look::again;
  }
  for (std::uint32_t passed = 0; passed < SubscriberState::kTurn; ++passed) {
    if (cold.next >= cold.below) cold.below = journaled(*cold.seen);
    if (cold.next >= cold.below) return cold_is_dry(state, cold);
    if (!cold.past) {
      auto past = past_.lane(cold.seen->files.producer);
      if (!past) return state.failed(Failure(past.error()));
      cold.past = std::move(*past);
      if (!cold.past) return cold_is_dry(state, cold);
    }
    auto found = cold.past->read(cold.next, cold.below);
    if (!found) return state.failed(cold_trouble(state, cold, found.error()));
    if (!*found || (*found)->sequence < cold.next) return cold_is_dry(state, cold);
    const PastMessage& message = **found;
    if (!state.filter.passes(message.key)) {
      cold.next = message.sequence + 1;
      add(slot.skipped);
      continue;
    }
    record = {0, message.sequence, static_cast<std::uint32_t>(message.bytes.size()), message.key};
    data = message.bytes.data();
    lane = cold.seen->files.lane;
    return Look::message;
  }
  return Look::again;
}

bool LaneSet::took_cold(const Record& record, std::uint32_t lane) noexcept {
  for (ColdLane& cold : cold_.lanes()) {
    if (cold.seen->files.lane != lane || cold.next > record.sequence) continue;
    cold.next = record.sequence + 1;
    cold.asked_below = 0;
    cold.stuck = 0;
    layout::ReaderSlot& slot = reader_.slot(lane);
    slot.sequence.store(cold.next, std::memory_order_relaxed);
    add(slot.received);
    cold_.gave(SubscriberState::kTurn);
    return true;
  }
  return false;
}

// The log has nothing more for us: so the ring has it, or it is yet to come.
Look LaneSet::cold_is_dry(SubscriberState& state, ColdLane& cold) noexcept {
  SeenLane& seen = *cold.seen;
  cold.asked_below = cold.below;
  if (may_go_hot(seen, cold.next, true)) {
    if (go_hot(state, seen, {cold.next})) {
      cold_.remove(&seen);
      return Look::again;
    }
    if (++cold.stuck <= kStuckMax) return Look::nothing;
  }
  if (seen.files.cut_off() || cold.stuck > kStuckMax) {
    const std::string producer = seen.files.producer;
    const std::uint32_t lane = seen.files.lane;
    drop_cold(cold);
    return state.failed(fail(Errc::poisoned,
                             "channel \"%s\", lane %u of \"%s\": its journal is read to the end, "
                             "and no place can be taken in its ring; it is not read any further",
                             channel_->name.c_str(), lane, producer.c_str()));
  }
  return in_neither(state, cold);
}

// Overwritten before it was journaled. While the journal may come back, it is the journal that says
// how much is missing; nobody waits for that who need not.
Look LaneSet::in_neither(SubscriberState& state, ColdLane& cold) noexcept {
  SeenLane& seen = *cold.seen;
  const layout::JournalState journal = channel_->journal.state();
  const bool overwrites = channel_->options.when_journal_fails == WhenJournalFails::proceed;
  const bool detached = journal == layout::JournalState::detached;
  if (!detached && (!overwrites || durable_)) return Look::nothing;
  const auto oldest = Checkpoints<ProductionMemory>::oldest(seen.files.view);
  if (!oldest || oldest->sequence <= cold.next || journaled(seen) > cold.next) {
    return Look::nothing;
  }
  const std::uint64_t missing = oldest->sequence - cold.next;
  cold.next = oldest->sequence;
  cold.asked_below = 0;
  add(reader_.slot(seen.files.lane).lost, missing);
  const Failure gap = fail(Errc::gap,
                           "channel \"%s\", lane %u: %" PRIu64
                           " messages were overwritten before they were journaled, and are lost",
                           channel_->name.c_str(), seen.files.lane, missing);
  return state.failed(Failure(gap.error().with_lost(missing)));
}

Failure LaneSet::cold_trouble(SubscriberState& state, ColdLane& cold, const Error& error) noexcept {
  if (error.code() == Errc::trimmed || error.code() == Errc::gap) {
    cold.next += error.lost();
    cold.asked_below = 0;
    add(reader_.slot(cold.seen->files.lane).lost, error.lost());
    // A loss of nothing would be told without end.
    if (error.lost() == 0) drop_cold(cold);
    state.attention = needs_care(state);
    return Failure(error);
  }
  if (error.code() == Errc::damaged || error.code() == Errc::format) drop_cold(cold);
  return Failure(error);
}

void LaneSet::drop_cold(ColdLane& cold) noexcept {
  SeenLane* const seen = cold.seen;
  seen->broken = true;
  seen->followed = false;
  stand_aside(reader_.slot(seen->files.lane), seen->files.epoch, Aside::done);
  cold_.remove(seen);
}

bool LaneSet::cold_has_something(const ColdLane& cold) const noexcept {
  const Sequence durable = journaled(*cold.seen);
  if (durable > cold.next && durable > cold.asked_below) return true;
  return cold.seen->files.cut_off() || may_go_hot(*cold.seen, cold.next, true);
}

void LaneSet::ask_again() noexcept {
  for (ColdLane& cold : cold_.lanes())
    cold.asked_below = 0;
}

void LaneSet::acknowledge(const SubscriberState& state) noexcept {
  const std::uint32_t lane = std::exchange(in_hand_, kNoLane);
  if (!remembered_ || lane == kNoLane) return;
  SeenLane* const seen = find(lane);
  if (seen == nullptr || seen->remembered == nullptr) return;
  for (const LaneCursor& cursor : state.cursors) {
    if (cursor.lane != lane) continue;
    // Relaxed: one word, and the only one that moves.
    seen->remembered->sequence.store(cursor.reader.sequence(), std::memory_order_relaxed);
  }
  for (const ColdLane& cold : cold_.lanes()) {
    if (cold.seen == seen)
      seen->remembered->sequence.store(cold.next, std::memory_order_relaxed);  // as above
  }
  MILLRACE_CRASH_POINT("remembered.acknowledged");
}

void LaneSet::acknowledge_all(const SubscriberState& state) noexcept {
  if (!remembered_) return;
  in_hand_ = kNoLane;
  for (const LaneCursor& cursor : state.cursors)
    cursor.remembered->sequence.store(cursor.reader.sequence(), std::memory_order_relaxed);
  for (const ColdLane& cold : cold_.lanes()) {
    if (cold.seen->remembered != nullptr)
      cold.seen->remembered->sequence.store(cold.next, std::memory_order_relaxed);
  }
}

}  // namespace millrace::detail
