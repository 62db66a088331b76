#include "duration_argument.hpp"

#include <CLI/Error.hpp>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>

namespace millrace::tools {
namespace {

constexpr double kYearSeconds = 366.0 * 24 * 3600;

// Seconds in a unit; 0 for one that is none.
double seconds_of(std::string_view unit) {
  if (unit.empty() || unit == "s") return 1;
  if (unit == "ms") return 1e-3;
  if (unit == "us") return 1e-6;
  if (unit == "ns") return 1e-9;
  if (unit == "m" || unit == "min") return 60;
  if (unit == "h") return 3600;
  return 0;
}

}  // namespace

Result<std::chrono::nanoseconds> parse_duration(std::string_view text) {
  double number = -1;
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, number, std::chars_format::fixed);
  const double seconds = error == std::errc{} ? number * seconds_of({stopped, end}) : -1;
  const bool unit_missing = error == std::errc{} && seconds_of({stopped, end}) == 0;
  if (unit_missing || std::isnan(seconds) || seconds < 0 || seconds > kYearSeconds) {
    return fail(Errc::bad_argument,
                "\"%.*s\" is no duration; write seconds (2, 0.5), or 200ms, 50us, 5m, up to a year",
                static_cast<int>(text.size()), text.data());
  }
  return std::chrono::nanoseconds(std::llround(seconds * 1e9));
}

CLI::Option* add_duration_option(CLI::App& app, const std::string& name,
                                 std::chrono::nanoseconds& duration, const std::string& help) {
  const auto take = [name, &duration](const std::string& text) {
    const auto parsed = parse_duration(text);
    if (!parsed) throw CLI::ValidationError(name, std::string(parsed.error().sentence()));
    duration = *parsed;
  };
  return app.add_option_function<std::string>(name, take, help)->type_name("SECONDS");
}

std::string format_duration(std::chrono::nanoseconds duration) {
  const double ns = static_cast<double>(duration.count());
  std::array<char, 32> text{};
  if (ns < 1e3) {
    std::snprintf(text.data(), text.size(), "%.0f ns", ns);
  } else if (ns < 1e6) {
    std::snprintf(text.data(), text.size(), "%.1f us", ns / 1e3);
  } else if (ns < 1e9) {
    std::snprintf(text.data(), text.size(), "%.1f ms", ns / 1e6);
  } else {
    std::snprintf(text.data(), text.size(), "%.1f s", ns / 1e9);
  }
  return text.data();
}

}  // namespace millrace::tools
