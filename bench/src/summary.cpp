#include "summary.hpp"

#include "slice_cells.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace millrace::bench {

namespace {

// How far a null row may be from 1 without saying that the harness leans.
constexpr double kNullSlack = 0.005;

// All slices beside the kept ones: further apart than this share of the interval, believe neither.
constexpr double kApart = 0.5;

// What is known of one placement.
struct Placed {
  double bare_ns = 0;
  std::vector<double> bare;
  Cells kept;
  Cells all;
};

double mean_bare(const SliceSample& sample) {
  return std::sqrt(sample.bare_before_ns * sample.bare_after_ns);
}

double in_unit(Kind kind, double ns) noexcept {
  if (kind != Kind::stream) return ns;
  return ns > 0 ? 1e3 / ns : 0;
}

Row row_of(const SubjectInfo& subject, const Placed& placed) {
  Row row;
  row.name = subject.name;
  row.text = subject.text;
  row.unit = subject.kind == Kind::stream ? "M/s" : "ns";
  row.role = subject.role;
  row.state_bare_ns = placed.bare_ns;
  char text[32];
  (void)std::snprintf(text, sizeof text, "%.0f ns", placed.bare_ns);
  row.state = text;
  row.better = better_of(subject);
  row.goal = subject.goal;
  row.has_goal = subject.goal > 0;
  const bool best = subject.against == Subject::count_;
  row.baseline = info(best ? subject.bracket : subject.against).name;
  if (best) row.baseline += " or the best of its variants";
  return row;
}

// Figures beside the ratio.
void add_more(Row& row, const SubjectInfo& subject, double whole_ns) {
  if (subject.kind == Kind::publish && whole_ns > 0) {
    row.more.emplace_back("delivered_millions_per_second",
                          1e3 * static_cast<double>(readers_of(subject.subject)) / whole_ns);
  }
  if (subject.kind == Kind::latency && whole_ns > 0) {
    row.more.emplace_back("millions_per_second", 1e3 / whole_ns);
  }
  if (subject.kind == Kind::stream && subject.size >= kKilo) {
    row.more.emplace_back("gigabytes_per_second",
                          row.value * static_cast<double>(subject.size) / 1e3);
  }
}

void judge_row(Row& row) {
  // Two ways to choose slices that say two things: neither counts.
  const double apart = std::abs(std::log(row.all.ratio / row.kept.ratio));
  const bool doubtful = std::isfinite(apart) && row.kept.low > 0 && std::isfinite(row.kept.high) &&
                        apart > kApart * std::max(std::log(row.kept.high / row.kept.low), 0.002);
  if (row.role == Role::null) {
    row.met = judge_null(row.kept, kNullSlack);
  } else if (row.has_goal) {
    row.met = doubtful ? Met::inconclusive : judge(row.kept, row.goal, row.better);
  }
}

Row measured_row(const SubjectInfo& subject, const Placed& placed) {
  Row row = row_of(subject, placed);
  const Cell& kept = placed.kept.of(subject.subject);
  const Cell& all = placed.all.of(subject.subject);
  row.kept = placed.kept.estimated(kept, subject);
  row.all = placed.all.estimated(all, subject);
  row.value = in_unit(subject.kind, median(kept.ns()));
  add_more(row, subject, median(kept.whole_ns()));
  if (subject.subject == Subject::stream_batch)
    row.to_best = placed.kept.against_best(kept, subject);
  judge_row(row);
  return row;
}

Row tail_row(const SubjectInfo& subject, const Placed& placed) {
  Row row = row_of(subject, placed);
  row.name += kTailSuffix;
  row.text += ", p99";
  const Cell& kept = placed.kept.tail_of(subject.subject);
  row.kept = placed.kept.estimated(kept, subject);
  row.all = placed.all.estimated(placed.all.tail_of(subject.subject), subject);
  row.value = median(kept.ns());
  if (subject.role == Role::row) row.goal = kTailGoal;
  judge_row(row);
  return row;
}

// From the slices around others.
Row baseline_row(const SubjectInfo& subject, const Placed& placed) {
  Row row = row_of(subject, placed);
  std::vector<double> ns;
  std::vector<double> whole;
  if (subject.subject == Subject::bare) {
    ns = placed.bare;
    whole = placed.bare;
  } else {
    for (const SubjectInfo& one : kSubjectInfo) {
      if (one.bracket != subject.subject || one.subject == subject.subject) continue;
      const Cell& cell = placed.kept.of(one.subject);
      ns.insert(ns.end(), cell.base_ns().begin(), cell.base_ns().end());
      whole.insert(whole.end(), cell.base_whole_ns().begin(), cell.base_whole_ns().end());
    }
  }
  row.kept.ratio = row.kept.low = row.kept.high = 1;
  row.kept.slices = ns.size();
  row.all = row.kept;
  row.value = in_unit(subject.kind, median(std::move(ns)));
  add_more(row, subject, median(std::move(whole)));
  return row;
}

void add_rows(std::vector<Row>& rows, const Placed& placed) {
  for (const SubjectInfo& subject : kSubjectInfo) {
    if (subject.role == Role::baseline) {
      Row row = baseline_row(subject, placed);
      if (row.kept.slices != 0) rows.push_back(std::move(row));
      continue;
    }
    if (placed.all.of(subject.subject).ns().empty()) continue;
    rows.push_back(measured_row(subject, placed));
    if (subject.kind == Kind::latency) rows.push_back(tail_row(subject, placed));
  }
}

}  // namespace

bool Summary::missed() const noexcept {
  return std::any_of(rows.begin(), rows.end(),
                     [](const Row& row) { return row.has_goal && row.met == Met::no; });
}

Summary summarise(const std::vector<SliceSample>& samples) {
  Summary summary;
  std::vector<double> bare;
  for (const SliceSample& sample : samples) {
    if (agree(sample.bare_before_ns, sample.bare_after_ns)) bare.push_back(mean_bare(sample));
  }
  const Placements placements = Placements::find(bare);
  std::vector<Placed> placed(placements.count());
  for (std::size_t at = 0; at < placed.size(); ++at)
    placed[at].bare_ns = placements.bare_ns(at);
  for (const double value : bare) {
    if (const auto at = placements.of(value)) placed[*at].bare.push_back(value);
  }
  for (const SliceSample& sample : samples) {
    ++summary.slices;
    if (placements.count() == 0) continue;
    placed[placements.nearest(mean_bare(sample))].all.add(sample);
    if (!agree(sample.bare_before_ns, sample.bare_after_ns)) continue;
    const auto at = placements.of(mean_bare(sample));
    if (!at) continue;
    ++summary.kept;
    placed[*at].kept.add(sample);
  }
  for (const Placed& one : placed)
    add_rows(summary.rows, one);
  return summary;
}

}  // namespace millrace::bench
