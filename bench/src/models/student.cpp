#include "millrace/bench/student.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include <boost/math/distributions/binomial.hpp>
#include <boost/math/distributions/students_t.hpp>

namespace millrace::bench {

namespace {

namespace policies = boost::math::policies;

// Out of range is an infinity, never an exception.
using Quiet = policies::policy<policies::domain_error<policies::ignore_error>,
                               policies::pole_error<policies::ignore_error>,
                               policies::overflow_error<policies::ignore_error>,
                               policies::evaluation_error<policies::ignore_error>,
                               policies::discrete_quantile<policies::integer_round_outwards>>;
using Student = boost::math::students_t_distribution<double, Quiet>;
using Binomial = boost::math::binomial_distribution<double, Quiet>;

constexpr int kResamples = 2000;

}  // namespace

double student_quantile(double probability, std::size_t freedom) noexcept {
  if (freedom == 0) return std::numeric_limits<double>::infinity();
  return boost::math::quantile(Student(static_cast<double>(freedom)), probability);
}

double student_beyond(double value, std::size_t freedom) noexcept {
  if (freedom == 0) return 0.5;
  if (std::isinf(value)) return value > 0 ? 0 : 1;
  return boost::math::cdf(boost::math::complement(Student(static_cast<double>(freedom)), value));
}

double quantile_of_sorted(std::span<const double> sorted, double p) noexcept {
  if (sorted.empty()) return 0;
  const double at = p * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(at);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (at - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

double quantile(std::vector<double> values, double p) {
  std::sort(values.begin(), values.end());
  return quantile_of_sorted(values, p);
}

Interval quantile_interval(std::vector<double> values, double p, double side) {
  Interval found{0, std::numeric_limits<double>::infinity()};
  if (values.empty()) return found;
  std::sort(values.begin(), values.end());
  // The number of values below the true quantile is binomial: the k-th value lies above it with
  // probability P(count < k), and below it with P(count >= k).
  const Binomial below(static_cast<double>(values.size()), p);
  std::size_t low = 0;
  while (low < values.size() && boost::math::cdf(below, static_cast<double>(low)) <= side)
    ++low;
  if (low > 0) found.low = values[low - 1];
  std::size_t high = values.size();
  while (high > 0 &&
         boost::math::cdf(boost::math::complement(below, static_cast<double>(high - 1))) <= side)
    --high;
  if (high < values.size()) found.high = values[high];
  return found;
}

double share_bound_without_a_case(std::size_t trials) noexcept {
  if (trials == 0) return 1;
  return 1 - std::pow(0.05, 1 / static_cast<double>(trials));
}

Interval block_bootstrap_ratio(std::span<const double> above, std::span<const double> below,
                               double side, unsigned seed) {
  const std::size_t blocks = std::min(above.size(), below.size());
  if (blocks == 0) return {0, std::numeric_limits<double>::infinity()};
  std::mt19937_64 random(seed);
  std::uniform_int_distribution<std::size_t> draw(0, blocks - 1);
  std::vector<double> ratios(kResamples);
  for (double& ratio : ratios) {
    double sum_above = 0;
    double sum_below = 0;
    for (std::size_t count = 0; count < blocks; ++count) {
      const std::size_t block = draw(random);
      sum_above += above[block];
      sum_below += below[block];
    }
    ratio = sum_below > 0   ? sum_above / sum_below
            : sum_above > 0 ? std::numeric_limits<double>::infinity()
                            : 1;
  }
  std::sort(ratios.begin(), ratios.end());
  const auto drop = static_cast<std::size_t>(side * kResamples);
  return {ratios[drop], ratios[kResamples - 1 - drop]};
}

}  // namespace millrace::bench
