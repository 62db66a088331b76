#include "millrace/core/participant_name.hpp"

#include "millrace/core/limits.hpp"

#include <array>
#include <charconv>
#include <cinttypes>
#include <cstdio>

namespace millrace {
namespace {

constexpr std::size_t kIncarnationDigits = 16;

// std::from_chars alone would accept "-1", "007" and capital letters.
bool only_digits(std::string_view text, std::string_view digits) noexcept {
  return !text.empty() && text.find_first_not_of(digits) == std::string_view::npos;
}

template <class Number>
bool parse_number(std::string_view text, int base, Number& number) noexcept {
  const char* end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, number, base);
  return error == std::errc{} && stopped == end;
}

}  // namespace

std::string to_string(ParticipantName name) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%" PRIu32 ".%016" PRIx64, name.id, name.incarnation);
  return text.data();
}

std::optional<ParticipantName> parse_participant_name(std::string_view text) noexcept {
  const std::size_t dot = text.find('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const std::string_view id = text.substr(0, dot);
  const std::string_view incarnation = text.substr(dot + 1);
  if (!only_digits(id, "0123456789") || (id.size() > 1 && id.front() == '0')) return std::nullopt;
  if (incarnation.size() != kIncarnationDigits) return std::nullopt;
  if (!only_digits(incarnation, "0123456789abcdef")) return std::nullopt;
  ParticipantName name;
  if (!parse_number(id, 10, name.id) || name.id >= kParticipantsMax) return std::nullopt;
  if (!parse_number(incarnation, 16, name.incarnation)) return std::nullopt;
  if (name.incarnation == 0) return std::nullopt;
  return name;
}

}  // namespace millrace
