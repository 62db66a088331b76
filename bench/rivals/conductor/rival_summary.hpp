// From samples to the lines of the table: one a rival, row and placement.
#pragma once

#include "kill.hpp"
#include "measure.hpp"
#include "millrace/bench/slice_statistics.hpp"

#include <string>
#include <vector>

namespace millrace::rivals {

// A null rival may be this far from 1; beyond, the comparison itself leans.
inline constexpr double kNullSlack = 0.02;

struct RivalRow {
  const RivalInfo* rival = nullptr;
  const RowInfo* row = nullptr;
  double state_bare_ns = 0;  // the placement
  bench::Estimate kept;      // between agreeing bare slices; of rates: times as fast as Millrace
  bench::Estimate all;
  double ns = 0;          // median of the kept slices; fan-out: one message at all receivers
  double publish_ns = 0;  // fan-out
  double base_publish_ns = 0;
  bench::Met met = bench::Met::inconclusive;  // null rivals only

  [[nodiscard]] bool is_null() const noexcept {
    return rival->is_null && row->kind == OrderKind::round_trip;
  }

  // Deliveries a second, in millions.
  [[nodiscard]] double millions() const noexcept {
    return ns > 0 ? 1e3 * static_cast<double>(row->receivers) / ns : 0;
  }
};

// A row that could not be measured, and why: not installed, not offered, failed.
struct Missing {
  const RivalInfo* rival = nullptr;
  const RowInfo* row = nullptr;
  std::string why;
};

struct KillRow {
  const RivalInfo* rival = nullptr;
  const RowInfo* row = nullptr;
  std::vector<KillSample> samples;

  [[nodiscard]] double median_ms() const;
  [[nodiscard]] double longest_ms() const;
  [[nodiscard]] double quiet_ms() const;      // median of the gaps before
  [[nodiscard]] std::size_t waiting() const;  // how often nobody had gone on
};

[[nodiscard]] std::vector<RivalRow> summarise(const std::vector<RivalSample>& samples);

}  // namespace millrace::rivals
