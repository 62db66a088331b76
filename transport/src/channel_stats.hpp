// Reading a channel's files for people. Nothing here trusts what it reads, and nothing is written.
#pragma once

#include "lane_files.hpp"
#include "millrace/transport/stats.hpp"

namespace millrace::detail {

[[nodiscard]] Result<ChannelStats> channel_stats(const ChannelState& channel);

// One lane, with the place of every reader in it.
[[nodiscard]] LaneStats lane_stats(const ChannelState& channel, const LaneFiles& lane);

}  // namespace millrace::detail
