#include "retain_argument.hpp"

#include "duration_argument.hpp"
#include "size_argument.hpp"

#include <CLI/Error.hpp>
#include <charconv>
#include <chrono>
#include <cmath>
#include <limits>
#include <vector>

namespace millrace::tools {
namespace {

constexpr double kDay = 24 * 3600;
constexpr double kLongestSeconds = 100 * 366 * kDay;

// Seconds in a unit of time; 0 for what is none.
double seconds_of(std::string_view unit) {
  if (unit == "s") return 1;
  if (unit == "min") return 60;
  if (unit == "h") return 3600;
  if (unit == "d") return kDay;
  return 0;
}

// log2 of a unit of bytes; -1 for what is none.
int shift_of(std::string_view unit) {
  if (unit == "B") return 0;
  if (unit.ends_with("iB")) unit.remove_suffix(2);
  constexpr std::string_view kUnits = "KMGT";
  const std::size_t found = unit.size() == 1 ? kUnits.find(unit.front()) : std::string_view::npos;
  return found == std::string_view::npos ? -1 : static_cast<int>(10 * (found + 1));
}

}  // namespace

Result<void> parse_retain(std::string_view text, Retention& retain) {
  if (text == "acked") {
    retain.acknowledged = true;
    return {};
  }
  double number = 0;
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, number, std::chars_format::fixed);
  const std::string_view unit(stopped, end);
  const bool sound = error == std::errc{} && std::isfinite(number) && number > 0;
  const double seconds = sound ? number * seconds_of(unit) : 0;
  if (seconds >= 1e-9 && seconds <= kLongestSeconds) {
    retain.age = std::chrono::nanoseconds(std::llround(seconds * 1e9));
    return {};
  }
  const int shift = sound ? shift_of(unit) : -1;
  const double bytes = shift < 0 ? 0 : std::ldexp(number, shift);
  if (bytes >= 1 && bytes < static_cast<double>(std::numeric_limits<std::int64_t>::max())) {
    retain.bytes = static_cast<std::uint64_t>(bytes);
    return {};
  }
  return fail(Errc::bad_argument,
              "\"%.*s\" says not how much is kept; write bytes (10GiB, 500M), an age (90min, 24h, "
              "7d), or acked",
              static_cast<int>(text.size()), text.data());
}

void add_retain_option(CLI::App& verb, Retention& retain) {
  const auto take = [&retain](const std::vector<std::string>& texts) {
    for (const std::string& text : texts) {
      const auto parsed = parse_retain(text, retain);
      if (!parsed) throw CLI::ValidationError("--retain", std::string(parsed.error().sentence()));
    }
  };
  verb.add_option_function<std::vector<std::string>>(
          "--retain", take,
          "Keep so much, oldest goes first: bytes (10GiB), an age (24h), or acked (what a "
          "remembered subscriber has not acknowledged stays, within the bytes); may be given "
          "several times (the smaller of 10 GiB and a quarter of the free space)")
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->type_name("LIMIT");
}

std::string describe(const Retention& retain) {
  std::string text = retain.bytes == 0 ? "the smaller of 10 GiB and a quarter of the free space"
                                       : "the newest " + format_size(retain.bytes);
  if (retain.age.count() != 0) text += ", nothing older than " + format_duration(retain.age);
  if (retain.acknowledged) text += ", and within that what remembered subscribers have not read";
  return text;
}

}  // namespace millrace::tools
