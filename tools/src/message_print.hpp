// How `sub` writes a message.
//
//   lines    its bytes and a newline
//   json     {"lane","sequence","key","text"}; "bytes" in base64 if it is not UTF-8
//   hex      its bytes as hexadecimal digits and a newline
//   frames   a length of 4 bytes, little-endian, and its bytes: what `pub --format frames` reads
//   bytes    its bytes and nothing else
//   none     not at all
#pragma once

#include "millrace/core/result.hpp"
#include "millrace/transport/message.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace millrace::tools {

enum class OutputFormat : std::uint8_t { lines, json, hex, frames, bytes, none };

// Error bad_argument: the formats there are.
[[nodiscard]] Result<OutputFormat> parse_output_format(std::string_view text);

// Appends `message` to `to`.
void print_message(const Message& message, OutputFormat format, std::string& to);

// RFC 4648, padded.
[[nodiscard]] std::string base64(std::string_view bytes);

[[nodiscard]] bool is_utf8(std::string_view bytes) noexcept;

}  // namespace millrace::tools
