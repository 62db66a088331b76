// Making lanes, and finding them by name. A lane number belongs to whoever holds the write lock on
// lane-N.own.
#include "lane_making.hpp"

#include "file_modes.hpp"
#include "lane_drained.hpp"
#include "millrace/core/crash_point.hpp"
#include "millrace/core/lane_recovery.hpp"
#include "millrace/core/liveness.hpp"

#include <cinttypes>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace millrace::detail {

layout::LaneState state_of(const LaneFiles& lane) noexcept {
  // [sync:lane-state] Acquire: every record before the end is seen with it.
  return static_cast<layout::LaneState>(lane.control().state.load(std::memory_order_acquire));
}

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

// The lowest lane of this name but lane `except`.
std::optional<std::uint32_t> find_lane_named(const ChannelState& channel, const std::string& name,
                                             std::uint32_t except) {
  for (const std::uint32_t number : lane_numbers(channel)) {
    if (number == except) continue;
    const auto lane = open_lane(channel, number, Access::read);
    if (lane && lane->producer == name) return number;
  }
  return std::nullopt;
}

// Locks lane N's file, which is made if `make`. Errc::busy: a living publisher holds it.
Result<LifetimeLock> lock_lane(const ChannelState& channel, std::uint32_t lane, bool make,
                               bool waiting) {
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
      if (lock && waiting) give_to_creator(channel, lock->fd());
    }
    if (!lock) return lock;

    struct stat status {};

    MILLRACE_CRASH_POINT("lane.locked");
    if (fstat(lock->fd(), &status) == 0 && status.st_nlink != 0) return lock;
    // `clean` removed the file between our open and our lock: take the new one.
  }
}

void seal(const ChannelState& channel, const LaneFiles& lane) noexcept {
  if (!channel.ordered()) return;
  const Ordinal ordinal = channel.frontier();
  const auto end = find_frontier<ProductionMemory>(lane.view);
  const auto newest = Checkpoints<ProductionMemory>::newest(lane.view);
  if (!end || !newest || newest->position == end->position) return;
  Checkpoints<ProductionMemory>::write(lane.view, {end->position, end->sequence, ordinal});
}

namespace {

// Is lane N, whose lock we hold, of no use to anybody any more? Then it is removed.
bool retire(const ChannelState& channel, std::uint32_t number, Drained wanted) {
  auto lane = open_lane(channel, number, Access::write);
  if (!lane) return lane.error().code() == Errc::not_found;
  if (!lane->producer.empty() || !check_owner_gone(channel, *lane)) return false;
  seal(channel, *lane);
  if (drained(channel, *lane) < wanted) return false;
  remove_lane(channel, *lane);
  return true;
}

}  // namespace

Result<MadeLane> make_lane(const ChannelState& channel, const LaneOrder& order) {
  std::optional<Error> refused;
  // First without taking history from anybody; then what no living reader waits for may go too.
  for (const Drained wanted : {Drained::by_all, Drained::unread}) {
    for (std::uint32_t number = 0; number < channel.options.lanes_max; ++number) {
      auto lock = lock_lane(channel, number, true, order.waiting);
      if (!lock) {
        // What another user put there, or shut to us, costs that number only.
        if (lock.error().code() != Errc::busy && !refused) refused = lock.error();
        continue;
      }
      if (!retire(channel, number, wanted)) continue;
      // Sleepers of an earlier lane of this number waited for positions that say nothing about the
      // new one. Relaxed: a hint; nobody sleeps for the new lane before it is linked.
      channel.asleep_at(number).store(0, std::memory_order_relaxed);
      auto lane = create_lane(channel, number, order);
      if (!lane) {
        if (lane.error().code() == Errc::no_space && wanted == Drained::by_all) break;
        return Failure(lane.error());
      }
      return MadeLane{std::move(*lock), std::move(*lane)};
    }
  }
  if (refused) return Failure(*refused);
  return fail(Errc::too_many,
              "channel \"%s\" has %u lanes and every one is in use or still being read; end a "
              "publisher, or create the channel with more lanes",
              channel.name.c_str(), channel.options.lanes_max);
}

}  // namespace millrace::detail
