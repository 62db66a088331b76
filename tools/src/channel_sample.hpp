// What a channel looked like at a moment, and what happened between two such moments.
#pragma once

#include "millrace/core/clock.hpp"
#include "millrace/core/result.hpp"
#include "millrace/transport/channel.hpp"
#include "millrace/transport/stats.hpp"

#include <cstdint>
#include <optional>

namespace millrace::tools {

struct ChannelSample {
  ChannelStats stats;
  std::uint64_t at_ns = 0;

  [[nodiscard]] static Result<ChannelSample> take(const Channel& channel);
};

struct LaneRate {
  double messages_per_second = 0;
  double bytes_per_second = 0;
};

// Nothing if the lane was not there before, or no time has passed.
[[nodiscard]] std::optional<LaneRate> rate_between(const ChannelSample& before,
                                                   const ChannelSample& after, std::uint32_t lane);

// "name (pid 12)", "name (gone)".
[[nodiscard]] std::string describe(const PeerName& peer);

// Living publishers, and readers of living processes.
[[nodiscard]] std::size_t living_publishers(const ChannelStats& stats);
[[nodiscard]] std::size_t living_readers(const ChannelStats& stats);

// Messages published in all lanes together.
[[nodiscard]] std::uint64_t messages_published(const ChannelStats& stats);

}  // namespace millrace::tools
