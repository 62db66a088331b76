// A participant is named by a small id and the incarnation that holds it. Ids are given away again
// once every repair is complete; incarnations never repeat, so a name never means two lives.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace millrace {

struct ParticipantName {
  std::uint32_t id = 0;           // below kParticipantsMax
  std::uint64_t incarnation = 0;  // never 0 for a real participant

  friend auto operator<=>(const ParticipantName&, const ParticipantName&) = default;
};

inline constexpr const char* kParticipantsDirectory = "participants";

// "17.00c0ffee12345678": the id in decimal, the incarnation in 16 small hexadecimal digits.
[[nodiscard]] std::string to_string(ParticipantName name);

// Accepts exactly what to_string writes: no sign, no blank, no leading zero, no capital letter.
[[nodiscard]] std::optional<ParticipantName> parse_participant_name(std::string_view text) noexcept;

}  // namespace millrace
