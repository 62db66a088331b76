#include "slice_cells.hpp"

#include <algorithm>
#include <cmath>

namespace millrace::bench {

namespace {

constexpr std::size_t kSlicesPerRestart = 3;

double middle(double one, double other) noexcept {
  return std::sqrt(one * other);
}

}  // namespace

void Cell::add(const SliceSample& sample, bool tail) {
  const auto of = [tail](const Timing& timing) { return tail ? timing.tail_ns : timing.median_ns; };
  const double subject = of(sample.timing);
  const double before = of(sample.base_before);
  const double after = of(sample.base_after);
  if (subject <= 0 || before <= 0 || after <= 0) return;  // a sleeper that never slept
  const double slower = log_ratio(subject, before, after);
  const bool more = better_of(info(sample.subject)) == Better::higher;
  logs_[sample.restart].push_back(more ? -slower : slower);
  ns_.push_back(subject);
  whole_ns_.push_back(sample.timing.mean_ns);
  base_ns_.push_back(middle(before, after));
  base_whole_ns_.push_back(middle(sample.base_before.mean_ns, sample.base_after.mean_ns));
}

std::map<std::uint32_t, double> Cell::medians() const {
  std::map<std::uint32_t, double> found;
  for (const auto& [restart, values] : logs_) {
    if (values.size() >= kSlicesPerRestart) found[restart] = median(values);
  }
  return found;
}

void Cells::add(const SliceSample& sample) {
  const std::size_t at = index(sample.subject);
  cells_[at].add(sample, false);
  if (info(sample.subject).kind == Kind::latency) tails_[at].add(sample, true);
}

Estimate Cells::estimated(const Cell& cell, const SubjectInfo& subject) const {
  if (subject.against == Subject::count_) return against_best(cell, subject);
  std::vector<double> logs;
  if (subject.against == subject.bracket) {
    for (const auto& [restart, own] : cell.medians())
      logs.push_back(own);
    return estimate(logs, cell.ns().size());
  }
  const auto others = of(subject.against).medians();
  for (const auto& [restart, own] : cell.medians()) {
    const auto found = others.find(restart);
    if (found != others.end()) logs.push_back(own - found->second);
  }
  return estimate(logs, cell.ns().size());
}

Estimate Cells::against_best(const Cell& cell, const SubjectInfo& subject) const {
  const bool more = better_of(subject) == Better::higher;
  std::vector<std::map<std::uint32_t, double>> variants;
  for (const SubjectInfo& one : kSubjectInfo) {
    if (one.role == Role::variant && one.bracket == subject.bracket)
      variants.push_back(of(one.subject).medians());
  }
  std::vector<double> logs;
  for (const auto& [restart, own] : cell.medians()) {
    double best = 0;  // the bracket itself: ln 1
    for (const auto& variant : variants) {
      const auto found = variant.find(restart);
      if (found == variant.end()) continue;
      best = more ? std::max(best, found->second) : std::min(best, found->second);
    }
    logs.push_back(own - best);
  }
  return estimate(logs, cell.ns().size());
}

}  // namespace millrace::bench
