// Questions to a report: what would other arrivals, a larger ring, a slower reader do? The answer
// comes from the replay that the check `curve` judged, one for each placement; where that check did
// not pass, the answer says so (what_if.hpp).
//
// Thread rules: none; pure functions.
#pragma once

#include "millrace/bench/load_shape.hpp"
#include "millrace/bench/what_if.hpp"
#include "millrace/core/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::bench {

struct PlacedAnswer {
  std::string placement;
  WhatIfAnswer answer;
};

// `arrivals_ns`: ascending, in nanoseconds; `ring`: times as large; `slower`: 0.2 is 20 %.
// Error format: no report, or one without what the model needs.
[[nodiscard]] Result<std::vector<PlacedAnswer>> ask_profile(
    std::string_view report, const std::vector<std::uint64_t>& arrivals_ns, double ring,
    double slower);

[[nodiscard]] std::string whatif_text(const std::vector<PlacedAnswer>& answers);
[[nodiscard]] std::string whatif_json(const std::vector<PlacedAnswer>& answers);

// "2x" or "0.5x": a factor; "20%": a share. Error bad_argument.
[[nodiscard]] Result<double> parse_factor(std::string_view text);
[[nodiscard]] Result<double> parse_share(std::string_view text);

}  // namespace millrace::bench
