// The moments at which messages are due, computed before the run from a shape and a seed: the same
// seed gives the same moments on every machine, and nothing is computed while time is measured.
#pragma once

#include "millrace/bench/load_shape.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace millrace::bench {

// Nanoseconds after the beginning, ascending.
using Schedule = std::vector<std::uint64_t>;

// No run keeps stamps of more messages than this.
inline constexpr std::uint64_t kLoadMessagesMax = 8'000'000;

// Arrivals within `duration_ns`, at least one. A recording that is shorter begins anew, as long
// after its last arrival as its mean gap. `recorded`: of a replay, see read_arrivals; else unused.
// Error bad_argument: more than kLoadMessagesMax would be due, with what would fit.
[[nodiscard]] Result<Schedule> make_schedule(const LoadShape& shape,
                                             std::span<const std::uint64_t> recorded,
                                             std::uint64_t duration_ns, std::uint64_t seed);

// The arrivals of a replay, the first at 0: from a CSV file, or from a journal if the path is a
// directory. Rows without a number in the column are left out before the first number (headers) and
// refused behind it; times that go back are refused with their line.
// Errors: not_found, no_permission, bad_argument, and those of JournalReader.
[[nodiscard]] Result<std::vector<std::uint64_t>> read_arrivals(const LoadShape& shape);

// Messages a second between the first and the last arrival; 0 for fewer than two.
[[nodiscard]] double mean_rate(std::span<const std::uint64_t> arrivals_ns) noexcept;

}  // namespace millrace::bench
