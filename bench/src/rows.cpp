#include "millrace/bench/rows.hpp"

#include "bench_run.hpp"
#include "pinning.hpp"

#include <nlohmann/json.hpp>

namespace millrace::bench {

Result<int> run_rows(const RowsRequest& request, std::FILE* to) {
  auto choice = choose_rows(request.rows);
  if (!choice) return Failure(choice.error());
  auto cpus = choose_cpus(request.cpus);
  if (!cpus) return Failure(cpus.error());
  BenchPlan plan;
  plan.choice = std::move(*choice);
  plan.cpus = std::move(*cpus);
  plan.seconds = request.seconds;
  plan.restarts = request.restarts;
  plan.counted = request.counted;
  plan.directory = request.directory;
  plan.go_on = request.go_on;
  const auto report = run_bench(plan);
  if (!report) return Failure(report.error());
  if (request.json) {
    const auto text =
        to_json(*report).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    (void)std::fprintf(to, "%s\n", text.c_str());
  } else {
    print_table(*report, to);
  }
  return report->exit_code();
}

}  // namespace millrace::bench
