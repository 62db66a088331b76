// The 16-bit key of messages, and who they come from.
#pragma once

#include "millrace/core/result.hpp"
#include "millrace/transport/options.hpp"

#include <CLI/App.hpp>
#include <cstdint>
#include <string>
#include <string_view>

namespace millrace::tools {

// 0 to 65535, decimal or 0x and hexadecimal. Error bad_argument.
[[nodiscard]] Result<std::uint16_t> parse_key(std::string_view text);

// KEY, or KEY/MASK: passes messages whose key agrees with KEY in the bits of MASK.
[[nodiscard]] Result<KeyFilter> parse_key_filter(std::string_view text);

void add_key_option(CLI::App& verb, std::uint16_t& key);
void add_key_filter_option(CLI::App& verb, KeyFilter& filter);

// --name of a publisher: 1 to 63 bytes.
void add_name_option(CLI::App& verb, std::string& name);

}  // namespace millrace::tools
