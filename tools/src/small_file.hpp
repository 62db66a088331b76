// Small text files of /proc, /sys and /etc.
#pragma once

#include <fstream>
#include <iterator>
#include <optional>
#include <string>

namespace millrace::tools {

// The whole text without the spaces and newlines at its end; nothing if it cannot be read.
[[nodiscard]] inline std::optional<std::string> read_small_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  text.erase(text.find_last_not_of(" \n\t") + 1);
  return text;
}

}  // namespace millrace::tools
