#include "subscriber_stamps.hpp"

#include "counter.hpp"
#include "lane_set.hpp"

#include <algorithm>

namespace millrace::detail {

namespace {

// Which stamps of the record.
constexpr std::size_t kProcessed = 2;
constexpr std::size_t kReleased = 3;

}  // namespace

void SubscriberStamps::begin(LaneCursor& cursor, const Record& record,
                             std::uint64_t visible) noexcept {
  in_hand_ = recorder_->ring().write({.number = 0,
                                      .sequence = record.sequence,
                                      .lane = cursor.lane,
                                      .length = record.length,
                                      .epoch = value(cursor.slot->lane_epoch),
                                      .stamps = {visible, clock().ticks(), 0, 0}});
  ++cursor.unreleased;
}

void SubscriberStamps::processed() noexcept {
  recorder_->ring().add(in_hand_, kProcessed, clock().ticks());
  in_hand_ = kNone;
}

// Several lanes share the recorder, so others' records may lie between those that are meant.
void SubscriberStamps::released(LaneCursor& cursor) noexcept {
  auto& ring = recorder_->ring();
  const std::uint64_t now = clock().ticks();
  while (unreleased_from_ < ring.written() && !ring.holds(unreleased_from_))
    ++unreleased_from_;
  for (std::uint64_t number = unreleased_from_; number < ring.written(); ++number) {
    // Relaxed: our own words.
    const layout::StampSlot& slot = recorder_->slot(number);
    if (slot.lane.load(std::memory_order_relaxed) != cursor.lane) continue;
    if (value(slot.stamps[kReleased]) == 0) ring.add(number, kReleased, now);
  }
  while (unreleased_from_ < ring.written() &&
         value(recorder_->slot(unreleased_from_).stamps[kReleased]) != 0)
    ++unreleased_from_;
  cursor.unreleased = 0;
}

void StampsDelete::operator()(SubscriberStamps* stamps) const noexcept {
  delete stamps;
}

// `record` may lie behind the one that was due, if that one was lost or did not pass the filter.
const std::byte* SubscriberState::hand_out_stamped(LaneCursor& cursor, const Record& record,
                                                   std::uint64_t visible) noexcept {
  const std::byte* const data = hand_out(cursor, record);
  if (data == nullptr) return nullptr;
  cursor.stamp_due = stamps->at_or_after(record.sequence + 1);
  if (stamps->at_or_after(record.sequence) == record.sequence) {
    stamps->begin(cursor, record, visible);
    attention = true;  // the next poll ends the stamps of this one, if nobody does so before
  }
  return data;
}

// Finds the record once more, so that the message path holds nothing whose address is taken here.
Look SubscriberState::next_stamped(Message& message) noexcept {
  LaneCursor& cursor = cursors[current];
  Record record;
  const Poll found = take(cursor, record);
  if (found != Poll::message) return trouble(cursor, found);
  const std::uint64_t visible = stamps->clock().ticks_ordered();
  if (cursor.due() && !give_back(cursor)) return lapped(cursor);
  const std::byte* const data = hand_out_stamped(cursor, record, visible);
  if (data == nullptr) return lapped(cursor);
  MessageMaker::make(message, record, data, cursor.lane);
  return Look::message;
}

const std::byte* SubscriberState::interrupt_turn(LaneCursor& cursor, Record record) noexcept {
  const std::byte* const data = hand_out_stamped(cursor, record, stamps->clock().ticks_ordered());
  if (data == nullptr) return nullptr;
  left_when_interrupted = left_in_turn + 1;
  left_in_turn = 0;
  return data;
}

// False: the turn is over all the same.
bool SubscriberState::resume_turn() noexcept {
  left_in_turn = left_when_interrupted - 1;
  left_when_interrupted = 0;
  stamp_processed();
  return left_in_turn != 0;
}

void SubscriberState::stamp_processed() noexcept {
  if (!stamps || !stamps->in_hand()) return;
  stamps->processed();
  attention = set->needs_care(*this);
}

void SubscriberState::stamp_released(LaneCursor& cursor) noexcept {
  if (stamps) stamps->released(cursor);
}

bool SubscriberState::stamp_in_hand() const noexcept {
  return stamps && stamps->in_hand();
}

}  // namespace millrace::detail
