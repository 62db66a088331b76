// What came of a run: the table for people, one JSON object for programs.
#pragma once

#include "machine.hpp"
#include "rival_summary.hpp"

#include <cstdio>
#include <utility>

namespace millrace::rivals {

struct RivalReport {
  bench::Machine machine;
  std::pair<int, int> cpus;
  double stolen_percent = 0;
  std::uint32_t restarts = 0;
  double seconds = 0;
  std::vector<RivalRow> rows;
  std::vector<KillRow> kills;
  std::vector<Missing> missing;

  // 1: a null rival reads something else than 1.00, so no other row counts. Else 0.
  [[nodiscard]] int exit_code() const noexcept;
};

void print_table(const RivalReport& report, std::FILE* to);
void print_json(const RivalReport& report, std::FILE* to);

}  // namespace millrace::rivals
