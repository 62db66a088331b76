// From slices to figures: for each placement of the two processors, the median over the slices of a
// restart, and Student's interval over restarts (bench/README.md, "Method").
#pragma once

#include "millrace/bench/slice_statistics.hpp"
#include "order_contest.hpp"

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace millrace::alternatives {

struct Row {
  std::string name;  // "total/2", "total/2x16"
  Log log = Log::plain;
  double bare_ns = 0;     // of the placement; 0: all on one processor
  double rate = 0;        // messages a second, median of the kept slices
  bench::Estimate ratio;  // to the plain log's rate beside it
  std::optional<double> goal;

  [[nodiscard]] bench::Met met() const {
    return goal ? bench::judge(ratio, *goal, bench::Better::higher) : bench::Met::inconclusive;
  }
};

// `restarts`: the slices of each.
[[nodiscard]] std::vector<Row> rows_of(const Contest& contest,
                                       const std::vector<std::vector<Slice>>& restarts);

[[nodiscard]] std::string to_text(const std::vector<Row>& rows);
[[nodiscard]] nlohmann::json to_json(const std::vector<Row>& rows);

}  // namespace millrace::alternatives
