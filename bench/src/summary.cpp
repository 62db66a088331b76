#include "summary.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <map>
#include <optional>

namespace millrace::bench {

namespace {

// A restart that saw a placement only in passing says nothing about it.
constexpr std::size_t kSlicesPerRestart = 3;

// How far a null row may be from 1 without saying that the harness leans.
constexpr double kNullSlack = 0.005;

// Goals of the streams, against the best of the rings below, in the same restart.
constexpr double kStreamGoal = 1.0;
constexpr double kBatchGoal = 2.0;
constexpr std::array kFixedRings = {Subject::boost_stream, Subject::boost_stream_run,
                                    Subject::sequencer};  // and the baseline itself, ln 1 = 0

// The slices of one subject in one placement, by restart.
struct Cell {
  std::map<std::uint32_t, std::vector<double>> logs;
  std::vector<double> ns;

  void add(const SliceSample& sample, bool stream) {
    const double slower = log_ratio(sample.median_ns, sample.base_before_ns, sample.base_after_ns);
    logs[sample.restart].push_back(stream ? -slower : slower);  // streams: how many times faster
    ns.push_back(sample.median_ns);
  }

  // The median of each restart that has enough.
  [[nodiscard]] std::map<std::uint32_t, double> medians() const {
    std::map<std::uint32_t, double> found;
    for (const auto& [restart, values] : logs) {
      if (values.size() >= kSlicesPerRestart) found[restart] = median(values);
    }
    return found;
  }

  [[nodiscard]] Estimate estimated() const {
    std::vector<double> values;
    for (const auto& [restart, value] : medians())
      values.push_back(value);
    return estimate(values, ns.size());
  }
};

using Cells = std::array<Cell, kSubjects>;

double mean_bare(const SliceSample& sample) {
  return std::sqrt(sample.bare_before_ns * sample.bare_after_ns);
}

Row make_row(const SubjectInfo& subject, const Placements& placements, std::size_t placement) {
  Row row;
  row.key = subject.key;
  row.name = subject.name;
  row.is_stream = subject.is_stream;
  row.state_bare_ns = placements.bare_ns(placement);
  char text[32];
  (void)std::snprintf(text, sizeof text, "%.0f ns", row.state_bare_ns);
  row.state = text;
  row.goal = subject.goal;
  row.better = subject.is_stream ? Better::higher : Better::lower;
  row.is_null = subject.subject == Subject::bare_null || subject.subject == Subject::fixed_null;
  return row;
}

// What a subject does against the best ring of the same restart: a difference of medians, because
// the two were never in adjacent slices.
std::vector<double> against_best(const Cells& cells, Subject subject) {
  std::vector<double> logs;
  for (const auto& [restart, own] : cells[static_cast<std::size_t>(subject)].medians()) {
    double best = 0;
    for (const Subject ring : kFixedRings) {
      const auto others = cells[static_cast<std::size_t>(ring)].medians();
      const auto found = others.find(restart);
      if (found != others.end()) best = std::max(best, found->second);
    }
    logs.push_back(own - best);
  }
  return logs;
}

Row best_row(const Cells& kept, const Cells& all, Subject subject, Row row) {
  const auto at = static_cast<std::size_t>(subject);
  row.key += "_to_best";
  row.name += ", to the best ring";
  row.kept = estimate(against_best(kept, subject), kept[at].ns.size());
  row.all = estimate(against_best(all, subject), all[at].ns.size());
  row.ns = median(kept[at].ns);
  row.goal = subject == Subject::stream ? kStreamGoal : kBatchGoal;
  row.met = judge(row.kept, row.goal, row.better);
  return row;
}

void add_rows(std::vector<Row>& rows, const Cells& kept, const Cells& all,
              const Placements& placements, std::size_t placement) {
  for (const SubjectInfo& subject : kSubjectInfo) {
    const auto at = static_cast<std::size_t>(subject.subject);
    if (all[at].ns.empty()) continue;  // the baselines have no ratio
    Row row = make_row(subject, placements, placement);
    row.kept = kept[at].estimated();
    row.all = all[at].estimated();
    row.ns = median(kept[at].ns);
    if (row.is_null) {
      row.goal = 1;
      row.met = judge_null(row.kept, kNullSlack);
    } else if (row.goal > 0) {
      row.met = judge(row.kept, row.goal, row.better);
    }
    rows.push_back(row);
    if (subject.subject == Subject::stream || subject.subject == Subject::stream_batch) {
      rows.push_back(best_row(kept, all, subject.subject, row));
    }
  }
}

Row baseline_row(Subject subject, const Placements& placements, std::size_t placement,
                 std::vector<double> ns) {
  Row row = make_row(info(subject), placements, placement);
  row.kept.ratio = row.kept.low = row.kept.high = 1;
  row.kept.slices = ns.size();
  row.all = row.kept;
  row.ns = median(std::move(ns));
  row.goal = 0;
  return row;
}

}  // namespace

bool Summary::missed() const noexcept {
  return std::any_of(rows.begin(), rows.end(),
                     [](const Row& row) { return row.goal > 0 && row.met == Met::no; });
}

Summary summarise(const std::vector<SliceSample>& samples) {
  Summary summary;
  std::vector<double> bare;
  for (const SliceSample& sample : samples) {
    if (agree(sample.bare_before_ns, sample.bare_after_ns)) bare.push_back(mean_bare(sample));
  }
  const Placements placements = Placements::find(bare);
  std::vector<Cells> kept(placements.count());
  std::vector<Cells> all(placements.count());
  std::vector<std::vector<double>> fixed_ns(placements.count());
  for (const SliceSample& sample : samples) {
    ++summary.slices;
    if (placements.count() == 0) continue;
    const auto subject = static_cast<std::size_t>(sample.subject);
    const bool stream = info(sample.subject).is_stream;
    all[placements.nearest(mean_bare(sample))][subject].add(sample, stream);
    if (!agree(sample.bare_before_ns, sample.bare_after_ns)) continue;
    const auto placement = placements.of(mean_bare(sample));
    if (!placement) continue;
    ++summary.kept;
    kept[*placement][subject].add(sample, stream);
    if (stream)
      fixed_ns[*placement].push_back(std::sqrt(sample.base_before_ns * sample.base_after_ns));
  }
  for (std::size_t placement = 0; placement < placements.count(); ++placement) {
    std::vector<double> here;
    for (const double value : bare) {
      if (placements.of(value) == placement) here.push_back(value);
    }
    summary.rows.push_back(baseline_row(Subject::bare, placements, placement, here));
    summary.rows.push_back(
        baseline_row(Subject::fixed, placements, placement, fixed_ns[placement]));
    add_rows(summary.rows, kept[placement], all[placement], placements, placement);
  }
  return summary;
}

}  // namespace millrace::bench
