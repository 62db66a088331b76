// How `sub`, `replay` and `journal tail` write a message.
//
//   lines    its bytes and a newline
//   json     {"lane" or "producer" and "time","sequence","key","text"}; "bytes" in base64 if it is
//            not UTF-8
//   hex      its bytes as hexadecimal digits and a newline
//   frames   a length of 4 bytes, little-endian, and its bytes: what `pub --format frames` reads
//   bytes    its bytes and nothing else
//   none     not at all
#pragma once

#include "millrace/core/result.hpp"
#include "millrace/transport/message.hpp"

#include <CLI/App.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace millrace::tools {

enum class OutputFormat : std::uint8_t { lines, json, hex, frames, bytes, none };

// What is known of a message, wherever it comes from. Valid as long as what it was made of.
struct MessageToPrint {
  std::optional<std::uint32_t> lane;  // of a ring
  std::string_view producer;          // of a journal
  std::uint64_t wall_ns = 0;          // when a journal took it in; 0: not known
  std::uint64_t sequence = 0;
  std::uint16_t key = 0;
  std::string_view text;
};

[[nodiscard]] inline MessageToPrint printable(const Message& message) noexcept {
  return {message.lane(), {}, 0, message.sequence(), message.key(), message.text()};
}

// Error bad_argument: the formats there are.
[[nodiscard]] Result<OutputFormat> parse_output_format(std::string_view text);

// Appends `message` to `to`.
void print_message(const MessageToPrint& message, OutputFormat format, std::string& to);

// --format for these; `format` keeps its value without it.
void add_output_format_option(CLI::App& verb, std::optional<OutputFormat>& format);

// RFC 4648, padded.
[[nodiscard]] std::string base64(std::string_view bytes);

[[nodiscard]] bool is_utf8(std::string_view bytes) noexcept;

}  // namespace millrace::tools
