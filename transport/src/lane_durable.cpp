// Lanes of a durable channel: where a subscriber begins in one, in its ring or in its journal; how
// far it may read; and what it is told if the journal fails.
#include "lane_set.hpp"
#include "millrace/core/crash_point.hpp"
#include "millrace/core/join.hpp"
#include "own_words.hpp"

#include <cinttypes>

namespace millrace::detail {

Result<void> LaneSet::follow_durable(SubscriberState& state, SeenLane& seen) noexcept {
  auto start = where_to_begin(seen);
  if (!start) {
    // Told after it has its subscriber: it goes on with what can be read.
    if (active_) (void)follow_ring(state, seen, From::oldest(), std::nullopt);
    return Failure(start.error());
  }
  if (!start->sequence) return follow_ring(state, seen, From::now(), std::nullopt);
  const Sequence wanted = *start->sequence;
  if (may_go_hot(seen, wanted, true) && go_hot(state, seen, *start)) return {};
  auto past = past_.lane(seen.files.producer);
  if (past) {
    remember(seen, wanted);
    begin_cold(state, seen, wanted, std::move(*past));
    return {};
  }
  if (!active_) return Failure(past.error());
  (void)follow_ring(state, seen, From::oldest(), wanted);
  return Failure(past.error());
}

Result<LaneSet::Start> LaneSet::where_to_begin(const SeenLane& seen) noexcept {
  const Sequence first = seen.files.first;
  if (remembered_) {
    auto stopped = where_we_stopped(seen);
    if (!stopped || stopped->sequence) return stopped;
  }
  // Born after us: all of it. A lane with a past was made by the journal, and is no newcomer.
  if (active_ && first == 0) return Start{first};
  switch (from_.kind) {
    case From::Kind::oldest: {
      auto oldest = oldest_of(seen);
      if (!oldest) return Failure(oldest.error());
      return Start{*oldest};
    }
    case From::Kind::sequence: return Start{from_.sequence};
    case From::Kind::time: {
      auto past = past_.lane(seen.files.producer);
      if (!past) return Failure(past.error());
      if (!*past) return Start{first};
      auto since = (*past)->first_since(from_.wall_ns);
      if (!since) return Failure(since.error());
      return Start{*since};
    }
    case From::Kind::now: break;
  }
  // Whoever had a name before, or is in place already, wants the lane from where it begins.
  if (active_ || (remembered_ && remembered_->known())) return Start{first};
  return Start{};
}

// No sequence: this name has never read the lane.
Result<LaneSet::Start> LaneSet::where_we_stopped(const SeenLane& seen) noexcept {
  if (const auto place = remembered_->place(seen.files.lane, seen.files.epoch)) {
    return Start{.sequence = *place, .remembered = true};
  }
  // What the log remembers is of an earlier life of the lane, which ended where this one begins.
  const Sequence first = seen.files.first;
  if (first == 0) return Start{};
  auto logged = past_.remembered(remembered_->name(), seen.files.producer);
  if (!logged) return Failure(logged.error());
  if (!*logged) return Start{};
  if (**logged <= first) return Start{.sequence = **logged, .remembered = true};
  rewound(seen, **logged, first);
  return Start{.sequence = first, .remembered = true};
}

Result<Sequence> LaneSet::oldest_of(const SeenLane& seen) noexcept {
  const auto in_ring = Checkpoints<ProductionMemory>::oldest(seen.files.view);
  if (in_ring && in_ring->sequence == 0) return Sequence{0};  // there is nothing older
  auto past = past_.lane(seen.files.producer);
  if (!past) return Failure(past.error());
  if (!*past) return seen.files.first;
  return (*past)->oldest();
}

void LaneSet::rewound(const SeenLane& seen, Sequence remembered, Sequence end) noexcept {
  add(reader_.file().rewinds);
  news_.push_back(fail(Errc::rewound,
                       "channel \"%s\": subscriber \"%s\" had read lane %u of \"%s\" up to message "
                       "%" PRIu64 ", but its log ends before %" PRIu64
                       ": the messages between were lost with the power, and their numbers come "
                       "again with other contents",
                       channel_->name.c_str(), remembered_->name().c_str(), seen.files.lane,
                       seen.files.producer.c_str(), remembered, end)
                      .error());
}

void LaneSet::remember(SeenLane& seen, Sequence sequence) noexcept {
  if (!remembered_) return;
  seen.remembered = &remembered_->begin(seen.files.lane, seen.files.epoch, sequence);
}

void LaneSet::look_at_journal(LaneCursor& cursor) const noexcept {
  // The lane's number is its own for as long as the channel is: named lanes are not removed.
  const std::uint64_t epoch = value(cursor.slot->lane_epoch);
  const auto point = channel_->journal.durable(cursor.lane, epoch);
  if (point && point->position > cursor.deliverable) cursor.deliverable = point->position;
}

bool LaneSet::refused(const LaneCursor& cursor) const noexcept {
  return durable_ && channel_->journal.refused(cursor.lane, value(cursor.slot->lane_epoch));
}

Sequence LaneSet::journaled(const SeenLane& seen) const noexcept {
  const auto point = channel_->journal.durable(seen.files.lane, seen.files.epoch);
  return point ? point->sequence : seen.files.first;
}

std::optional<Failure> LaneSet::journal_failure(SubscriberState& state) noexcept {
  if (!durable_) return std::nullopt;
  const bool poisoned = channel_->journal.state() == layout::JournalState::poisoned;
  for (LaneCursor& cursor : state.cursors) {
    const Position at = cursor.reader.position();
    if (!poisoned && !refused(cursor)) continue;
    look_at_journal(cursor);
    // Relaxed: whether there is something, not what.
    if (at < cursor.deliverable ||
        cursor.reader.lane().header(at).load(std::memory_order_relaxed) == 0) {
      continue;
    }
    if (poisoned) {
      const JournalCondition now = channel_->journal.condition(channel_->domain->directory.fd());
      return fail(Errc::journal_poisoned,
                  "channel \"%s\", lane %u: everything durable is read; what was published after "
                  "message %" PRIu64 " has an unknown outcome, %s",
                  channel_->name.c_str(), cursor.lane, cursor.reader.sequence(),
                  describe_journal(now).data());
    }
    return refuse_lane(state, cursor);
  }
  return std::nullopt;
}

Failure LaneSet::refuse_lane(SubscriberState& state, LaneCursor& cursor) noexcept {
  const std::uint32_t lane = cursor.lane;
  const Sequence sequence = cursor.reader.sequence();
  SeenLane* const seen = find(lane);
  seen->broken = true;
  seen->followed = false;
  stand_aside(*cursor.slot, seen->files.epoch, Aside::done);
  store_counters(cursor);
  std::erase_if(state.cursors, [=](const LaneCursor& other) { return other.lane == lane; });
  state.current = 0;
  return fail(Errc::journal_poisoned,
              "channel \"%s\", lane %u of \"%s\": its journal refuses it, because it contradicts "
              "the log; nothing from message %" PRIu64
              " on becomes durable, and this lane is not "
              "read any further",
              channel_->name.c_str(), lane, seen->files.producer.c_str(), sequence);
}

}  // namespace millrace::detail
