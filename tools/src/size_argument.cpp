#include "size_argument.hpp"

#include <CLI/Error.hpp>
#include <array>
#include <charconv>
#include <cstdio>
#include <limits>

namespace millrace::tools {
namespace {

// Powers of two; nothing for a unit that is none.
int shift_of(std::string_view unit) {
  if (unit.empty() || unit == "B") return 0;
  if (unit.ends_with("iB")) unit.remove_suffix(2);
  if (unit.size() != 1) return -1;
  switch (unit.front()) {
    case 'k':
    case 'K': return 10;
    case 'm':
    case 'M': return 20;
    case 'g':
    case 'G': return 30;
    default: return -1;
  }
}

}  // namespace

Result<std::uint64_t> parse_size(std::string_view text) {
  std::uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, number);
  const int shift = error == std::errc{} ? shift_of({stopped, end}) : -1;
  if (shift < 0 || number > std::numeric_limits<std::uint64_t>::max() >> shift) {
    return fail(Errc::bad_argument, "\"%.*s\" is no size; write bytes, or 64K, 1M, 2G",
                static_cast<int>(text.size()), text.data());
  }
  return number << shift;
}

CLI::Option* add_size_option(CLI::App& app, const std::string& name, std::uint64_t& bytes,
                             const std::string& help) {
  const auto take = [name, &bytes](const std::string& text) {
    const auto parsed = parse_size(text);
    if (!parsed) throw CLI::ValidationError(name, std::string(parsed.error().sentence()));
    bytes = *parsed;
  };
  return app.add_option_function<std::string>(name, take, help)->type_name("BYTES");
}

std::string format_size(std::uint64_t bytes) {
  constexpr std::array<const char*, 5> kUnits = {"B", "KiB", "MiB", "GiB", "TiB"};
  std::size_t unit = 0;
  double value = static_cast<double>(bytes);
  for (; value >= 1024 && unit + 1 < kUnits.size(); ++unit)
    value /= 1024;
  std::array<char, 32> text{};
  const bool whole = value >= 100 || value == static_cast<double>(static_cast<long>(value));
  std::snprintf(text.data(), text.size(), whole ? "%.0f %s" : "%.1f %s", value, kUnits[unit]);
  return text.data();
}

}  // namespace millrace::tools
