// Polls that something else comes before: a loss to report, a lane that is read from the journal, a
// place to be remembered; and polls in place. What needs none of that is in subscriber_state.hpp.
#include "lane_set.hpp"
#include "millrace/transport/subscriber.hpp"

#include <algorithm>

namespace millrace {

namespace detail {

// The rings together have a turn, and so has each lane that is read from the journal.
Look SubscriberState::round_with_care(Message& message) noexcept {
  ColdLanes& cold = set->cold();
  for (std::size_t turns = 2 * (cold.size() + cursors.size()) + 2; turns != 0; --turns) {
    Record record;
    const std::byte* data = nullptr;
    std::uint32_t lane = 0;
    const bool rings = cold.turn_of_rings();
    Look found = rings ? one_round(message) : set->next_cold(*this, record, data, lane);
    if (found == Look::stamped) found = next_stamped(message);
    if (found == Look::failed) return found;
    if (found == Look::message && rings) {
      cold.gave(kTurn * cursors.size());
      set->handed_out(message.lane());
      return found;
    }
    if (found == Look::message) {
      set->took_cold(record, lane);
      set->handed_out(lane);
      MessageMaker::make(message, record, data, lane);
      return found;
    }
    cold.pass_on();
  }
  return Look::nothing;
}

Look SubscriberState::next_with_care(Message& message) noexcept {
  if (guard.foreign()) return failed(foreign());
  stamp_processed();
  set->acknowledge(*this);
  for (int round = 1;; ++round) {
    if (set->has_news()) return failed(set->tell_news(*this));
    const Look found = order ? next_in_order(message) : round_with_care(message);
    if (found != Look::nothing) return found;
    const Look more = nothing();
    if (more != Look::again) return more;
    if (round == kRoundsMax) return Look::nothing;
  }
}

Result<void> SubscriberState::prepare_each() noexcept {
  if (guard.foreign()) return foreign();
  stamp_processed();
  set->acknowledge(*this);
  if (set->has_news()) return set->tell_news(*this);
  return {};
}

bool SubscriberState::from_journal() const noexcept {
  return !set->cold().empty();
}

void SubscriberState::acknowledge_all() noexcept {
  set->acknowledge_all(*this);
}

Look SubscriberState::next_in_ring(Record& record, const std::byte*& data,
                                   std::uint32_t& lane) noexcept {
  if (order) return place_in_order(record, data, lane);
  for (std::size_t turns = cursors.size() + 1; turns != 0 && !cursors.empty(); --turns) {
    LaneCursor& cursor = cursors[current];
    if (left_in_turn != 0) {
      const Poll found = take(cursor, record);
      if (found == Poll::message) {
        data = cursor.reader.lane().payload(record.position);
        lane = cursor.lane;
        return Look::message;
      }
      if (found != Poll::empty) return trouble(cursor, found);
      if (!went_empty(cursor)) return trouble(cursor, Poll::empty);
    }
    pass_on();
  }
  return Look::nothing;
}

Look SubscriberState::next_in_place(Record& record, const std::byte*& data,
                                    std::uint32_t& lane) noexcept {
  if (guard.foreign()) return failed(foreign());
  stamp_processed();
  if (attention) set->acknowledge(*this);
  for (int round = 1;; ++round) {
    if (set->has_news()) return failed(set->tell_news(*this));
    ColdLanes& cold = set->cold();
    for (std::size_t turns = 2 * (cold.size() + cursors.size()) + 2; turns != 0; --turns) {
      const Look found = cold.turn_of_rings() ? next_in_ring(record, data, lane)
                                              : set->next_cold(*this, record, data, lane);
      if (found == Look::message || found == Look::failed) return found;
      cold.pass_on();
    }
    const Look more = nothing();
    if (more != Look::again) return more;
    if (round == kRoundsMax) return Look::nothing;
  }
}

Result<void> SubscriberState::finish(const Record& record, std::uint32_t lane) noexcept {
  if (order) return finish_in_order(record, lane);
  if (set->took_cold(record, lane)) {
    set->handed_out(lane);
    return {};
  }
  // The lanes may have been looked at since next_in_place(): ask for the one it came from.
  const auto found = std::ranges::find(cursors, lane, &LaneCursor::lane);
  if (found == cursors.end() || found->reader.position() != record.position ||
      found->reader.sequence() != record.sequence) {
    return fail(Errc::bad_argument,
                "this view of lane %u is no longer valid: the subscriber went on", lane);
  }
  LaneCursor& cursor = *found;
  if (!cursor.reader.validate(record.position) || (cursor.due() && !give_back(cursor))) {
    if (lapped(cursor) == Look::failed) return Failure(*failure);
    return fail(Errc::overrun,
                "lane %u: the publisher overtook this reader; nothing is lost, the next poll reads "
                "the message from the journal",
                lane);
  }
  cursor.reader.advance(record);
  cursor.reader.release();
  ++cursor.received;
  ++cursor.run;
  if (left_in_turn != 0) --left_in_turn;
  quiet = 0;
  set->handed_out(lane);
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

}  // namespace millrace
