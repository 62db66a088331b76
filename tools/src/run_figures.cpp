#include "run_figures.hpp"

#include <array>
#include <cinttypes>
#include <cstdio>

namespace millrace::tools {

std::string grouped(std::uint64_t number) {
  const std::string digits = std::to_string(number);
  std::string text;
  for (std::size_t at = 0; at != digits.size(); ++at) {
    if (at != 0 && (digits.size() - at) % 3 == 0) text += ',';
    text += digits[at];
  }
  return text;
}

std::string checksum_text(std::uint64_t checksum) {
  std::array<char, 17> text{};
  std::snprintf(text.data(), text.size(), "%016" PRIx64, checksum);
  return text.data();
}

}  // namespace millrace::tools
