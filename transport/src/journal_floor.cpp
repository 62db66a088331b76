#include "journal_floor.hpp"

#include "counter.hpp"
#include "millrace/core/checkpoints.hpp"
#include "millrace/core/liveness.hpp"

#include <algorithm>
#include <array>

namespace millrace::detail {

JournalFloor::JournalFloor(const ChannelState& channel, const LaneFiles& lane) noexcept
    : channel_(channel), lane_(lane), durable_{0, channel.options.durable ? lane.first : 0} {
  given_up_ = durable_;
  const Position limit = lane_.view.limit().load(std::memory_order_relaxed);  // own word
  if (!channel_.options.durable || limit <= lane_.view.capacity()) return;
  // A lane that is taken over may have lapped its journal. Behind the oldest checkpoint no record's
  // beginning is known; the counter in the lane says which of them the last owner has counted.
  if (const auto oldest = Checkpoints<ProductionMemory>::oldest(lane_.view)) given_up_ = *oldest;
}

Checkpoint JournalFloor::durable(Checkpoint published) noexcept {
  if (!channel_.options.durable) return durable_;
  const ChannelJournal& journal = channel_.journal;
  // [sync:durable-wake] Acquire: a point that comes after this look changes the word we sleep on.
  advanced_ = journal.advanced_word(lane_.lane).load(std::memory_order_acquire);
  // [sync:journal-state] Acquire, for the same reason.
  state_ = journal.state_word().load(std::memory_order_acquire);
  const auto seen = journal.durable(lane_.lane, lane_.epoch);
  if (seen && seen->position >= durable_.position && seen->sequence >= durable_.sequence &&
      seen->position <= published.position && seen->sequence <= published.sequence) {
    durable_ = *seen;
  }
  return durable_;
}

bool JournalFloor::let_go() const noexcept {
  const layout::JournalState state = channel_.journal.state();
  if (state == layout::JournalState::detached) return true;
  if (channel_.options.when_journal_fails == WhenJournalFails::block) return false;
  const std::uint64_t holder = channel_.journal.persister().incarnation;
  return state != layout::JournalState::ok || holder == 0 || holder == dead_;
}

Position JournalFloor::position(Checkpoint published, Position floor) noexcept {
  if (!channel_.options.durable) return kNoReader;
  Position at = durable(published).position;
  const Position behind_gap = channel_.journal.stands_at(lane_.lane, lane_.epoch);
  if (behind_gap <= published.position) at = std::max(at, behind_gap);
  // Not "nobody": the limit must be asked for again soon, or a journal that comes back is lapped.
  if (let_go()) return published.position;
  if (at >= floor) return at;
  // Below the floor nothing can be durable only later. Under `proceed` the journal was lapped, and
  // takes a new place by itself; under `block` the word lies.
  return channel_.options.when_journal_fails == WhenJournalFails::proceed ? published.position
                                                                          : floor;
}

bool JournalFloor::drop_if_down() noexcept {
  if (channel_.options.when_journal_fails == WhenJournalFails::block) return false;
  const ParticipantName holder = channel_.journal.persister();
  if (holder.incarnation == 0 || holder.incarnation == dead_) return true;
  if (probe(channel_.domain->directory.fd(), holder).life == Life::alive) return false;
  dead_ = holder.incarnation;
  return true;
}

void JournalFloor::park(std::uint64_t bound_ns) const noexcept {
  const std::array<FutexWait, 2> words{
      FutexWait{&channel_.journal.advanced_word(lane_.lane), advanced_},
      FutexWait{&channel_.journal.state_word(), state_}};
  futex_wait_many(words, bound_ns);
}

void JournalFloor::account(Checkpoint published, Position limit) noexcept {
  const LaneView& lane = lane_.view;
  if (!channel_.options.durable || limit <= lane.capacity()) return;
  const Position horizon = limit - lane.capacity();
  if (horizon <= durable_.position) return;
  // The records up to the horizon are ours and still whole: nothing was written since it moved.
  Checkpoint at = given_up_.position < durable_.position ? durable_ : given_up_;
  if (at.position >= horizon) return;
  while (at.position < horizon && at.position < published.position) {
    // Relaxed: our own stores, or our predecessor's, who is gone.
    const auto header =
        layout::RecordHeader::of(lane.header(at.position).load(std::memory_order_relaxed));
    at.position += layout::record_bytes(header.length);
    if (layout::has_sequence(header.type)) ++at.sequence;
  }
  given_up_ = at;
  layout::LaneControl& control = lane_.control();
  const Sequence from = std::max(value(control.unjournaled_end), durable_.sequence);
  if (at.sequence <= from) return;
  add(control.unjournaled, at.sequence - from);
  control.unjournaled_end.store(at.sequence, std::memory_order_relaxed);
}

}  // namespace millrace::detail
