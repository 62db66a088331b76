#include "rival_summary.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>

namespace millrace::rivals {

namespace {

using bench::Placements;

// Slices of one rival in one row and placement.
struct Cell {
  std::map<std::uint32_t, std::vector<double>> logs;  // by restart
  std::vector<double> ns;
  std::vector<double> publish_ns;
  std::vector<double> base_publish_ns;

  void add(const RivalSample& sample) {
    const double slower =
        bench::log_ratio(sample.slice.median_ns, sample.base_before_ns, sample.base_after_ns);
    logs[sample.restart].push_back(sample.row->is_rate() ? -slower : slower);
    ns.push_back(sample.slice.median_ns);
    publish_ns.push_back(sample.slice.publish_ns);
    base_publish_ns.push_back(sample.base_publish_ns);
  }

  [[nodiscard]] bench::Estimate estimated() const {
    std::vector<double> medians;
    for (const auto& [restart, values] : logs)
      medians.push_back(bench::median(values));
    return bench::estimate(medians, ns.size());
  }
};

struct Cells {
  Cell kept;
  Cell all;
};

bool steady(const RivalSample& sample) {
  return bench::agree(sample.bare_before_ns, sample.bare_after_ns);
}

double mean_bare(const RivalSample& sample) {
  return std::sqrt(sample.bare_before_ns * sample.bare_after_ns);
}

RivalRow make_row(const RivalSample& any, double state_bare_ns, const Cells& cells) {
  RivalRow row;
  row.rival = any.rival;
  row.row = any.row;
  row.state_bare_ns = state_bare_ns;
  row.kept = cells.kept.estimated();
  row.all = cells.all.estimated();
  row.ns = bench::median(cells.kept.ns);
  row.publish_ns = bench::median(cells.kept.publish_ns);
  row.base_publish_ns = bench::median(cells.kept.base_publish_ns);
  if (row.is_null()) row.met = bench::judge_null(row.kept, kNullSlack);
  return row;
}

// All samples are of one row.
void add_rows(std::vector<RivalRow>& rows, const std::vector<const RivalSample*>& samples) {
  std::vector<double> bare;
  for (const RivalSample* one : samples) {
    if (steady(*one)) bare.push_back(mean_bare(*one));
  }
  const Placements placements = Placements::find(bare);
  if (placements.count() == 0) return;
  // Ordered by placement, then as the rivals are listed.
  std::map<std::pair<std::size_t, const RivalInfo*>, std::pair<Cells, const RivalSample*>> cells;
  for (const RivalSample* one : samples) {
    const std::size_t at = placements.nearest(mean_bare(*one));
    auto& [cell, any] = cells[{at, one->rival}];
    any = one;
    cell.all.add(*one);
    const std::optional<std::size_t> inside = placements.of(mean_bare(*one));
    if (steady(*one) && inside == at) cell.kept.add(*one);
  }
  for (const auto& [key, cell] : cells)
    rows.push_back(make_row(*cell.second, placements.bare_ns(key.first), cell.first));
}

}  // namespace

std::vector<RivalRow> summarise(const std::vector<RivalSample>& samples) {
  std::vector<RivalRow> rows;
  for (const RowInfo& row : row_list()) {
    std::vector<const RivalSample*> of_row;
    for (const RivalSample& sample : samples) {
      if (sample.row == &row) of_row.push_back(&sample);
    }
    add_rows(rows, of_row);
  }
  return rows;
}

double KillRow::median_ms() const {
  std::vector<double> gaps;
  for (const KillSample& one : samples)
    gaps.push_back(one.gap_ms);
  return bench::median(gaps);
}

double KillRow::longest_ms() const {
  double longest = 0;
  for (const KillSample& one : samples)
    longest = std::max(longest, one.gap_ms);
  return longest;
}

double KillRow::quiet_ms() const {
  std::vector<double> gaps;
  for (const KillSample& one : samples)
    gaps.push_back(one.quiet_gap_ms);
  return bench::median(gaps);
}

std::size_t KillRow::waiting() const {
  return static_cast<std::size_t>(std::count_if(
      samples.begin(), samples.end(), [](const KillSample& one) { return one.still_waiting; }));
}

}  // namespace millrace::rivals
