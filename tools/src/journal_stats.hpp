// A durable channel's journal as `stat`, `top` and `ls` show it.
#pragma once

#include "millrace/transport/stats.hpp"

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace millrace::tools {

// How far the disk is behind.
struct DurableLag {
  std::uint64_t messages = 0;
  std::uint64_t bytes = 0;
};

// Of all lanes together.
[[nodiscard]] DurableLag durable_lag(const ChannelStats& stats);

// Lines for people, each ending with a newline; empty for a channel that is not durable.
[[nodiscard]] std::string journal_text(const ChannelStats& stats);
[[nodiscard]] std::string durable_text(const LaneStats& lane);

[[nodiscard]] nlohmann::json to_json(const ChannelJournalStats& journal);
[[nodiscard]] nlohmann::json to_json(const LaneJournalStats& journal);

}  // namespace millrace::tools
