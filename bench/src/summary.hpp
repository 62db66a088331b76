// From slices to rows: one row a subject and placement, the kept slices beside all of them.
#pragma once

#include "subject.hpp"

#include <string>
#include <vector>

namespace millrace::bench {

struct Row {
  std::string key;
  std::string name;
  bool is_stream = false;
  std::string state;  // the placement, by its bare round trip: "121 ns"
  double state_bare_ns = 0;
  Estimate kept;    // slices between agreeing bare slices
  Estimate all;     // every slice, under the placement closest to its bare slices
  double ns = 0;    // a message or round trip: median over the kept slices
  double goal = 0;  // 0: none
  Better better = Better::lower;
  bool is_null = false;  // compares a subject with itself
  Met met = Met::inconclusive;

  // Messages a second, in millions.
  [[nodiscard]] double millions() const noexcept { return ns > 0 ? 1e3 / ns : 0; }
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
