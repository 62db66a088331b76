// Has a lane that nobody publishes in been read to its end?
#pragma once

#include "lane_files.hpp"

namespace millrace::detail {

// Ordered by how little is lost if the lane goes.
enum class Drained : std::uint8_t {
  no,      // a living reader still has something to read in it
  unread,  // no living reader waits for it, but none has read it either: it is history
  by_all,  // read to the end by every living reader, and there is one; or it never held a message
};

[[nodiscard]] Drained drained(const ChannelState& channel, const LaneFiles& lane);

}  // namespace millrace::detail
