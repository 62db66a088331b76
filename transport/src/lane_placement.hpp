// On which NUMA node a lane lives. "Near the publisher" is known when the lane is made; "near the
// subscriber" may only be known when the first one joins, and then the ring moves.
#pragma once

#include "channel_state.hpp"
#include "lane_files.hpp"
#include "millrace/core/placement.hpp"

#include <cstdint>
#include <optional>

namespace millrace::detail {

inline constexpr std::uint32_t kNodeUnknown = 0xffff'ffff;

// The node of the processor that this thread runs on.
[[nodiscard]] std::optional<std::uint32_t> node_here();

// What the channel's wish comes to for a lane that this thread makes now: any, a node or
// interleave. Any, too, for "near the subscriber" while nobody subscribes.
[[nodiscard]] Placement resolve_placement(const ChannelState& channel);

// Moves a ring that waited for its first subscriber to that one's node, and says in the control
// page what came of it.
void follow_subscriber(LaneFiles& lane, std::uint32_t node) noexcept;

// 1 yes, 0 no, 2 cannot tell.
[[nodiscard]] std::uint32_t honoured(const PlacementReport& report) noexcept;

}  // namespace millrace::detail
