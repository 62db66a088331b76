// What one order over all lanes costs its producers, beside a plain fetch_add ring that survives no
// crash: the contest of bench/alternatives, with the log that was kept. One row a placement.
#pragma once

#include "solo_rows.hpp"

#include <cstdint>
#include <vector>

namespace millrace::bench {

// `row` has its name and text. More producers than processors share them.
[[nodiscard]] std::vector<Row> measure_total(const SoloPlan& plan, const Row& row,
                                             std::uint32_t producers, std::uint32_t batch);

template <std::uint32_t kProducers, std::uint32_t kBatch>
std::vector<Row> total_of(const SoloPlan& plan, const Row& row) {
  return measure_total(plan, row, kProducers, kBatch);
}

}  // namespace millrace::bench
