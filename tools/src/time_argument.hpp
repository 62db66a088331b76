// A place in a journal, as people write it: a sequence, or a moment.
//
//   4711                       a sequence: digits alone
//   2025-11-21T12:30:00.5Z     RFC 3339, with Z or an offset such as +01:00
//   2025-11-21 12:30:00        this machine's time zone; the seconds may be left out
//   -10m                       so long ago (s, m or min, h, d)
//   @1763728200.25             seconds since 1970
#pragma once

#include "millrace/core/position.hpp"
#include "millrace/core/result.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace millrace::tools {

struct JournalPlace {
  std::optional<Sequence> sequence;
  std::optional<std::uint64_t> wall_ns;  // since 1970
};

// A moment in nanoseconds since 1970; `now_ns` is what "ago" counts from. Error bad_argument.
[[nodiscard]] Result<std::uint64_t> parse_moment(std::string_view text, std::uint64_t now_ns);

// A sequence or a moment, from now.
[[nodiscard]] Result<JournalPlace> parse_place(std::string_view text);

// "2025-11-21T12:30:00.500000Z".
[[nodiscard]] std::string format_moment(std::uint64_t wall_ns);

}  // namespace millrace::tools
