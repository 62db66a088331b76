#include "message_print.hpp"

#include "time_argument.hpp"

#include <CLI/Error.hpp>
#include <nlohmann/json.hpp>

namespace millrace::tools {
namespace {

void print_hex(std::string_view bytes, std::string& to) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    to += kDigits[byte >> 4];
    to += kDigits[byte & 15];
  }
  to += '\n';
}

void print_json_line(const MessageToPrint& message, std::string& to) {
  nlohmann::ordered_json object;
  if (message.lane) object["lane"] = *message.lane;
  if (!message.lane) object["producer"] = message.producer;
  if (message.wall_ns != 0) object["time"] = format_moment(message.wall_ns);
  object["sequence"] = message.sequence;
  object["key"] = message.key;
  if (is_utf8(message.text)) {
    object["text"] = message.text;
  } else {
    object["bytes"] = base64(message.text);
  }
  to += object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  to += '\n';
}

void print_frame(std::string_view bytes, std::string& to) {
  for (unsigned shift = 0; shift < 32; shift += 8)
    to += static_cast<char>(static_cast<unsigned char>(bytes.size() >> shift));
  to += bytes;
}

// Bytes of the character that begins so; 0 for a byte that begins none.
std::size_t utf8_length(unsigned char first) noexcept {
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first < 0xe0) return 2;
  if (first >= 0xe0 && first < 0xf0) return 3;
  return first >= 0xf0 && first < 0xf5 ? 4 : 0;
}

}  // namespace

Result<OutputFormat> parse_output_format(std::string_view text) {
  if (text == "lines") return OutputFormat::lines;
  if (text == "json") return OutputFormat::json;
  if (text == "hex") return OutputFormat::hex;
  if (text == "frames") return OutputFormat::frames;
  if (text == "bytes") return OutputFormat::bytes;
  if (text == "none") return OutputFormat::none;
  return fail(Errc::bad_argument,
              "\"%.*s\" is no format; take lines, json, hex, frames, bytes or none",
              static_cast<int>(text.size()), text.data());
}

void print_message(const MessageToPrint& message, OutputFormat format, std::string& to) {
  switch (format) {
    case OutputFormat::lines:
      to += message.text;
      to += '\n';
      break;
    case OutputFormat::json: print_json_line(message, to); break;
    case OutputFormat::hex: print_hex(message.text, to); break;
    case OutputFormat::frames: print_frame(message.text, to); break;
    case OutputFormat::bytes: to += message.text; break;
    case OutputFormat::none: break;
  }
}

void add_output_format_option(CLI::App& verb, std::optional<OutputFormat>& format) {
  const auto take = [&format](const std::string& text) {
    const auto parsed = parse_output_format(text);
    if (!parsed) throw CLI::ValidationError("--format", std::string(parsed.error().sentence()));
    format = *parsed;
  };
  verb.add_option_function<std::string>(
          "--format", take,
          "lines (the default); json: an object each, bytes that are not UTF-8 in base64; hex; "
          "frames: a 4-byte little-endian length before each; bytes: nothing between; none")
      ->type_name("FORMAT");
}

std::string base64(std::string_view bytes) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    std::uint32_t group = 0;
    for (std::size_t each = at; each < at + 3; ++each) {
      const char c = each < bytes.size() ? bytes[each] : '\0';
      group = group << 8 | static_cast<unsigned char>(c);
    }
    const std::size_t there = std::min<std::size_t>(bytes.size() - at, 3);
    for (std::size_t digit = 0; digit < 4; ++digit)
      text += digit <= there ? kDigits[group >> (18 - 6 * digit) & 63] : '=';
  }
  return text;
}

bool is_utf8(std::string_view bytes) noexcept {
  for (std::size_t at = 0; at < bytes.size();) {
    const auto first = static_cast<unsigned char>(bytes[at]);
    const std::size_t length = utf8_length(first);
    if (length == 0 || length > bytes.size() - at) return false;
    for (std::size_t each = 1; each < length; ++each) {
      if ((static_cast<unsigned char>(bytes[at + each]) & 0xc0) != 0x80) return false;
    }
    const auto second = length > 1 ? static_cast<unsigned char>(bytes[at + 1]) : 0;
    // Overlong forms, surrogates, and what lies behind U+10FFFF.
    if ((first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f)) return false;
    if ((first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f)) return false;
    at += length;
  }
  return true;
}

}  // namespace millrace::tools
