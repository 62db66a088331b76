// Counts and rates. CLI11's own conversion takes hexadecimal and rounds; these say what is wrong.
#pragma once

#include "millrace/core/result.hpp"

#include <CLI/App.hpp>
#include <cstdint>
#include <string>
#include <string_view>

namespace millrace::tools {

// A whole number, 0 to 2^64 - 1, decimal digits only. Error bad_argument.
[[nodiscard]] Result<std::uint64_t> parse_count(std::string_view text);

// A number above 0, with or without a fraction; K and M mean a thousand and a million. For rates.
[[nodiscard]] Result<double> parse_rate(std::string_view text);

// An option that takes a count of at least `least`.
CLI::Option* add_count_option(CLI::App& app, const std::string& name, std::uint64_t& count,
                              std::uint64_t least, const std::string& help);

// An option that takes a rate per second.
CLI::Option* add_rate_option(CLI::App& app, const std::string& name, double& per_second,
                             const std::string& help);

}  // namespace millrace::tools
