// A whole run: the chosen rows, restart by restart, and what came of them.
#pragma once

#include "bench_report.hpp"
#include "row_choice.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace millrace::bench {

struct BenchPlan {
  RowChoice choice;
  std::vector<int> cpus;       // one or two (choose_cpus)
  double seconds = 40;         // of measuring in slices, over all restarts
  std::uint32_t restarts = 0;  // 0: 10, or as many of 4 s as fill the seconds
  std::uint64_t counted = 1'000'000;
  std::string directory;  // where to make the domains; empty: shared memory

  // Called before every restart with its number; false ends the run.
  std::function<bool(std::uint32_t, std::uint32_t)> go_on;
};

// Restarts and the seconds of each.
struct Pace {
  std::uint32_t restarts = 0;
  double seconds = 0;
};

[[nodiscard]] Pace pace_of(double seconds, std::uint32_t restarts) noexcept;

// Notes what was not as it should be, and marks the rows that it touches: these are not judged.
void mark_rows(Report& report, bool invariant_tsc);

// What stands in the way of some rows marks them and is said in the report's notes; the rest goes
// on. Errors: no directory, a process that failed, or the run was ended. Nothing is left behind.
[[nodiscard]] Result<Report> run_bench(const BenchPlan& plan);

}  // namespace millrace::bench
