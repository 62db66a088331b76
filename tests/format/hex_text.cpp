#include "hex_text.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <fstream>
#include <sstream>

namespace millrace::format_test {

namespace {

constexpr std::size_t kRow = 16;
constexpr std::size_t kFirstColumn = 10;  // behind "00000000: "

std::string row_text(const Bytes& bytes, std::size_t at, std::size_t count) {
  char text[4];
  std::string hex;
  std::string shown;
  for (std::size_t i = 0; i < count; ++i) {
    const auto value = std::to_integer<unsigned>(bytes[at + i]);
    std::snprintf(text, sizeof text, "%02x", value);
    hex += text;
    if (i % 2 == 1) hex += ' ';
    shown += value >= ' ' && value <= '~' ? static_cast<char>(value) : '.';
  }
  hex.resize(kRow * 5 / 2, ' ');
  char offset[24];
  std::snprintf(offset, sizeof offset, "%08zx: ", at);
  return offset + hex + ' ' + shown + '\n';
}

std::optional<unsigned> hex_number(std::string_view text) {
  unsigned value = 0;
  const char* const last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, value, 16);
  if (error != std::errc() || end != last) return std::nullopt;
  return value;
}

// Appends the bytes of one line.
bool read_row(std::string_view line, Bytes& bytes) {
  const auto offset = line.size() > kFirstColumn ? hex_number(line.substr(0, 8)) : std::nullopt;
  if (!offset || *offset < bytes.size() || *offset % kRow != 0) return false;
  bytes.resize(*offset);
  for (std::size_t i = 0; i < kRow; ++i) {
    const std::size_t column = kFirstColumn + i * 2 + i / 2;
    if (column + 2 > line.size() || line[column] == ' ') break;
    const auto value = hex_number(line.substr(column, 2));
    if (!value) return false;
    bytes.push_back(static_cast<std::byte>(*value));
  }
  return true;
}

}  // namespace

std::string to_hex_text(const Bytes& bytes) {
  std::string text;
  for (std::size_t at = 0; at < bytes.size(); at += kRow) {
    const std::size_t count = std::min(kRow, bytes.size() - at);
    const auto first = bytes.begin() + static_cast<std::ptrdiff_t>(at);
    const bool last = at + count == bytes.size();
    const bool zero = std::all_of(first, first + static_cast<std::ptrdiff_t>(count),
                                  [](std::byte value) { return value == std::byte{0}; });
    if (!zero || last) text += row_text(bytes, at, count);
  }
  return text;
}

std::optional<Bytes> from_hex_text(std::string_view text) {
  Bytes bytes;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    if (!read_row(text.substr(0, end), bytes)) return std::nullopt;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return bytes;
}

std::optional<std::string> read_text_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file) return std::nullopt;
  return text.str();
}

bool write_text_file(const std::string& path, std::string_view text) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << text;
  file.flush();
  return file.good();
}

}  // namespace millrace::format_test
