// Bytes as reviewable text, in the style of `xxd` (which reads it back with -r): rows of 16, with
// their offset and what is printable. Rows of zeroes are left out; the last row is always there, so
// that the text says how long the file is.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::format_test {

using Bytes = std::vector<std::byte>;

[[nodiscard]] std::string to_hex_text(const Bytes& bytes);

// The other way. Nothing if a line is not of that form, or goes back.
[[nodiscard]] std::optional<Bytes> from_hex_text(std::string_view text);

// A whole file; nothing if it cannot be read.
[[nodiscard]] std::optional<std::string> read_text_file(const std::string& path);
[[nodiscard]] bool write_text_file(const std::string& path, std::string_view text);

}  // namespace millrace::format_test
