// Where a subscriber of an ordered channel begins, and where it goes on after it was overtaken.
#include "counter.hpp"
#include "lane_set.hpp"
#include "millrace/core/join.hpp"
#include "own_words.hpp"

#include <algorithm>
#include <cinttypes>

namespace millrace::detail {

namespace {

using Ring = OrderRing<ProductionMemory>;
using Table = Checkpoints<ProductionMemory>;

bool overwritten(const LaneCursor& cursor) noexcept {
  return !cursor.reader.validate(cursor.reader.position());
}

}  // namespace

Result<void> LaneSet::follow_ordered(SubscriberState& state, SeenLane& seen) noexcept {
  layout::ReaderSlot& slot = reader_.slot(seen.files.lane);
  OwnWords own(*channel_, slot, seen.files.epoch);
  const auto place =
      Join<ProductionMemory, OwnWords>::take_place(seen.files.view, From::oldest(), own);
  if (!place) {
    seen.broken = true;
    stand_aside(slot, seen.files.epoch, Aside::done);
    return fail(Errc::poisoned,
                "channel \"%s\": no place can be taken in lane %u, its bytes contradict each other",
                channel_->name.c_str(), seen.files.lane);
  }
  add_cursor(state, seen, *place).since = place->ordinal;
  return {};
}

// The first ordinal from which on every word's messages can still be read.
Ordinal LaneSet::oldest_ordinal(const SubscriberState& state, Ordinal frontier) const noexcept {
  const OrderView order = channel_->order();
  const Ordinal kept = order.capacity() - 2 * OrderView::kGroup;
  Ordinal oldest = frontier > kept ? frontier - kept : 0;
  for (Ordinal at = oldest; at < frontier; ++at) {
    const std::uint64_t word = Ring::look(order, at);
    const std::uint64_t lane = order.shape().block(word) / state.order->lane_blocks;
    // Words before that are of messages before our place, or of another lane of that number.
    const auto can_read = [=](const LaneCursor& cursor) {
      return cursor.lane == lane && at >= cursor.since;
    };
    if (!order.shape().is(word, at) || std::ranges::none_of(state.cursors, can_read)) {
      oldest = at + 1;
    }
  }
  return oldest;
}

// The last ordinal whose first message is at or before `wanted`.
Ordinal LaneSet::ordinal_of(Sequence wanted, Ordinal low, Ordinal high) const noexcept {
  const OrderView order = channel_->order();
  while (low < high) {
    const Ordinal middle = low + (high - low + 1) / 2;
    const auto before = Ring::before(order, middle);
    if (before && *before > wanted) {
      high = middle - 1;
    } else {
      low = middle;
    }
  }
  return low;
}

// Every lane has a place. From here on nothing that `at` speaks of is overwritten unnoticed.
Result<void> LaneSet::begin_in_order(SubscriberState& state) noexcept {
  OrderCursor& in = *state.order;
  for (int attempt = 0; attempt < kResynchronisations; ++attempt) {
    // Publishers that do not wait for us may have overtaken our place already.
    const Ordinal least = catch_up_lanes(state, 0);
    const Ordinal frontier = Ring::frontier(in.order);
    Ordinal at = frontier;
    if (from_.kind != From::Kind::now && attempt < kResynchronisations / 2) {
      at = std::max(least, oldest_ordinal(state, frontier));
      if (from_.kind == From::Kind::sequence) at = ordinal_of(from_.sequence, at, frontier);
    }
    if (!stand_at(state, at)) continue;
    if (from_.kind != From::Kind::sequence) return {};
    in.first = from_.sequence;
    if (in.sequence > in.first) {
      const std::uint64_t missed = in.sequence - in.first;
      add(in.slot->lost, missed);
      add(reader_.file().overruns);
      missed_ += missed;
      state.attention = true;
    }
    return {};
  }
  return fail(Errc::poisoned, "channel \"%s\": no place can be taken in its order",
              channel_->name.c_str());
}

// Goes to an ordinal: in every lane, to where nothing that is published at it or later lies before.
bool LaneSet::stand_at(SubscriberState& state, Ordinal at) noexcept {
  for (LaneCursor& cursor : state.cursors) {
    const auto place = Table::ordered_before(cursor.reader.lane(), at);
    if (!place && cursor.since <= at) return false;
    if (place && place->position > cursor.reader.position()) cursor.reader.jump(*place);
    if (overwritten(cursor)) return false;
    cursor.reader.release();
    // [sync:space] Release, as every store of a position.
    cursor.slot->position.store(cursor.reader.position(), std::memory_order_release);
    cursor.stands_at(cursor.reader.position());
    store_counters(cursor);  // the sequence of that place, for when the lane is continued
  }
  OrderCursor& in = *state.order;
  const auto before = Ring::before(in.order, at);
  if (!before) return false;
  in.at = at;
  in.sequence = *before;
  in.left = 0;
  return true;
}

// Lanes in which we were overtaken: from which ordinal on they can be read again.
Ordinal LaneSet::catch_up_lanes(SubscriberState& state, Ordinal least) noexcept {
  for (LaneCursor& cursor : state.cursors) {
    if (!overwritten(cursor)) continue;
    SeenLane* const seen = find(cursor.lane);
    std::optional<Checkpoint> place;
    if (reader_.lossy()) {
      place = Table::oldest(seen->files.view);
    } else {
      // Whoever must be waited for takes its place with the handshake, as in lapped().
      OwnWords own(*channel_, *cursor.slot, seen->files.epoch);
      place = Join<ProductionMemory, OwnWords>::take_place(seen->files.view, From::oldest(), own);
    }
    if (!place || place->position < cursor.reader.position()) continue;
    cursor.reader.jump(*place);
    cursor.since = place->ordinal;
    least = std::max(least, place->ordinal);
  }
  return least;
}

Failure LaneSet::lapped_in_order(SubscriberState& state, LaneCursor* cursor) noexcept {
  OrderCursor& in = *state.order;
  const bool waited_for = channel_->options.policy == Policy::evict && !reader_.lossy();
  const bool evicted = waited_for || (cursor != nullptr && was_evicted(*find(cursor->lane)));
  const Sequence expected = in.sequence;
  const bool in_hand = std::ranges::any_of(state.cursors, [](const LaneCursor& one) {
    return one.reader.position() != one.reader.start();
  });
  // Of a word that is half read the rest cannot be had from elsewhere.
  const Ordinal least = in.left != 0 ? in.at + 1 : in.at;
  bool stands = false;
  for (int attempt = 0; attempt < kResynchronisations && !stands; ++attempt) {
    const Ordinal frontier = Ring::frontier(in.order);
    Ordinal at = catch_up_lanes(state, least);
    const Ordinal kept = in.order.capacity() - 2 * OrderView::kGroup;
    if (frontier > at + kept) at = frontier - kept / 2;
    stands = stand_at(state, attempt < kResynchronisations / 2 ? at : std::max(at, frontier));
  }
  if (!stands) in.left = 0;  // the next look tries again
  const std::uint64_t lost = in.sequence > expected ? in.sequence - expected : 0;
  add(in.slot->lost, lost);
  add(evicted ? reader_.file().evictions : reader_.file().overruns);
  const Failure failure =
      fail(evicted ? Errc::evicted : Errc::overrun,
           "channel \"%s\": %s, %" PRIu64
           " messages are lost%s; read faster or create the channel with a larger ring",
           channel_->name.c_str(),
           evicted ? "a publisher gave up on this reader" : "the publishers overtook this reader",
           lost, in_hand ? ", and those since the last release may be torn" : "");
  return Failure(failure.error().with_lost(lost));
}

// The rest of the word that is read cannot be had.
Failure LaneSet::lost_in_order(const SubscriberState& state) noexcept {
  const std::uint32_t lane = state.order->lane;
  const std::uint32_t messages = state.order->give_up_word();
  add(state.order->slot->lost, messages);
  add(reader_.file().overruns);
  const Failure failure = fail(Errc::overrun,
                               "channel \"%s\": %u messages are lost, lane %u in which they were "
                               "published is gone or cannot be read",
                               channel_->name.c_str(), messages, lane);
  return Failure(failure.error().with_lost(messages));
}

Failure LaneSet::order_is_cut_off() const noexcept {
  return fail(Errc::poisoned,
              "channel \"%s\": some publisher cut the file of its order short; remove the channel "
              "(millrace clean %s)",
              channel_->name.c_str(), channel_->name.c_str());
}

void LaneSet::pass_unordered(const SubscriberState& state, LaneCursor& cursor) const noexcept {
  const OrderCursor& in = *state.order;
  if (in.left != 0 && in.lane == cursor.lane) return;
  // Relaxed: a look that comes too early is made again.
  const std::uint64_t version = cursor.reader.lane().version().load(std::memory_order_relaxed);
  if (version == cursor.version_seen) return;
  const auto place = Table::ordered_before(cursor.reader.lane(), in.at);
  if (!place) return;
  if (place->position > cursor.reader.position() && cursor.reader.validate()) {
    cursor.reader.jump(*place);
  }
  const auto newest = Table::newest(cursor.reader.lane());
  if (newest && newest->position == place->position) cursor.version_seen = version;
}

}  // namespace millrace::detail
