#include "millrace/bench/slice_statistics.hpp"

#include "millrace/bench/student.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace millrace::bench {

namespace {

// A value belongs to a placement only if this share of all values, and at least this many, lie
// within a factor of kNeighbourhood of it.
constexpr double kNeighbourShare = 0.01;
constexpr std::size_t kNeighboursMin = 3;
constexpr double kNeighbourhood = 1.04;

}  // namespace

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  const std::size_t half = values.size() / 2;
  std::sort(values.begin(), values.end());
  return values.size() % 2 != 0 ? values[half] : (values[half - 1] + values[half]) / 2;
}

bool agree(double before_ns, double after_ns) noexcept {
  return before_ns <= after_ns * kAgreement && after_ns <= before_ns * kAgreement;
}

double log_ratio(double subject_ns, double before_ns, double after_ns) noexcept {
  return std::log(subject_ns) - (std::log(before_ns) + std::log(after_ns)) / 2;
}

double student_t(std::size_t freedom) noexcept {
  return student_quantile(0.99, freedom);
}

Placements Placements::find(std::span<const double> bare_ns) {
  std::vector<double> sorted(bare_ns.begin(), bare_ns.end());
  std::sort(sorted.begin(), sorted.end());
  const auto share = static_cast<std::size_t>(kNeighbourShare * static_cast<double>(sorted.size()));
  const std::size_t wanted = std::min(sorted.size(), std::max(kNeighboursMin, share));
  std::vector<double> dense;
  for (const double value : sorted) {
    const auto from = std::lower_bound(sorted.begin(), sorted.end(), value / kNeighbourhood);
    const auto to = std::upper_bound(sorted.begin(), sorted.end(), value * kNeighbourhood);
    if (static_cast<std::size_t>(to - from) >= wanted) dense.push_back(value);
  }
  Placements found;
  for (std::size_t first = 0; first < dense.size();) {
    std::size_t last = first;
    while (last + 1 < dense.size() && dense[last + 1] < dense[last] * kPlacementGap)
      ++last;
    Group group;
    group.low = dense[first] / kNeighbourhood;
    group.high = dense[last] * kNeighbourhood;
    group.slices = last - first + 1;
    group.median =
        median(std::vector<double>(dense.begin() + static_cast<std::ptrdiff_t>(first),
                                   dense.begin() + static_cast<std::ptrdiff_t>(last) + 1));
    found.groups_.push_back(group);
    first = last + 1;
  }
  return found;
}

std::optional<std::size_t> Placements::of(double bare_ns) const noexcept {
  for (std::size_t at = 0; at < groups_.size(); ++at) {
    if (bare_ns >= groups_[at].low && bare_ns <= groups_[at].high) return at;
  }
  return std::nullopt;
}

std::size_t Placements::nearest(double bare_ns) const noexcept {
  std::size_t best = 0;
  double distance = std::numeric_limits<double>::infinity();
  for (std::size_t at = 0; at < groups_.size(); ++at) {
    const double away = std::abs(std::log(bare_ns / groups_[at].median));
    if (away < distance) {
      distance = away;
      best = at;
    }
  }
  return best;
}

Estimate estimate(std::span<const double> restart_logs, std::size_t slices) {
  Estimate result;
  result.slices = slices;
  result.restarts = restart_logs.size();
  result.high = std::numeric_limits<double>::infinity();
  if (restart_logs.empty()) return result;
  const auto count = static_cast<double>(restart_logs.size());
  double mean = 0;
  for (const double one : restart_logs)
    mean += one / count;
  result.ratio = std::exp(mean);
  if (restart_logs.size() < 2) return result;
  double squares = 0;
  for (const double one : restart_logs)
    squares += (one - mean) * (one - mean);
  const double deviation = std::sqrt(squares / (count - 1));
  const double half = student_t(restart_logs.size() - 1) * deviation / std::sqrt(count);
  result.low = std::exp(mean - half);
  result.high = std::exp(mean + half);
  return result;
}

const char* to_string(Met met) noexcept {
  switch (met) {
    case Met::yes: return "yes";
    case Met::no: return "no";
    case Met::inconclusive: break;
  }
  return "inconclusive";
}

Met judge(const Estimate& estimate, double goal, Better better) noexcept {
  if (!estimate.judged()) return Met::inconclusive;
  const bool lower = better == Better::lower;
  if (lower ? estimate.high <= goal : estimate.low >= goal) return Met::yes;
  if (lower ? estimate.low > goal : estimate.high < goal) return Met::no;
  return Met::inconclusive;
}

Met judge_null(const Estimate& estimate, double slack) noexcept {
  if (!estimate.judged()) return Met::inconclusive;
  return estimate.low <= 1 + slack && estimate.high >= 1 / (1 + slack) ? Met::yes : Met::no;
}

}  // namespace millrace::bench
