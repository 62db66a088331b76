// Making lanes, and finding them by name.
#pragma once

#include "lane_files.hpp"
#include "millrace/core/lifetime_lock.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace millrace::detail {

[[nodiscard]] layout::LaneState state_of(const LaneFiles& lane) noexcept;

// A lane whose lock we hold must have no living owner (Errc::busy). It could have one only if
// somebody removed and remade lane-N.own under it.
[[nodiscard]] Result<void> check_owner_gone(const ChannelState& channel, const LaneFiles& lane);

// The lowest lane of this name but lane `except`.
[[nodiscard]] std::optional<std::uint32_t> find_lane_named(const ChannelState& channel,
                                                           const std::string& name,
                                                           std::uint32_t except = kLanesMax);

// Locks lane N's file, which is made if `make` (`waiting`: as in LaneOrder). Errc::busy: a living
// publisher holds it.
[[nodiscard]] Result<LifetimeLock> lock_lane(const ChannelState& channel, std::uint32_t lane,
                                             bool make, bool waiting = false);

// In an ordered channel the end of a dead publisher's lane may be filled with what it never
// published. A checkpoint there tells readers that they need not wait for it. REQUIRES: we hold the
// lane's lock, and its owner is gone.
void seal(const ChannelState& channel, const LaneFiles& lane) noexcept;

struct MadeLane {
  LifetimeLock lock;
  LaneFiles lane;
};

// Takes the first number that nobody uses, or whose unnamed lane nobody needs any more. Errors:
// too_many, no_space, and what kept us from the numbers that others put there.
[[nodiscard]] Result<MadeLane> make_lane(const ChannelState& channel, const LaneOrder& order);

}  // namespace millrace::detail
