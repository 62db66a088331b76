// From slices to rows: one row a subject and placement, the kept slices beside all of them.
#pragma once

#include "subject.hpp"

#include <optional>
#include <string>
#include <vector>

namespace millrace::bench {

struct Row {
  std::string name;  // "round-trip/32"
  std::string text;
  std::string unit;   // of `value`: "ns", "M/s", "bytes", ...
  std::string state;  // the placement, by its bare round trip: "121 ns"; "any" where none matters
  std::string baseline;  // what the ratio compares with
  Role role = Role::row;
  double state_bare_ns = 0;
  Estimate kept;     // slices between agreeing bare slices
  Estimate all;      // every slice, under the placement closest to its bare slices
  double value = 0;  // median over the kept slices
  double goal = 0;   // of the ratio, or of the value where there is no ratio; 0: none
  bool has_goal = false;
  Better better = Better::lower;
  Met met = Met::inconclusive;
  std::string invalid;              // why it could not be measured, else empty
  std::vector<std::string> marks;   // what was not as it should be: shown, and not judged
  std::optional<Estimate> to_best;  // streams that have another baseline: to the best ring
  std::vector<std::pair<std::string, double>> more;  // other figures of the row, by name with unit
};

struct Summary {
  std::vector<Row> rows;
  std::size_t slices = 0;
  std::size_t kept = 0;

  // Some judged row misses its goal.
  [[nodiscard]] bool missed() const noexcept;
};

[[nodiscard]] Summary summarise(const std::vector<SliceSample>& samples);

}  // namespace millrace::bench
