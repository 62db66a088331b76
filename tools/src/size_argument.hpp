// Sizes as people write them: 4096, 64K, 1M, 2G (powers of 1024; KiB, MiB, GiB too).
#pragma once

#include "millrace/core/result.hpp"

#include <CLI/App.hpp>
#include <cstdint>
#include <string>
#include <string_view>

namespace millrace::tools {

// Bytes. Error bad_argument: what was written and what may be.
[[nodiscard]] Result<std::uint64_t> parse_size(std::string_view text);

// An option that takes a size; what cannot be one ends the parsing with a sentence.
CLI::Option* add_size_option(CLI::App& app, const std::string& name, std::uint64_t& bytes,
                             const std::string& help);

// "64 KiB", "1.5 MiB": for tables.
[[nodiscard]] std::string format_size(std::uint64_t bytes);

}  // namespace millrace::tools
