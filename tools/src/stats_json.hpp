// Stats as JSON. The keys are part of the interface: add, never rename.
#pragma once

#include "channel_sample.hpp"
#include "millrace/transport/options.hpp"
#include "millrace/transport/stats.hpp"

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace millrace::tools {

[[nodiscard]] nlohmann::json to_json(const PeerName& peer);
[[nodiscard]] nlohmann::json to_json(const ReaderPlace& place);
[[nodiscard]] nlohmann::json to_json(const LaneStats& lane);
[[nodiscard]] nlohmann::json to_json(const ChannelOptions& options);

// With the rates since `before`, if there is one.
[[nodiscard]] nlohmann::json to_json(const ChannelSample& sample, const ChannelSample* before);

// "any", "node 1", "interleave".
[[nodiscard]] std::string to_string(Placement placement);

// What became of the wish: "yes", "no", "cannot tell".
[[nodiscard]] const char* honoured_word(std::uint32_t honoured) noexcept;

}  // namespace millrace::tools
