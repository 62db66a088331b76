// Rows of comma-separated values, as far as `pub` needs to understand them: where a row ends, how
// many columns it has, and whether it is a header. Quotes as in RFC 4180.
#pragma once

#include <charconv>
#include <cstddef>
#include <string_view>

namespace millrace::tools {

// Are quotes open behind `text`, if they were `open` before? A doubled quote opens and closes.
[[nodiscard]] inline bool quotes_open(std::string_view text, bool open) noexcept {
  for (const char c : text)
    open ^= c == '"';
  return open;
}

// Calls each(field) for every field, quotes included.
template <class Each>
void for_each_field(std::string_view row, Each each) {
  if (row.ends_with('\r')) row.remove_suffix(1);
  bool quoted = false;
  std::size_t begin = 0;
  for (std::size_t at = 0; at < row.size(); ++at) {
    quoted ^= row[at] == '"';
    if (quoted || row[at] != ',') continue;
    each(row.substr(begin, at - begin));
    begin = at + 1;
  }
  each(row.substr(begin));
}

[[nodiscard]] inline std::size_t count_columns(std::string_view row) {
  std::size_t columns = 0;
  for_each_field(row, [&columns](std::string_view) { ++columns; });
  return columns;
}

[[nodiscard]] inline bool is_number(std::string_view field) noexcept {
  while (!field.empty() && (field.front() == ' ' || field.front() == '"'))
    field.remove_prefix(1);
  while (!field.empty() && (field.back() == ' ' || field.back() == '"'))
    field.remove_suffix(1);
  if (field.starts_with('+')) field.remove_prefix(1);
  double value = 0;
  const auto [stopped, error] = std::from_chars(field.data(), field.data() + field.size(), value);
  return error == std::errc{} && stopped == field.data() + field.size();
}

// A header names its columns: no field of it is a number.
[[nodiscard]] inline bool looks_like_header(std::string_view row) {
  bool number = false;
  for_each_field(row, [&number](std::string_view field) { number = number || is_number(field); });
  return !number;
}

}  // namespace millrace::tools
