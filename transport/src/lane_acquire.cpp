// Getting a lane for a new publisher. The write lock on lane-N.own decides who publishes in lane N;
// it is held for as long as the publisher lives, and dies with it.
//
//   dies after                     memory then shows           repaired by
//   lane-N.own made                a lock without a lane       the next publisher takes it
//   lane-N linked                  a lane without a record     the next of its name; else retired
//   owner_incarnation stored       a lane of a dead owner      the same
#include "file_modes.hpp"
#include "lane_drained.hpp"
#include "lane_owner.hpp"
#include "millrace/core/crash_point.hpp"
#include "millrace/core/heavy_barrier.hpp"
#include "millrace/core/lane_recovery.hpp"
#include "millrace/core/participant_info.hpp"

#include <cinttypes>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace millrace::detail {

namespace {

struct Acquired {
  LifetimeLock lock;
  LaneFiles lane;
  Checkpoint frontier;
};

// Locks lane N's file, which is made if `make`. Errc::busy: a living publisher holds it.
Result<LifetimeLock> lock_lane(const ChannelState& channel, std::uint32_t lane, bool make) {
  const std::string name = lane_lock_name(lane);
  const int directory = channel.directory.get();
  for (;;) {
    auto lock = LifetimeLock::take(directory, name.c_str());
    if (!lock && lock.error().code() == Errc::not_found && make) {
      const std::uint32_t mode = lane_lock_mode(channel.options.mode);
      lock = LifetimeLock::take(directory, name.c_str(), O_CREAT | O_EXCL, mode);
      if (!lock && lock.error().code() == Errc::exists) continue;  // somebody was faster
      if (lock) (void)fchmod(lock->fd(), mode);                    // whatever the umask says
      if (lock && channel.options.group != kKeepGroup) {
        (void)fchown(lock->fd(), static_cast<uid_t>(-1), channel.options.group);
      }
    }
    if (!lock) return lock;

    struct stat status {};

    MILLRACE_CRASH_POINT("lane.locked");
    if (fstat(lock->fd(), &status) == 0 && status.st_nlink != 0) return lock;
    // `clean` removed the file between our open and our lock: take the new one.
  }
}

layout::LaneState state_of(const LaneFiles& lane) noexcept {
  // [sync:lane-state] Acquire: every record before the end is seen with it.
  return static_cast<layout::LaneState>(lane.control().state.load(std::memory_order_acquire));
}

// How often a successor tries again, a millisecond apart, while nobody alive owns the lane.
constexpr int kTakeOverAttempts = 200;

// A lane whose lock we hold must have no living owner. It could have one only if somebody removed
// and remade lane-N.own under it.
Result<void> check_owner_gone(const ChannelState& channel, const LaneFiles& lane) {
  const ParticipantName owner{lane.control().owner_id.load(std::memory_order_relaxed),
                              lane.control().owner_incarnation.load(std::memory_order_relaxed)};
  if (state_of(lane) != layout::LaneState::live) return {};
  if (probe(channel.domain->directory.fd(), owner).life == Life::dead) return {};
  return fail(Errc::busy, "channel \"%s\": lane %u belongs to %s, which is alive",
              channel.name.c_str(), lane.lane,
              describe_peer(peer_name(channel.domain->directory.fd(), owner)).data());
}

// Continues a lane whose lock we hold where its last owner stopped.
Result<Acquired> take_over(const ChannelState& channel, LifetimeLock lock, std::uint32_t number,
                           ParticipantName me, bool fencing) {
  auto lane = open_lane(channel, number, Access::write);
  if (!lane) return Failure(lane.error());
  if (auto gone = check_owner_gone(channel, *lane); !gone) return Failure(gone.error());
  const auto frontier = find_frontier<ProductionMemory>(lane->view);
  if (!frontier) {
    return fail(Errc::poisoned,
                "channel \"%s\": lane %u (\"%s\") cannot be continued, its bytes contradict each "
                "other; remove it or publish under another name",
                channel.name.c_str(), number, lane->producer.c_str());
  }
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

// The lowest lane of this name but lane `except`.
std::optional<std::uint32_t> find_by_name(const ChannelState& channel, const std::string& name,
                                          std::uint32_t except = kLanesMax) {
  for (const std::uint32_t number : lane_numbers(channel)) {
    if (number == except) continue;
    const auto lane = open_lane(channel, number, Access::read);
    if (lane && lane->producer == name) return number;
  }
  return std::nullopt;
}

Result<Acquired> continue_named(const ChannelState& channel, std::uint32_t number,
                                const std::string& name, ParticipantName me, bool fencing) {
  PeerName owner;
  for (int attempt = 0; attempt < kTakeOverAttempts; ++attempt) {
    auto lock = lock_lane(channel, number, false);
    if (lock) return take_over(channel, std::move(*lock), number, me, fencing);
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

// Is lane N, whose lock we hold, of no use to anybody any more? Then it is removed.
bool retire(const ChannelState& channel, std::uint32_t number, Drained wanted) {
  auto lane = open_lane(channel, number, Access::write);
  if (!lane) return lane.error().code() == Errc::not_found;
  if (!lane->producer.empty() || !check_owner_gone(channel, *lane)) return false;
  if (drained(channel, *lane) < wanted) return false;
  remove_lane(channel, *lane);
  return true;
}

Result<Acquired> new_lane(const ChannelState& channel, const std::string& producer,
                          ParticipantName me, bool fencing) {
  std::optional<Error> refused;
  // First without taking history from anybody; then what no living reader waits for may go too.
  for (const Drained wanted : {Drained::by_all, Drained::unread}) {
    for (std::uint32_t number = 0; number < channel.options.lanes_max; ++number) {
      auto lock = lock_lane(channel, number, true);
      if (!lock) {
        // What another user put there, or shut to us, costs that number only.
        if (lock.error().code() != Errc::busy && !refused) refused = lock.error();
        continue;
      }
      if (!retire(channel, number, wanted)) continue;
      // Sleepers of an earlier lane of this number waited for positions that say nothing about the
      // new one. Relaxed: a hint; nobody sleeps for the new lane before it is linked.
      channel.asleep_at(number).store(0, std::memory_order_relaxed);
      auto lane = create_lane(channel, number, producer, me, fencing);
      if (!lane) {
        if (lane.error().code() == Errc::no_space && wanted == Drained::by_all) break;
        return Failure(lane.error());
      }
      return Acquired{std::move(*lock), std::move(*lane), Checkpoint{}};
    }
  }
  if (refused) return Failure(*refused);
  return fail(Errc::too_many,
              "channel \"%s\" has %u lanes and every one is in use or still being read; end a "
              "publisher, or create the channel with more lanes",
              channel.name.c_str(), channel.options.lanes_max);
}

// Two of one name at the same moment. Both made their lanes before they looked, so at least one
// sees the other. The higher lane gives way at once; the lower cannot know whether the higher has
// looked already, so it waits for it to go, and gives way itself if it stays.
Result<Acquired> alone_of_its_name(const ChannelState& channel, const std::string& name,
                                   Acquired made, ParticipantName me, bool fencing) {
  std::optional<std::uint32_t> other;
  for (int attempt = 0; attempt < kTakeOverAttempts; ++attempt) {
    other = find_by_name(channel, name, made.lane.lane);
    if (!other) return made;
    if (*other < made.lane.lane) break;
    usleep(1000);
  }
  remove_lane(channel, made.lane);
  return continue_named(channel, *other, name, me, fencing);
}

Result<Acquired> acquire(const ChannelState& channel, const std::string& name, ParticipantName me,
                         bool fencing) {
  if (name.empty()) return new_lane(channel, name, me, fencing);
  for (int attempt = 0;; ++attempt) {
    const auto number = find_by_name(channel, name);
    auto made = number ? continue_named(channel, *number, name, me, fencing)
                       : new_lane(channel, name, me, fencing);
    if (made && !number) {
      made = alone_of_its_name(channel, name, std::move(*made), me, fencing);
    }
    // Not found: the other of this name has just given way as well.
    if (made || made.error().code() != Errc::not_found || attempt == 3) return made;
  }
}

}  // namespace

Result<std::unique_ptr<PublisherState>> open_publisher(const std::shared_ptr<ChannelState>& channel,
                                                       const PublisherOptions& options) {
  if (options.name.size() >= kNameBytes || options.name.find('\0') != std::string::npos) {
    return fail(Errc::bad_argument, "a publisher's name has at most %zu bytes and no zero",
                kNameBytes - 1);
  }
  auto participant = channel->domain->participant();
  if (!participant) return Failure(participant.error());
  (*participant)->will_need(layout::Repair::lane);
  const bool fencing = !(*participant)->membarrier_registered();
  auto acquired = acquire(*channel, options.name, (*participant)->name(), fencing);
  if (!acquired) return Failure(acquired.error());
  auto state = std::make_unique<PublisherState>();
  state->writer = LaneWriter<ProductionMemory>(acquired->lane.view, acquired->frontier);
  MILLRACE_CRASH_POINT("publisher.acquired");
  state->writer.checkpoint();  // the frontier, so that invariant I3 holds from the start
  state->asleep_at = &channel->asleep_at(acquired->lane.lane);
  state->longest = message_bytes_max(channel->options.ring_bytes);
  state->fencing = fencing;
  state->strict = channel->options.require_readers;
  state->racing = channel->options.policy != Policy::block;
  state->owner.reset(new LaneOwner(channel, **participant, std::move(acquired->lock),
                                   std::move(acquired->lane), acquired->frontier.sequence,
                                   options.wait));
  channel->lanes_changed();
  if (auto there = channel->check_in_place(); !there) return Failure(there.error());
  return state;
}

}  // namespace millrace::detail
