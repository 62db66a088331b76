// Numbers as people read them, for every form of the report that people read.
#pragma once

#include "millrace/core/result.hpp"

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace millrace::bench {

// "850 ns", "12.3 us", "4.51 ms"; "-" for what was not measured.
[[nodiscard]] std::string time_text(const nlohmann::json& ns);

// "1.25M", "100k", "532"; "-" for what was not measured.
[[nodiscard]] std::string rate_text(const nlohmann::json& per_second);

// "12.3 %".
[[nodiscard]] std::string share_text(const nlohmann::json& share);

// A report of this program. Error format: what it is instead.
[[nodiscard]] Result<nlohmann::json> parse_report(std::string_view text);

}  // namespace millrace::bench
