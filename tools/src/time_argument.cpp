#include "time_argument.hpp"

#include "duration_argument.hpp"
#include "millrace/core/clock.hpp"
#include "number_argument.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <ctime>

namespace millrace::tools {
namespace {

constexpr double kLatestSeconds = 253'402'300'799.0;  // the end of the year 9999
constexpr std::uint64_t kSecondNs = 1'000'000'000;

Failure no_moment(std::string_view text) {
  return fail(Errc::bad_argument,
              "\"%.*s\" is no place in a journal; write a sequence, a time "
              "(2025-11-21T12:30:00Z, \"2025-11-21 12:30:00\", @1763728200) or how long ago (-10m)",
              static_cast<int>(text.size()), text.data());
}

// Takes digits from the front, as many as asked for.
std::optional<int> take_digits(std::string_view& text, std::size_t count) {
  int number = 0;
  if (text.size() < count) return std::nullopt;
  const auto [stopped, error] = std::from_chars(text.data(), text.data() + count, number);
  if (error != std::errc{} || stopped != text.data() + count || text.front() == '-') {
    return std::nullopt;
  }
  text.remove_prefix(count);
  return number;
}

bool take_sign(std::string_view& text, char sign) {
  if (!text.starts_with(sign)) return false;
  text.remove_prefix(1);
  return true;
}

// ".25" in nanoseconds; 0 if there is no fraction; nothing for a lone dot.
std::optional<std::uint64_t> take_fraction(std::string_view& text) {
  if (!take_sign(text, '.')) return 0;
  std::uint64_t ns = 0;
  std::uint64_t worth = kSecondNs / 10;
  std::size_t digits = 0;
  for (; digits < text.size() && text[digits] >= '0' && text[digits] <= '9'; ++digits) {
    ns += worth * static_cast<std::uint64_t>(text[digits] - '0');
    worth /= 10;
  }
  text.remove_prefix(digits);
  return digits == 0 ? std::nullopt : std::optional(ns);
}

// "2025-11-21", then T or a space, "12:30" and maybe ":00".
std::optional<std::tm> take_date_and_time(std::string_view& text) {
  std::tm parts{};
  const auto year = take_digits(text, 4);
  if (!year || !take_sign(text, '-')) return std::nullopt;
  const auto month = take_digits(text, 2);
  if (!month || !take_sign(text, '-')) return std::nullopt;
  const auto day = take_digits(text, 2);
  if (!day || !(take_sign(text, 'T') || take_sign(text, 't') || take_sign(text, ' '))) {
    return std::nullopt;
  }
  const auto hour = take_digits(text, 2);
  if (!hour || !take_sign(text, ':')) return std::nullopt;
  const auto minute = take_digits(text, 2);
  if (!minute) return std::nullopt;
  std::optional<int> second = 0;
  if (take_sign(text, ':')) second = take_digits(text, 2);
  if (!second) return std::nullopt;
  if (*month < 1 || *month > 12 || *day < 1 || *day > 31) return std::nullopt;
  if (*hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  parts.tm_year = *year - 1900;
  parts.tm_mon = *month - 1;
  parts.tm_mday = *day;
  parts.tm_hour = *hour;
  parts.tm_min = *minute;
  parts.tm_sec = *second;
  parts.tm_isdst = -1;
  return parts;
}

// The offset from UTC in seconds: 0 for Z; nothing if it is not well formed.
std::optional<long> take_offset(std::string_view& text) {
  if (take_sign(text, 'Z') || take_sign(text, 'z')) return 0;
  const bool west = text.starts_with('-');
  if (!take_sign(text, '+') && !take_sign(text, '-')) return std::nullopt;
  const auto hours = take_digits(text, 2);
  if (!hours || *hours > 23 || !take_sign(text, ':')) return std::nullopt;
  const auto minutes = take_digits(text, 2);
  if (!minutes || *minutes > 59) return std::nullopt;
  const long seconds = *hours * 3600L + *minutes * 60L;
  return west ? -seconds : seconds;
}

Result<std::uint64_t> parse_date(std::string_view text) {
  std::string_view rest = text;
  auto parts = take_date_and_time(rest);
  if (!parts) return no_moment(text);
  const int day = parts->tm_mday;
  const auto fraction = take_fraction(rest);
  if (!fraction) return no_moment(text);
  std::time_t seconds = 0;
  if (rest.empty()) {
    seconds = mktime(&*parts);
  } else {
    const auto offset = take_offset(rest);
    if (!offset || !rest.empty()) return no_moment(text);
    parts->tm_isdst = 0;
    seconds = timegm(&*parts) - *offset;
  }
  // The 31st of a month of 30 days has become the 1st.
  if (seconds < 0 || parts->tm_mday != day) return no_moment(text);
  return static_cast<std::uint64_t>(seconds) * kSecondNs + *fraction;
}

Result<std::uint64_t> parse_ago(std::string_view text, std::uint64_t now_ns) {
  std::string_view length = text.substr(1);
  if (length.empty() || length.back() != 'd') {
    const auto ago = parse_duration(length);
    // A bare number would be seconds, and "-1" too easily is something else.
    if (!ago || (length.back() >= '0' && length.back() <= '9')) return no_moment(text);
    const auto ago_ns = static_cast<std::uint64_t>(ago->count());
    return ago_ns > now_ns ? 0 : now_ns - ago_ns;
  }
  double days = 0;
  const char* const end = length.data() + length.size() - 1;
  const auto [stopped, error] = std::from_chars(length.data(), end, days, std::chars_format::fixed);
  if (error != std::errc{} || stopped != end || !(days >= 0) || days > 36'600) {
    return no_moment(text);
  }
  const auto ago_ns = static_cast<std::uint64_t>(days * 24 * 3600 * 1e9);
  return ago_ns > now_ns ? 0 : now_ns - ago_ns;
}

Result<std::uint64_t> parse_seconds(std::string_view text) {
  std::string_view rest = text.substr(1);
  std::uint64_t seconds = 0;
  const char* const end = rest.data() + rest.size();
  const auto [stopped, error] = std::from_chars(rest.data(), end, seconds);
  if (error != std::errc{} || static_cast<double>(seconds) > kLatestSeconds) return no_moment(text);
  rest.remove_prefix(static_cast<std::size_t>(stopped - rest.data()));
  const auto fraction = take_fraction(rest);
  // 2^64 nanoseconds end in the year 2554.
  if (!fraction || !rest.empty() || seconds > ~std::uint64_t{0} / kSecondNs - 1) {
    return no_moment(text);
  }
  return seconds * kSecondNs + *fraction;
}

}  // namespace

Result<std::uint64_t> parse_moment(std::string_view text, std::uint64_t now_ns) {
  if (text.starts_with('-')) return parse_ago(text, now_ns);
  if (text.starts_with('@')) return parse_seconds(text);
  return parse_date(text);
}

Result<JournalPlace> parse_place(std::string_view text) {
  JournalPlace place;
  if (const auto sequence = parse_count(text)) {
    place.sequence = *sequence;
    return place;
  }
  const auto moment = parse_moment(text, wall_ns());
  if (!moment) return Failure(moment.error());
  place.wall_ns = *moment;
  return place;
}

std::string format_moment(std::uint64_t wall_ns) {
  const auto seconds = static_cast<std::time_t>(wall_ns / kSecondNs);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 40> date{};
  std::strftime(date.data(), date.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  std::array<char, 60> text{};
  std::snprintf(text.data(), text.size(), "%s.%06uZ", date.data(),
                static_cast<unsigned>(wall_ns % kSecondNs / 1000));
  return text.data();
}

}  // namespace millrace::tools
