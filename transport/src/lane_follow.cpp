// Taking a place in a lane that was found, in its ring.
#include "lane_set.hpp"
#include "millrace/core/join.hpp"
#include "own_words.hpp"
#include "subscriber_stamps.hpp"

namespace millrace::detail {

Result<void> LaneSet::follow(SubscriberState& state, SeenLane& seen) noexcept {
  const layout::ReaderSlot& slot = reader_.slot(seen.files.lane);
  if (value(slot.lane_epoch) == seen.files.epoch && value(slot.joins) != 0 &&
      value(slot.left) == 0) {
    // A lane that we read before and that somebody continues: we still stand where we stood.
    add_cursor(state, seen, {value(slot.position), value(slot.sequence)});
    return {};
  }
  if (channel_->ordered()) return follow_ordered(state, seen);
  if (channel_->options.durable) return follow_durable(state, seen);
  if (active_) return follow_ring(state, seen, From::oldest(), 0);
  const bool asked = from_.kind == From::Kind::sequence;
  return follow_ring(state, seen, from_, asked ? std::optional(from_.sequence) : std::nullopt);
}

// `wanted`: the first message that this subscriber wants of the lane; what lies before its place is
// lost.
Result<void> LaneSet::follow_ring(SubscriberState& state, SeenLane& seen, From from,
                                  std::optional<Sequence> wanted) noexcept {
  layout::ReaderSlot& slot = reader_.slot(seen.files.lane);
  OwnWords own(*channel_, slot, seen.files.epoch);
  const auto place = Join<ProductionMemory, OwnWords>::take_place(seen.files.view, from, own);
  if (!place) {
    seen.broken = true;
    stand_aside(slot, seen.files.epoch, Aside::done);
    return fail(Errc::poisoned,
                "channel \"%s\": no place can be taken in lane %u, its bytes "
                "contradict each other",
                channel_->name.c_str(), seen.files.lane);
  }
  if (wanted) seen.first = *wanted;
  remember(seen, place->sequence);
  add_cursor(state, seen, *place);
  if (wanted && place->sequence > *wanted) lost(state, seen, place->sequence - *wanted);
  return {};
}

LaneCursor& LaneSet::add_cursor(SubscriberState& state, SeenLane& seen, Checkpoint place) noexcept {
  layout::ReaderSlot& slot = reader_.slot(seen.files.lane);
  LaneCursor cursor;
  cursor.first = seen.first;
  cursor.reader = LaneReader<ProductionMemory>(seen.files.view, place);
  cursor.slot = &slot;
  cursor.poisoned = seen.files.poisoned();
  cursor.stands_at(place.position);
  cursor.lane = seen.files.lane;
  cursor.received = value(slot.received);
  cursor.skipped = value(slot.skipped);
  cursor.unknown = value(slot.unknown);
  cursor.remembered = seen.remembered;
  if (durable_) cursor.deliverable = 0;  // nothing, until somebody looks how far the journal is
  // [sync:evicted] Acquire: entries before this count are old stories.
  seen.evictions_seen = seen.files.control().evicted_count.load(std::memory_order_acquire);
  seen.followed = true;
  if (state.stamps) cursor.stamp_due = state.stamps->at_or_after(place.sequence);
  state.cursors.push_back(cursor);
  return state.cursors.back();
}

void LaneSet::lost(SubscriberState& state, const SeenLane& seen, std::uint64_t messages) noexcept {
  add(reader_.slot(seen.files.lane).lost, messages);
  add(reader_.file().overruns);
  missed_ += messages;
  state.attention = true;
}

}  // namespace millrace::detail
