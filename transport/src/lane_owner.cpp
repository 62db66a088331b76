#include "lane_owner.hpp"

#include "counter.hpp"
#include "deadline.hpp"
#include "lane_placement.hpp"
#include "millrace/core/crash_point.hpp"
#include "millrace/core/futex.hpp"
#include "millrace/core/heavy_barrier.hpp"

#include <algorithm>
#include <cinttypes>
#include <climits>

namespace millrace::detail {

namespace {

// How long a blocked publisher sleeps at most. No wake-up depends on it; a reader that is killed
// while we sleep costs this much.
constexpr std::uint64_t kParkBoundNs = 1'000'000;

// A blocked publisher asks whether the reader in its way still lives, first after this long, then
// this often. A ring that is merely full for a moment costs no system call.
constexpr std::uint64_t kProbeAfterNs = 100'000;
constexpr std::uint64_t kProbeEveryNs = 200'000;

}  // namespace

LaneOwner::LaneOwner(std::shared_ptr<ChannelState> channel, Participant& participant,
                     LifetimeLock lock, LaneFiles lane, Sequence from, Wait wait)
    : channel_(std::move(channel)),
      participant_(participant),
      lock_(std::move(lock)),
      lane_(std::move(lane)),
      readers_(*channel_, lane_.lane, lane_.epoch),
      floor_(*channel_, lane_),
      wait_(wait),
      accounted_(from),
      homeless_(channel_->options.placement.kind == Placement::Kind::subscriber &&
                lane_.control().asked_node == kNodeUnknown) {
  readers_.refresh();
  listening_ = readers_.listening() != 0;
}

Result<void> LaneOwner::make_room(PublisherState& state, std::uint64_t length,
                                  std::chrono::nanoseconds timeout) noexcept {
  auto& writer = state.writer;
  const char* const name = channel_->name.c_str();
  if (length > state.longest) {
    return fail(Errc::too_big,
                "channel \"%s\": a message of %" PRIu64 " bytes does not fit; a ring of %" PRIu64
                " bytes takes at most %" PRIu64 ", so create the channel with a larger ring",
                name, length, channel_->options.ring_bytes, state.longest);
  }
  if (lane_.cut_off()) {
    return fail(
        Errc::poisoned,
        "channel \"%s\", lane %u: somebody cut its file short, nobody can read it any more; "
        "open a new publisher",
        name, lane_.lane);
  }
  if (spoiled_) {
    return fail(
        Errc::poisoned,
        "channel \"%s\": its order contradicts itself or was cut short, some publisher has damaged "
        "it; remove the channel (millrace clean %s)",
        name, name);
  }
  adopt_fencing(state);
  account(writer);
  state.racing = channel_->may_overwrite() || readers_.any_lossy();
  readers_.begin_turn();
  SpaceHolders holders(readers_, floor_, writer);
  const Position needed = writer.limit_needed(length);
  if (keeper_.raise(writer, needed, holders)) return granted(writer);
  const std::uint64_t deadline = deadline_after(timeout);
  Waiter waiter(wait_, channel_->domain->ticks_per_us, channel_->domain->processors);
  for (note_blocked();;) {
    const std::uint64_t now = monotonic_ns();
    const bool probe = now >= next_probe_ns_;
    if (probe) next_probe_ns_ = now + kProbeEveryNs;
    const Next next = clear_the_way(probe);
    if (keeper_.raise(writer, needed, holders)) break;
    if (next == Next::again) continue;
    if (next == Next::hopeless) return full(writer, Errc::journal_poisoned);
    if (now >= deadline) {
      return full(writer, timeout == std::chrono::nanoseconds::zero() ? Errc::full : Errc::timeout);
    }
    nap_or_park(waiter, deadline - now);
  }
  // Who was given up on meanwhile and joined again is waited for from the next message on.
  if (channel_->options.policy == Policy::evict) keeper_.forget();
  return granted(writer);
}

// There is room; may it be used?
Result<void> LaneOwner::granted(const LaneWriter<ProductionMemory>& writer) noexcept {
  note_unblocked();
  floor_.account({writer.position(), writer.sequence()}, writer.limit());
  if (!channel_->options.require_readers || readers_.listening() != 0) return {};
  add(lane_.control().refused);
  return fail(Errc::no_readers, "channel \"%s\" requires readers, and nobody reads it",
              channel_->name.c_str());
}

LaneOwner::Next LaneOwner::clear_the_way(bool probe_now) noexcept {
  if (floor_.blocks()) return ask_journal(probe_now);
  ReaderTable::Entry* const entry = readers_.blocker();
  if (entry == nullptr) {
    readers_.refresh();  // the last look at the readers failed
    keeper_.forget();
    return Next::wait;
  }
  if (probe_now && drop_if_dead(*entry)) return Next::again;
  if (channel_->options.policy != Policy::evict) return Next::wait;
  evict(*entry);
  return Next::again;
}

LaneOwner::Next LaneOwner::ask_journal(bool probe_now) noexcept {
  if (floor_.let_go() || (probe_now && floor_.drop_if_down())) {
    keeper_.forget();
    return Next::again;
  }
  const bool refused = floor_.journal().refused(lane_.lane, lane_.epoch);
  const bool poisoned = floor_.journal().state() == layout::JournalState::poisoned;
  return refused || poisoned ? Next::hopeless : Next::wait;
}

bool LaneOwner::drop_if_dead(ReaderTable::Entry& entry) noexcept {
  const Probe probed = probe(channel_->domain->directory.fd(), entry.files.name().participant);
  if (probed.failed) {
    add(lane_.control().probe_errors);
    participant_.count_probe_error();
  }
  if (probed.life == Life::alive) return false;
  entry.dead = true;
  keeper_.forget();
  return true;
}

void LaneOwner::evict(ReaderTable::Entry& entry) noexcept {
  layout::LaneControl& control = lane_.control();
  const std::uint64_t count = value(control.evicted_count);
  layout::EvictedSlot& slot = control.evicted[count % kEvictedSlots];
  const ReaderName& name = entry.files.name();
  slot.incarnation.store(name.participant.incarnation, std::memory_order_relaxed);
  slot.reader.store(name.word(), std::memory_order_relaxed);
  // [sync:evicted] Release: a reader that sees the count sees its own name. The limit that is
  // raised afterwards is what stops it from using what it holds.
  MILLRACE_CRASH_POINT("evict.named");
  control.evicted_count.store(count + 1, std::memory_order_release);
  MILLRACE_CRASH_POINT("evict.counted");
  add(control.evictions);
  readers_.give_up(entry);
  keeper_.forget();
}

void LaneOwner::nap_or_park(Waiter& waiter, std::uint64_t left_ns) noexcept {
  if (!waiter.pause()) return;
  const ReaderTable::Entry* const entry = readers_.blocker();
  const std::uint64_t bound_ns = std::min(left_ns, kParkBoundNs);
  if (floor_.blocks()) {
    floor_.park(bound_ns);
  } else if (entry != nullptr) {
    park(*entry, bound_ns);
  } else {
    futex_wait_many({}, bound_ns);  // nobody to be woken by
  }
}

void LaneOwner::park(const ReaderTable::Entry& entry, std::uint64_t bound_ns) noexcept {
  layout::LaneControl& control = lane_.control();
  const layout::Word& word = readers_.moving_word(entry);
  const std::uint64_t seen = word.load(std::memory_order_relaxed);
  const ReaderName& name = entry.files.name();
  control.blocked_position.store(seen, std::memory_order_relaxed);
  control.blocked_reader.store(name.participant.incarnation, std::memory_order_relaxed);
  // [sync:back-pressure] Without a barrier on both sides we could look at the position before the
  // reader can see that we sleep, and it could look for sleepers before we can see its position.
  if (entry.files.file().fencing.load(std::memory_order_relaxed) != 0 || !heavy_barrier()) {
    ProductionMemory::full_fence();
  }
  MILLRACE_CRASH_POINT("back-pressure.asleep");
  if (word.load(std::memory_order_relaxed) == seen) {
    futex_wait(low_half(word), static_cast<std::uint32_t>(seen), bound_ns);
  }
  control.blocked_reader.store(0, std::memory_order_relaxed);
}

void LaneOwner::wake(Position at) noexcept {
  futex_wake(low_half(lane_.view.header(at)), INT_MAX);
  add(lane_.control().wakes);
}

void LaneOwner::wake(const layout::Word& word) noexcept {
  futex_wake(low_half(word), INT_MAX);
  add(lane_.control().wakes);
}

void LaneOwner::count_abort() noexcept {
  add(lane_.control().aborted);
}

void LaneOwner::account(const LaneWriter<ProductionMemory>& writer) noexcept {
  const Sequence now = writer.sequence();
  readers_.refresh();
  const bool listening = readers_.listening() != 0;
  if (!listening_) {
    // Who has come meanwhile may have begun with messages that were there before it.
    const Sequence heard = listening ? readers_.first_heard(now) : now;
    if (heard > accounted_) add(lane_.control().unheard, heard - accounted_);
  }
  accounted_ = now;
  listening_ = listening;
  if (homeless_ && listening_) settle_near_subscriber();
}

void LaneOwner::settle_near_subscriber() noexcept {
  const auto node = readers_.node_of_first();
  if (!node) return;
  follow_subscriber(lane_, *node);
  homeless_ = false;
}

void LaneOwner::adopt_fencing(PublisherState& state) noexcept {
  // Relaxed: a hint; until we have said that we fence, the sleeper only naps.
  if (state.fencing || value(channel_->doorbell().needs_fence) == 0) return;
  state.fencing = true;
  // [sync:fencing] Release: every publish after it is followed by a fence.
  lane_.control().fencing.store(1, std::memory_order_release);
}

void LaneOwner::note_blocked() noexcept {
  layout::LaneControl& control = lane_.control();
  if (waits_since_ns_ == 0) {
    waits_since_ns_ = monotonic_ns();
    next_probe_ns_ = waits_since_ns_ + kProbeAfterNs;
    control.waits_since.store(waits_since_ns_, std::memory_order_relaxed);
    add(control.blocks);
  }
  if (floor_.blocks()) {
    const ParticipantName persister = floor_.journal().persister();
    control.waits_for_id.store(persister.id, std::memory_order_relaxed);
    control.waits_for.store(persister.incarnation, std::memory_order_relaxed);
    return;
  }
  const ReaderTable::Entry* const entry = readers_.blocker();
  if (entry == nullptr) return;
  const ReaderName& name = entry->files.name();
  control.waits_for_id.store(name.word(), std::memory_order_relaxed);
  control.waits_for.store(name.participant.incarnation, std::memory_order_relaxed);
}

void LaneOwner::note_unblocked() noexcept {
  if (waits_since_ns_ == 0) return;
  lane_.control().waits_for.store(0, std::memory_order_relaxed);
  add(lane_.control().blocked_ns, monotonic_ns() - waits_since_ns_);
  waits_since_ns_ = 0;
}

Failure LaneOwner::full(const LaneWriter<ProductionMemory>& writer, Errc code) noexcept {
  add(lane_.control().refused);
  if (floor_.blocks()) return full_of_undurable(writer, code);
  const char* const name = channel_->name.c_str();
  const ReaderTable::Entry* const entry = readers_.blocker();
  if (entry == nullptr) {
    return fail(code, "channel \"%s\", lane %u: the ring is full; try again", name, lane_.lane);
  }
  const Position position = readers_.position_of(*entry);
  const Position end = writer.position();
  return fail(code,
              "channel \"%s\", lane %u: the ring is full; the slowest reader is %s, %" PRIu64
              " of %" PRIu64
              " bytes behind; let it read faster, or create the channel with a "
              "larger ring, or with policy evict or lossy",
              name, lane_.lane, describe_peer(entry->peer).data(),
              end > position ? end - position : 0, channel_->options.ring_bytes);
}

void LaneOwner::close(PublisherState& state) noexcept {
  auto& writer = state.writer;
  writer.abandon();
  account(writer);
  writer.checkpoint();
  // [sync:lane-state] Release: a reader that sees the end sees every record before it.
  lane_.control().state.store(static_cast<std::uint32_t>(layout::LaneState::left),
                              std::memory_order_release);
  MILLRACE_CRASH_POINT("close.left");
  channel_->lanes_changed();
  futex_wake(low_half(lane_.view.header(writer.position())), INT_MAX);
}

}  // namespace millrace::detail
