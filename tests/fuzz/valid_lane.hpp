// Lane files as a publisher leaves them, to begin mutations from.
#pragma once

#include "fuzz_target.hpp"
#include "millrace/core/limits.hpp"

namespace millrace::fuzz {

inline constexpr std::uint64_t kLaneRingBytes = kRingBytesMin;

// Whole files: control page and ring. One hardly used, one several laps old with records of every
// type, one full of the shortest messages.
std::vector<Bytes> valid_lanes();

}  // namespace millrace::fuzz
