// Reading in the one order of a channel: the next word of the order says in which lane the next
// messages lie. What a word says is checked before it is used; a word whose messages cannot be read
// any more is counted as lost, and the next one is taken.
#include "lane_set.hpp"
#include "millrace/transport/subscriber.hpp"
#include "subscriber_stamps.hpp"

#include <algorithm>

namespace millrace::detail {

namespace {

using Ring = OrderRing<ProductionMemory>;

// How often lanes that the order has not come to are looked after, in words.
constexpr std::uint32_t kCareEvery = 1024;

constexpr Position next_block(Position position) noexcept {
  return (position + layout::kBlockBytes - 1) & ~(layout::kBlockBytes - 1);
}

LaneCursor* cursor_of(std::vector<LaneCursor>& cursors, std::uint32_t lane) noexcept {
  const auto found = std::ranges::find(cursors, lane, &LaneCursor::lane);
  return found == cursors.end() ? nullptr : &*found;
}

}  // namespace

// Turns to word `at`. Message: its messages can be looked for.
Look SubscriberState::open_word() noexcept {
  OrderCursor& in = *order;
  const std::uint64_t word = Ring::look(in.order, in.at);
  if (in.is_free(word)) return look_after_lanes() ? Look::nothing : Look::failed;
  if (!in.order.shape().is(word, in.at)) return failed(set->lapped_in_order(*this, nullptr));
  // [sync:lanes] Acquire, as in LaneSet::stale: whoever published this word said before that there
  // is a new lane.
  if (lane_generation->load(std::memory_order_acquire) != lane_generation_seen) {
    if (auto looked = set->look(*this, false); !looked) return failed(Failure(looked.error()));
    if (set->has_news()) return failed(set->tell_news(*this));
  }
  if (++in.words == kCareEvery && !look_after_lanes()) return Look::failed;
  const std::uint64_t block = in.order.shape().block(word);
  in.left = in.order.shape().count(word);
  in.lane = static_cast<std::uint32_t>(block / in.lane_blocks);
  LaneCursor* const cursor = cursor_of(cursors, in.lane);
  // Its lane is gone, or was overwritten before we had a place in it.
  if (cursor == nullptr || in.at < cursor->since) return failed(set->lost_in_order(*this));
  const std::uint64_t capacity = cursor->reader.lane().capacity();
  const Position base = cursor->reader.position();
  // Of a reader that was overtaken a place would not say which lap.
  if (!cursor->reader.validate(base)) {
    return failed(set->lapped_in_order(*this, cursor));
  }
  const Position index = block % in.lane_blocks * layout::kBlockBytes;
  in.target = base + ((index - base) & (capacity - 1));
  return Look::message;
}

// Gives back what is read in lanes that the order has not come to for a while, and what dead
// publishers left there without a word. False: trouble.
bool SubscriberState::look_after_lanes() noexcept {
  order->words = 0;
  if (set->order_cut_off()) {
    (void)failed(set->order_is_cut_off());
    return false;
  }
  for (std::size_t i = 0; i < cursors.size(); ++i) {
    LaneCursor& cursor = cursors[i];
    if (cursor.poisoned->load(std::memory_order_relaxed) != 0) {
      (void)failed(set->broken(*this, cursor));
      return false;
    }
    set->pass_unordered(*this, cursor);
    if (cursor.published != cursor.reader.position() && !give_back(cursor)) {
      (void)failed(set->lapped_in_order(*this, &cursor));
      return false;
    }
    cursor.run = 0;
  }
  // Relaxed: figures, for observers.
  order->slot->position.store(order->at, std::memory_order_relaxed);
  order->slot->sequence.store(order->sequence, std::memory_order_relaxed);
  return true;
}

// The record at the target; it is not passed yet. What lies before it was never published.
Poll SubscriberState::seek_in_lane(LaneCursor& cursor, Record& record) noexcept {
  for (;;) {
    const Poll found = cursor.reader.poll(record);
    if (found != Poll::message) return found == Poll::empty ? Poll::broken : found;
    if (record.position >= order->target) break;
    if (!cursor.may_step_over(record)) return Poll::broken;
    if (!in_place && !cursor.reader.validate(record.position)) return Poll::overrun;
    cursor.reader.advance(record);
    if (!in_place) cursor.reader.release();
  }
  return record.position == order->target ? Poll::message : Poll::broken;
}

// The next message that passes, with its number in the order; it is not taken yet.
Look SubscriberState::seek(Record& record, LaneCursor*& cursor) noexcept {
  for (;;) {
    if (order->left == 0) {
      const Look found = open_word();
      if (found != Look::message) return found;
    }
    cursor = cursor_of(cursors, order->lane);
    if (cursor == nullptr) return failed(set->lost_in_order(*this));
    if (cursor->due() && !give_back(*cursor)) return failed(set->lapped_in_order(*this, cursor));
    const Poll found = seek_in_lane(*cursor, record);
    if (found != Poll::message) return trouble(*cursor, found);
    const bool wanted = filter.passes(record.key) && order->sequence >= order->first;
    record.sequence = order->sequence;
    if (wanted) return Look::message;
    if (!in_place && !cursor->reader.validate(record.position)) {
      return failed(set->lapped_in_order(*this, cursor));
    }
    cursor->reader.advance(record);
    if (!in_place) cursor->reader.release();
    ++cursor->skipped;
    took(*cursor);
  }
}

void SubscriberState::took(LaneCursor& cursor) noexcept {
  order->took(cursor.reader.position());
  // What fills up the block is read with it.
  if (order->left == 0) cursor.reader.pass_to(next_block(cursor.reader.position()), !in_place);
}

Look SubscriberState::next_in_order(Message& message) noexcept {
  Record record;
  LaneCursor* cursor = nullptr;
  const Look found = seek(record, cursor);
  if (found != Look::message) return found;
  Record in_lane =
      record;  // stamps go by the number in the lane, which the publisher knows as well
  in_lane.sequence = cursor->reader.sequence();
  const bool stamped = stamp_is_due(in_lane.sequence, cursor->stamp_due);
  const std::byte* const data =
      stamped ? hand_out_stamped(*cursor, in_lane, stamps->clock().ticks_ordered())
              : hand_out(*cursor, record);
  if (data == nullptr) return failed(set->lapped_in_order(*this, cursor));
  MessageMaker::make(message, record, data, cursor->lane);
  took(*cursor);
  return Look::message;
}

Look SubscriberState::place_in_order(Record& record, const std::byte*& data,
                                     std::uint32_t& lane) noexcept {
  LaneCursor* cursor = nullptr;
  const Look found = seek(record, cursor);
  if (found != Look::message) return found;
  data = cursor->reader.lane().payload(record.position);
  lane = cursor->lane;
  return Look::message;
}

Result<void> SubscriberState::finish_in_order(const Record& record, std::uint32_t lane) noexcept {
  LaneCursor* const cursor = cursor_of(cursors, lane);
  if (cursor == nullptr || order->left == 0 || order->lane != lane ||
      order->sequence != record.sequence) {
    return fail(Errc::bad_argument,
                "this view of lane %u is no longer valid: the subscriber went on", lane);
  }
  if (!cursor->reader.validate(record.position)) return set->lapped_in_order(*this, cursor);
  cursor->reader.advance(record);
  cursor->reader.release();
  ++cursor->received;
  took(*cursor);
  return {};
}

}  // namespace millrace::detail
