// What verify and repair found, in words and as JSON.
#pragma once

#include "millrace/persist/verify.hpp"

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace millrace::tools {

// "segment 12 (seg-0003.log) at 81920: checksum of the payload; item 4711, 8192 bytes", then a line
// for each producer with the sequences that it costs.
[[nodiscard]] std::string describe(const Damage& damage);

// "channel orders, producer gate-1".
[[nodiscard]] std::string describe(const JournalLane& lane);

[[nodiscard]] nlohmann::json to_json(const JournalLane& lane);
[[nodiscard]] nlohmann::json to_json(const Damage& damage);
[[nodiscard]] nlohmann::json to_json(const VerifyReport& report);

// "seg-0003.log"
[[nodiscard]] std::string slot_name(std::uint32_t slot);

}  // namespace millrace::tools
