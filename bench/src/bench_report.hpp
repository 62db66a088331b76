// The result, for people and for programs.
#pragma once

#include "machine.hpp"
#include "row_choice.hpp"
#include "summary.hpp"

#include <cstdio>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace millrace::bench {

struct Report {
  RowChoice choice;
  Machine machine;
  std::vector<int> cpus;  // the leader's, and the follower's if there is one
  bool pinned = true;
  double stolen_percent = 0;
  std::uint32_t restarts = 0;      // 0: nothing was measured in slices
  double seconds = 0;              // of one restart
  std::vector<std::string> notes;  // what was not as it should be, a line each
  Summary summary;

  // 0 good, 1 a goal was missed.
  [[nodiscard]] int exit_code() const noexcept { return summary.missed() ? 1 : 0; }
};

void print_table(const Report& report, std::FILE* to);

// {cpus, machine, restarts, seconds, slices, kept, notes, rows, beside, ok}. `rows`: what was asked
// for, one entry a row and placement; `beside`: baselines, nulls and variants that came along.
[[nodiscard]] nlohmann::json to_json(const Report& report);

}  // namespace millrace::bench
