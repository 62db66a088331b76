// The journal of a durable channel, as one of its subscribers reads it: opened when the past is
// first needed.
#pragma once

#include "channel_state.hpp"
#include "millrace/transport/history.hpp"

#include <memory>
#include <optional>
#include <string_view>

namespace millrace::detail {

class Past {
 public:
  // REQUIRES: `channel` outlives it.
  explicit Past(const ChannelState& channel) noexcept : channel_(channel) {}

  // Can this program read the journal at all? Errors: journal_unavailable, and what opening says.
  Result<void> open();

  // Null: the log knows nothing of this producer yet.
  Result<std::unique_ptr<LaneHistory>> lane(std::string_view producer);

  // What the log knows of a named subscriber's place in a producer's lane.
  Result<std::optional<Sequence>> remembered(std::string_view subscriber,
                                             std::string_view producer);

 private:
  const ChannelState& channel_;
  std::unique_ptr<History> history_;
};

}  // namespace millrace::detail
