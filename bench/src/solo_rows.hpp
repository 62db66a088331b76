// Rows that are not measured in slices: counts, bytes, instructions, and what happens on one
// processor. Each is measured by itself and placements do not matter to it.
#pragma once

#include "summary.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace millrace::bench {

struct SoloPlan {
  std::string directory;  // empty, for domains; of this run
  std::vector<int> cpus;  // allowed; the first two are the leader's and the follower's
  bool pinned = true;
  double seconds = 2;                 // for rows that take time, about
  std::uint64_t counted = 1'000'000;  // messages, for rows that count
};

struct SoloRow {
  const char* name;
  const char* text;
  double goal;  // of the value; below 0: none
  const char* unit;
  bool two_processors;  // cannot be had with one

  // Fills in what was measured, or why it could not be. Several rows may share one measurement; it
  // is made once a run.
  void (*measure)(const SoloPlan& plan, Row& row);

  // Instead of the above: a row for every placement, with its own goal and judgement.
  std::vector<Row> (*measure_placements)(const SoloPlan& plan, const Row& row) = nullptr;
};

[[nodiscard]] std::span<const SoloRow> solo_rows() noexcept;

// Measures `wanted`, in their order.
[[nodiscard]] std::vector<Row> measure_solo(const std::vector<const SoloRow*>& wanted,
                                            const SoloPlan& plan);

}  // namespace millrace::bench
