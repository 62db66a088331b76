// Sentences with values in them; this compiler's library has no <format>.
#pragma once

#include <cstddef>
#include <sstream>
#include <string>
#include <string_view>

namespace millrace::sim {

// Each {} of the pattern is replaced by the next value.
template <class... Values>
[[nodiscard]] std::string sentence(std::string_view pattern, const Values&... values) {
  std::ostringstream text;
  const auto one = [&](const auto& value) {
    const std::size_t at = pattern.find("{}");
    text << pattern.substr(0, at) << value;
    pattern.remove_prefix(at + 2);
  };
  (one(values), ...);
  text << pattern;
  return text.str();
}

}  // namespace millrace::sim
