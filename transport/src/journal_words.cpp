#include "journal_words.hpp"

#include "counter.hpp"
#include "millrace/core/clock.hpp"
#include "millrace/core/crash_point.hpp"
#include "millrace/core/futex.hpp"

#include <climits>
#include <cstring>

namespace millrace::detail {

JournalWords::JournalWords(Segment segment) noexcept {
  segment_.emplace(std::move(segment));
  watch_ = Watched(segment_->data(), segment_->size(), Access::write);
}

Result<JournalWords> JournalWords::open(const ChannelState& channel) {
  const std::uint64_t bytes = layout::channel_journal_bytes(channel.options.lanes_max);
  auto segment = Segment::open(channel.directory.get(), kJournalName,
                               {.kind = layout::FileKind::journal,
                                .fingerprint = layout::kChannelJournalFingerprint,
                                .bytes_min = bytes,
                                .bytes_max = bytes},
                               Access::write);
  if (!segment) return Failure(segment.error());
  return JournalWords(std::move(*segment));
}

layout::JournalState JournalWords::state() const noexcept {
  // [sync:journal-state] Acquire, as for everybody who reads it.
  return static_cast<layout::JournalState>(file().state.load(std::memory_order_acquire));
}

// Who dies in between leaves a channel of no log, as if no persister had come: never a log beside
// an identity that is not from it.
void JournalWords::belong(const Uuid& log, const Uuid& channel_in_log) noexcept {
  layout::ChannelJournalFile& words = file();
  if (std::memcmp(words.log_uuid, log.data(), log.size()) == 0 &&
      std::memcmp(words.channel, channel_in_log.data(), channel_in_log.size()) == 0) {
    return;
  }
  std::memset(words.log_uuid, 0, sizeof words.log_uuid);
  // [sync:journal-identity] Release fence: without it the identity could change beneath the log
  // before.
  ProductionMemory::release_fence();
  MILLRACE_CRASH_POINT("attach.no-log");
  std::memcpy(words.channel, channel_in_log.data(), sizeof words.channel);
  // [sync:journal-identity] Release fence: who sees the log sees the identity in it.
  ProductionMemory::release_fence();
  MILLRACE_CRASH_POINT("attach.identity");
  std::memcpy(words.log_uuid, log.data(), sizeof words.log_uuid);
}

void JournalWords::take(ParticipantName persister, const Uuid& log, const Uuid& channel_in_log,
                        std::uint64_t epoch) noexcept {
  layout::ChannelJournalFile& words = file();
  belong(log, channel_in_log);
  words.epoch.store(epoch, std::memory_order_relaxed);
  words.beat.store(monotonic_ns(), std::memory_order_relaxed);
  words.id.store(persister.id, std::memory_order_relaxed);
  MILLRACE_CRASH_POINT("attach.id");
  // [sync:persister] Release: who sees the incarnation sees its id.
  words.incarnation.store(persister.incarnation, std::memory_order_release);
  MILLRACE_CRASH_POINT("attach.named");
  words.attaches.fetch_add(1, std::memory_order_relaxed);
  MILLRACE_CRASH_POINT("attach.counted");
}

void JournalWords::leave(ParticipantName persister) noexcept {
  layout::ChannelJournalFile& words = file();
  if (value(words.incarnation) != persister.incarnation) return;
  // [sync:persister] Release, as in take().
  words.incarnation.store(0, std::memory_order_release);
  futex_wake(&words.state, INT_MAX);
}

Checkpoint JournalWords::begin_lane(std::uint32_t lane, std::uint64_t epoch,
                                    Checkpoint first) noexcept {
  layout::JournalSlot& to = slot(lane);
  const std::uint64_t turn = value(to.turn);
  if (value(to.lane_epoch) == epoch && turn != 0) {
    const layout::DurablePoint& newest = to.points[turn % 2];
    return {value(newest.position), value(newest.sequence)};
  }
  to.lane_epoch.store(0, std::memory_order_relaxed);
  // [sync:durable-epoch] Release fence: nobody takes what follows for the lane before.
  ProductionMemory::release_fence();
  MILLRACE_CRASH_POINT("journal.slot-cleared");
  to.refused.store(0, std::memory_order_relaxed);
  to.gaps.store(0, std::memory_order_relaxed);
  to.gap_first.store(0, std::memory_order_relaxed);
  to.gap_end.store(0, std::memory_order_relaxed);
  to.stands_at.store(0, std::memory_order_relaxed);
  to.detaches.store(0, std::memory_order_relaxed);
  show(lane, first);
  // [sync:durable-epoch] Release: who sees the epoch sees its first point.
  to.lane_epoch.store(epoch, std::memory_order_release);
  MILLRACE_CRASH_POINT("journal.slot-begun");
  return first;
}

void JournalWords::show(std::uint32_t lane, Checkpoint point) noexcept {
  layout::JournalSlot& to = slot(lane);
  const std::uint64_t turn = value(to.turn) + 1;
  layout::DurablePoint& next = to.points[turn % 2];
  // [sync:durable-slot] Without this fence a reader could see the new point beneath the turn before
  // the last, and take half of each.
  ProductionMemory::release_fence();
  next.position.store(point.position, std::memory_order_relaxed);
  MILLRACE_CRASH_POINT("journal.point-position");
  next.sequence.store(point.sequence, std::memory_order_relaxed);
  MILLRACE_CRASH_POINT("journal.point");
  // [sync:durable-point] Release: the point is complete before it is the newest, and everything
  // that it says to be durable was so before.
  to.turn.store(turn, std::memory_order_release);
  MILLRACE_CRASH_POINT("journal.turned");
  wake(lane);
}

void JournalWords::wake(std::uint32_t lane) noexcept {
  layout::JournalSlot& to = slot(lane);
  // [sync:durable-wake] Release: who sees the word moved sees why. A sleeper reads it before it
  // looks at the point, and the kernel compares it again.
  to.advanced.fetch_add(1, std::memory_order_release);
  futex_wake(&to.advanced, INT_MAX);
}

void JournalWords::skip(std::uint32_t lane, Sequence first, Checkpoint place) noexcept {
  layout::JournalSlot& to = slot(lane);
  if (place.sequence > first) {
    if (value(to.gap_end) == 0) to.gap_first.store(first, std::memory_order_relaxed);
    // [sync:gap-end] Release: with the end one sees the first. The durable point that passes the
    // gap comes later, so nobody takes a message in it for durable.
    to.gap_end.store(place.sequence, std::memory_order_release);
  }
  MILLRACE_CRASH_POINT("journal.gap-said");
  to.stands_at.store(place.position, std::memory_order_relaxed);
}

bool JournalWords::was_detached(std::uint32_t lane) const noexcept {
  return slot(lane).detaches.load(std::memory_order_relaxed) !=
         file().detaches.load(std::memory_order_relaxed);
}

void JournalWords::settle_detached(std::uint32_t lane) noexcept {
  slot(lane).detaches.store(file().detaches.load(std::memory_order_relaxed),
                            std::memory_order_relaxed);
}

void JournalWords::refuse(std::uint32_t lane) noexcept {
  slot(lane).refused.store(1, std::memory_order_relaxed);
  wake(lane);
}

void JournalWords::say(layout::JournalState state, int error) noexcept {
  layout::ChannelJournalFile& words = file();
  words.error.store(static_cast<std::uint32_t>(error), std::memory_order_relaxed);
  // [sync:journal-state] Release: who sees the state sees its errno, and, once it is not `absent`,
  // every lane that the log knows.
  words.state.store(static_cast<std::uint32_t>(state), std::memory_order_release);
  MILLRACE_CRASH_POINT("journal.state-said");
  futex_wake(&words.state, INT_MAX);
}

}  // namespace millrace::detail
