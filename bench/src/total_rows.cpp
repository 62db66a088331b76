#include "total_rows.hpp"

#include "../alternatives/order_report.hpp"

#include <cstdio>

namespace millrace::bench {

namespace {

namespace contest = alternatives;

constexpr std::size_t kRestarts = 10;

Row to_row(const Row& like, const contest::Row& measured) {
  Row row = like;
  row.kept = row.all = measured.ratio;
  row.value = measured.rate / 1e6;
  row.baseline = "a plain fetch_add ring that survives no crash";
  row.better = Better::higher;
  row.has_goal = measured.goal.has_value();
  row.goal = measured.goal.value_or(0);
  if (row.has_goal) row.met = measured.met();
  row.state_bare_ns = measured.bare_ns;
  if (measured.bare_ns > 0) {
    char text[32];
    (void)std::snprintf(text, sizeof text, "%.0f ns", measured.bare_ns);
    row.state = text;
  }
  return row;
}

}  // namespace

std::vector<Row> measure_total(const SoloPlan& plan, const Row& row, std::uint32_t producers,
                               std::uint32_t batch) {
  const contest::Contest what{
      producers, batch, {plan.cpus[0], plan.cpus[1]}, 2 * plan.seconds / kRestarts};
  std::vector<std::vector<contest::Slice>> restarts;
  Row failed = row;
  for (std::size_t number = 0; number < kRestarts; ++number) {
    auto slices = contest::run_contest(what, number + 1);
    if (!slices) {
      failed.invalid = std::string(slices.error().sentence());
      return {failed};
    }
    restarts.push_back(std::move(*slices));
  }
  std::vector<Row> rows;
  for (const contest::Row& one : contest::rows_of(what, restarts)) {
    if (one.log == contest::Log::lanes) rows.push_back(to_row(row, one));
  }
  failed.invalid = "no two slices of the baseline agreed: the machine is too busy";
  return rows.empty() ? std::vector<Row>{failed} : rows;
}

}  // namespace millrace::bench
