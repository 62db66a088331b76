// Durations as people write them: seconds (2, 0.5) or with a unit (200ms, 50us, 3s, 5m).
#pragma once

#include "millrace/core/result.hpp"

#include <CLI/App.hpp>
#include <chrono>
#include <string>
#include <string_view>

namespace millrace::tools {

// At least 0, at most a year. Error bad_argument: what was written and what may be.
[[nodiscard]] Result<std::chrono::nanoseconds> parse_duration(std::string_view text);

// An option that takes a duration; what cannot be one ends the parsing with a sentence.
CLI::Option* add_duration_option(CLI::App& app, const std::string& name,
                                 std::chrono::nanoseconds& duration, const std::string& help);

// "12.3 us", "4.0 s": for tables.
[[nodiscard]] std::string format_duration(std::chrono::nanoseconds duration);

}  // namespace millrace::tools
