#include "channel_journal.hpp"

#include "channel_state.hpp"
#include "millrace/core/clock.hpp"
#include "millrace/core/liveness.hpp"

#include <cinttypes>
#include <cstdio>
#include <cstring>

namespace millrace::detail {

namespace {

const char* words_for(JournalHealth health) noexcept {
  switch (health) {
    case JournalHealth::ok: return "is slow";
    case JournalHealth::stopped: return "has stopped";
    case JournalHealth::full: return "is full";
    case JournalHealth::down: return "is down";
    case JournalHealth::poisoned: return "is poisoned";
    case JournalHealth::detached: return "was detached";
    case JournalHealth::absent: break;
  }
  return "has never been started";
}

}  // namespace

Result<ChannelJournal> ChannelJournal::open(int channel_directory, std::uint32_t lanes) {
  auto segment = Segment::open(channel_directory, kJournalName,
                               {.kind = layout::FileKind::journal,
                                .fingerprint = layout::kChannelJournalFingerprint,
                                .bytes_min = layout::channel_journal_bytes(lanes),
                                .bytes_max = layout::channel_journal_bytes(lanes)},
                               Access::read);
  if (!segment) return Failure(segment.error());
  ChannelJournal journal;
  journal.segment_.emplace(std::move(*segment));
  journal.watch_ = Watched(journal.segment_->data(), journal.segment_->size(), Access::read);
  return journal;
}

layout::JournalState ChannelJournal::state() const noexcept {
  // [sync:journal-state] Acquire: once it is not `absent`, every lane that the log knows is there.
  const std::uint32_t said = file().state.load(std::memory_order_acquire);
  return said <= static_cast<std::uint32_t>(layout::JournalState::detached)
             ? static_cast<layout::JournalState>(said)
             : layout::JournalState::poisoned;
}

std::optional<Checkpoint> ChannelJournal::durable(std::uint32_t lane,
                                                  std::uint64_t epoch) const noexcept {
  const layout::JournalSlot& from = slot(lane);
  constexpr int kAttempts = 8;  // a point is overtaken by the second one after it
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    // [sync:durable-epoch] Acquire: the points of this epoch are seen with it.
    if (from.lane_epoch.load(std::memory_order_acquire) != epoch) return std::nullopt;
    // [sync:durable-point] Acquire: without it we could read what this slot held two points ago.
    const std::uint64_t turn = from.turn.load(std::memory_order_acquire);
    const layout::DurablePoint& point = from.points[turn % 2];
    const Checkpoint seen{point.position.load(std::memory_order_relaxed),
                          point.sequence.load(std::memory_order_relaxed)};
    // [sync:durable-slot] Without this fence turn could be re-read before the point, and half of
    // the point after the next be taken for half of this one.
    ProductionMemory::acquire_fence();
    if (from.turn.load(std::memory_order_relaxed) != turn ||
        from.lane_epoch.load(std::memory_order_relaxed) != epoch) {
      continue;
    }
    if (turn == 0 || seen.position % kRecordAlign != 0) return std::nullopt;  // nobody writes this
    return seen;
  }
  return std::nullopt;
}

bool ChannelJournal::refused(std::uint32_t lane, std::uint64_t epoch) const noexcept {
  const layout::JournalSlot& from = slot(lane);
  // [sync:durable-epoch] Acquire, as in durable().
  return from.lane_epoch.load(std::memory_order_acquire) == epoch &&
         from.refused.load(std::memory_order_relaxed) != 0;
}

ChannelJournal::Gaps ChannelJournal::gaps(std::uint32_t lane, std::uint64_t epoch) const noexcept {
  const layout::JournalSlot& from = slot(lane);
  // [sync:durable-epoch] Acquire, as in durable().
  if (from.lane_epoch.load(std::memory_order_acquire) != epoch) return {};
  // [sync:gap-end] Acquire: the first one that belongs to an end is seen with it.
  const Sequence end = from.gap_end.load(std::memory_order_acquire);
  const Gaps seen{from.gaps.load(std::memory_order_relaxed),
                  from.gap_first.load(std::memory_order_relaxed), end};
  return seen.end > seen.first ? seen : Gaps{seen.messages, 0, 0};
}

Position ChannelJournal::stands_at(std::uint32_t lane, std::uint64_t epoch) const noexcept {
  const layout::JournalSlot& from = slot(lane);
  // [sync:durable-epoch] Acquire, as in durable().
  if (from.lane_epoch.load(std::memory_order_acquire) != epoch) return 0;
  return from.stands_at.load(std::memory_order_relaxed);
}

Uuid ChannelJournal::channel_in_log() const noexcept {
  Uuid uuid{};
  std::memcpy(uuid.data(), file().channel, uuid.size());
  return uuid;
}

ParticipantName ChannelJournal::persister() const noexcept {
  // [sync:persister] Acquire: the id that belongs to this incarnation is seen with it.
  const std::uint64_t incarnation = file().incarnation.load(std::memory_order_acquire);
  return {file().id.load(std::memory_order_relaxed), incarnation};
}

JournalHealth ChannelJournal::health(int domain_fd) const noexcept {
  switch (state()) {
    case layout::JournalState::absent: return JournalHealth::absent;
    case layout::JournalState::poisoned: return JournalHealth::poisoned;
    case layout::JournalState::detached: return JournalHealth::detached;
    case layout::JournalState::ok:
    case layout::JournalState::full: break;
  }
  const ParticipantName holder = persister();
  if (holder.incarnation == 0 || probe(domain_fd, holder).life == Life::dead) {
    return JournalHealth::down;
  }
  if (state() == layout::JournalState::full) return JournalHealth::full;
  const std::uint64_t beat = file().beat.load(std::memory_order_relaxed);
  const std::uint64_t now = monotonic_ns();
  return now > beat && now - beat > kJournalSilentNs ? JournalHealth::stopped : JournalHealth::ok;
}

JournalCondition ChannelJournal::condition(int domain_fd) const {
  JournalCondition now;
  now.health = health(domain_fd);
  now.persister = peer_name(domain_fd, persister());
  const std::uint64_t beat = file().beat.load(std::memory_order_relaxed);
  const std::uint64_t clock = monotonic_ns();
  now.beat_age_ns = beat != 0 && clock > beat ? clock - beat : 0;
  now.error = static_cast<int>(file().error.load(std::memory_order_relaxed));
  return now;
}

std::array<char, 200> describe_journal(const JournalCondition& condition) noexcept {
  std::array<char, 200> text{};
  std::array<char, 80> reason{};
  const bool failed = condition.error > 0 && (condition.health == JournalHealth::full ||
                                              condition.health == JournalHealth::poisoned);
  if (failed) std::snprintf(reason.data(), reason.size(), " (%.60s)", strerror(condition.error));
  if (condition.health == JournalHealth::absent) {
    std::snprintf(text.data(), text.size(), "its journal %s", words_for(condition.health));
  } else {
    std::snprintf(text.data(), text.size(),
                  "its journal %s%s (pid %u \"%.40s\", last seen %" PRIu64 " ms ago)",
                  words_for(condition.health), reason.data(), condition.persister.pid,
                  condition.persister.name.c_str(), condition.beat_age_ns / 1'000'000);
  }
  return text;
}

}  // namespace millrace::detail
