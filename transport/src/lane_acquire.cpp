// Getting a lane for a new publisher. The write lock on lane-N.own decides who publishes in lane N;
// it is held for as long as the publisher lives, and dies with it.
//
//   dies after                     memory then shows           repaired by
//   lane-N.own made                a lock without a lane       the next publisher takes it
//   lane-N linked                  a lane without a record     the next of its name; else retired
//   owner_incarnation stored       a lane of a dead owner      the same
#include "lane_making.hpp"
#include "lane_owner.hpp"
#include "millrace/core/crash_point.hpp"
#include "millrace/core/heavy_barrier.hpp"
#include "millrace/core/lane_recovery.hpp"
#include "publisher_stamps.hpp"

#include <unistd.h>

namespace millrace::detail {

namespace {

struct Acquired {
  LifetimeLock lock;
  LaneFiles lane;
  Checkpoint frontier;
};

// How often a successor tries again, a millisecond apart, while nobody alive owns the lane.
constexpr int kTakeOverAttempts = 200;

// Continues a lane whose lock we hold where its last owner stopped.
Result<Acquired> take_over(const ChannelState& channel, LifetimeLock lock, std::uint32_t number,
                           const std::string& name, ParticipantName me, bool fencing) {
  auto lane = open_lane(channel, number, Access::write);
  if (!lane) return Failure(lane.error());
  // Between the look at its name and its lock, the lane may have gone and the number been given to
  // another producer, who died (tests/model/spin/lane_takeover.pml).
  if (lane->producer != name) {
    return fail(Errc::not_found,
                "channel \"%s\": lane %u is not that of \"%s\" any more; try again",
                channel.name.c_str(), number, name.c_str());
  }
  if (auto gone = check_owner_gone(channel, *lane); !gone) return Failure(gone.error());
  auto frontier = find_frontier<ProductionMemory>(lane->view);
  const std::uint64_t align = channel.ordered() ? layout::kBlockBytes : kRecordAlign;
  if (!frontier || frontier->position % align != 0) {
    return fail(Errc::poisoned,
                "channel \"%s\": lane %u (\"%s\") cannot be continued, its bytes contradict each "
                "other; remove it or publish under another name",
                channel.name.c_str(), number, lane->producer.c_str());
  }
  // Whatever the last owner has not published by now, it never will.
  frontier->ordinal = channel.frontier();
  layout::LaneControl& control = lane->control();
  control.owner_id.store(me.id, std::memory_order_relaxed);
  MILLRACE_CRASH_POINT("take-over.id");
  control.owner_incarnation.store(me.incarnation, std::memory_order_relaxed);
  control.life.fetch_add(1, std::memory_order_relaxed);
  MILLRACE_CRASH_POINT("take-over.owned");
  control.blocked_reader.store(0, std::memory_order_relaxed);
  control.fencing.store(fencing ? 1 : 0, std::memory_order_relaxed);
  // [sync:lane-state] Release: who sees it live sees whose it is.
  control.state.store(static_cast<std::uint32_t>(layout::LaneState::live),
                      std::memory_order_release);
  MILLRACE_CRASH_POINT("take-over.live");
  return Acquired{std::move(lock), std::move(*lane), *frontier};
}

Result<Acquired> continue_named(const ChannelState& channel, std::uint32_t number,
                                const std::string& name, ParticipantName me, bool fencing) {
  PeerName owner;
  for (int attempt = 0; attempt < kTakeOverAttempts; ++attempt) {
    auto lock = lock_lane(channel, number, false);
    if (lock) return take_over(channel, std::move(*lock), number, name, me, fencing);
    if (lock.error().code() != Errc::busy) return Failure(lock.error());
    const auto lane = open_lane(channel, number, Access::read);
    if (!lane) return Failure(lane.error());
    owner = peer_name(channel.domain->directory.fd(),
                      {lane->control().owner_id.load(std::memory_order_relaxed),
                       lane->control().owner_incarnation.load(std::memory_order_relaxed)});
    if (owner.alive && state_of(*lane) == layout::LaneState::live) break;
    // Its owner is gone; somebody looks at the lane, or the kernel is still taking the owner down.
    usleep(1000);
  }
  return fail(Errc::busy,
              "channel \"%s\": %s publishes under the name \"%s\" already; take another name, or "
              "end that process",
              channel.name.c_str(), describe_peer(owner).data(), name.c_str());
}

// Two of one name at the same moment. Both made their lanes before they looked, so at least one
// sees the other. The higher lane gives way at once; the lower cannot know whether the higher has
// looked already, so it waits for it to go, and gives way itself if it stays.
Result<Acquired> alone_of_its_name(const ChannelState& channel, const std::string& name,
                                   Acquired made, ParticipantName me, bool fencing) {
  std::optional<std::uint32_t> other;
  for (int attempt = 0; attempt < kTakeOverAttempts; ++attempt) {
    other = find_lane_named(channel, name, made.lane.lane);
    if (!other) return made;
    if (*other < made.lane.lane) break;
    usleep(1000);
  }
  remove_lane(channel, made.lane);
  return continue_named(channel, *other, name, me, fencing);
}

Result<Acquired> new_lane(const ChannelState& channel, const std::string& producer,
                          ParticipantName me, bool fencing) {
  const Ordinal ordinal = channel.frontier();
  auto made = make_lane(
      channel, {.producer = producer, .owner = me, .fencing = fencing, .ordinal = ordinal});
  if (!made) return Failure(made.error());
  return Acquired{std::move(made->lock), std::move(made->lane), Checkpoint{0, 0, ordinal}};
}

Failure no_journal(const ChannelState& channel) {
  return fail(Errc::journal_unavailable,
              "channel \"%s\" is durable and no journal has come to it yet; start one: `millrace "
              "record %s --journal %s`",
              channel.name.c_str(), channel.name.c_str(), channel.options.journal.c_str());
}

Result<Acquired> acquire(const ChannelState& channel, const std::string& name, ParticipantName me,
                         bool fencing) {
  if (name.empty()) return new_lane(channel, name, me, fencing);
  for (int attempt = 0;; ++attempt) {
    // Asked before the lanes are looked at: once it is open, every lane of the log is there.
    const bool open =
        !channel.options.durable || channel.journal.state() != layout::JournalState::absent;
    const auto number = find_lane_named(channel, name);
    if (!number && !open) return no_journal(channel);
    MILLRACE_CRASH_POINT("lane.found");
    auto made = number ? continue_named(channel, *number, name, me, fencing)
                       : new_lane(channel, name, me, fencing);
    if (made && !number) {
      made = alone_of_its_name(channel, name, std::move(*made), me, fencing);
    }
    // Not found: the other of this name has just given way as well.
    if (made || made.error().code() != Errc::not_found || attempt == 3) return made;
  }
}

// The order as this publisher writes it; one that may only read the order may not publish.
Result<void> take_part_in_order(const ChannelState& channel, const LaneFiles& lane,
                                PublisherState& state, std::optional<Segment>& file) {
  auto opened = channel.open_order(Access::write);
  if (!opened) return Failure(opened.error());
  file.emplace(std::move(*opened));
  const OrderView order(file->data(), channel.order().capacity());
  state.order = OrderWriter<ProductionMemory>(order);
  state.ordered = true;
  state.first_block = lane.lane * (channel.options.ring_bytes / layout::kBlockBytes);
  state.asleep_at = &channel.asleep_at(channel.options.lanes_max);
  return {};
}

}  // namespace

Result<std::unique_ptr<PublisherState>> open_publisher(const std::shared_ptr<ChannelState>& channel,
                                                       const PublisherOptions& options) {
  if (options.name.size() >= kNameBytes || options.name.find('\0') != std::string::npos) {
    return fail(Errc::bad_argument, "a publisher's name has at most %zu bytes and no zero",
                kNameBytes - 1);
  }
  if (channel->options.durable && options.name.empty()) {
    return fail(Errc::bad_argument,
                "channel \"%s\" is durable, and a journal tells producers by their names; set "
                "PublisherOptions::name",
                channel->name.c_str());
  }
  auto participant = channel->domain->participant();
  if (!participant) return Failure(participant.error());
  (*participant)->will_need(layout::Repair::lane);
  const bool fencing = !(*participant)->membarrier_registered();
  auto recorder = StampRecorder::create(*channel, (*participant)->name(),
                                        layout::StampRole::publisher, options.stamps);
  if (!recorder) return Failure(recorder.error());
  auto acquired = acquire(*channel, options.name, (*participant)->name(), fencing);
  if (!acquired) return Failure(acquired.error());
  auto state = std::make_unique<PublisherState>();
  state->asleep_at = &channel->asleep_at(acquired->lane.lane);
  std::optional<Segment> order;
  if (channel->ordered()) {
    auto taken = take_part_in_order(*channel, acquired->lane, *state, order);
    if (!taken) return Failure(taken.error());
  }
  state->writer =
      LaneWriter<ProductionMemory>(acquired->lane.view, acquired->frontier,
                                   channel->ordered() ? layout::kBlockBytes : kRecordAlign);
  MILLRACE_CRASH_POINT("publisher.acquired");
  state->writer.checkpoint();  // the frontier, so that invariant I3 holds from the start
  state->longest = message_bytes_max(channel->options.ring_bytes);
  state->fencing = fencing;
  state->strict = channel->options.require_readers;
  state->careful = state->strict;
  state->racing = channel->may_overwrite();
  if (*recorder) {
    state->stamps.reset(
        new PublisherStamps(std::move(*recorder), acquired->lane.lane, acquired->lane.epoch));
    state->plan_stamps(acquired->frontier.sequence);
  }
  state->owner.reset(new LaneOwner(channel, **participant, std::move(acquired->lock),
                                   std::move(acquired->lane), acquired->frontier.sequence,
                                   options.wait));
  state->owner->keep_order(std::move(order));
  channel->lanes_changed();
  if (auto there = channel->check_in_place(); !there) return Failure(there.error());
  return state;
}

}  // namespace millrace::detail
