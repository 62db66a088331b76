// Student's distribution, and what order statistics say about a quantile.
//
// Thread rules: none; values only.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace millrace::bench {

// The value that a Student variable stays below with this probability. `freedom` >= 1 and
// 0 < probability < 1; infinite for a freedom of 0, because one value has no spread.
[[nodiscard]] double student_quantile(double probability, std::size_t freedom) noexcept;

// The probability that a Student variable exceeds `value`.
[[nodiscard]] double student_beyond(double value, std::size_t freedom) noexcept;

// The value below which the share `p` of the values lies (between neighbours: interpolated).
// 0 for no values; 0 <= p <= 1.
[[nodiscard]] double quantile(std::vector<double> values, double p);
// The same of values that are in order already.
[[nodiscard]] double quantile_of_sorted(std::span<const double> sorted, double p) noexcept;

struct Interval {
  double low = 0;
  double high = 0;
};

// Where the quantile `p` of what the values were drawn from lies, whatever their distribution: two
// of the values, by their ranks (binomial, each side wrong with at most `side`). Too few values for
// that: low 0 or high infinite.
[[nodiscard]] Interval quantile_interval(std::vector<double> values, double p, double side);

// Nothing bad in `trials` independent trials: with 95 % confidence its share is below this (3 / n).
[[nodiscard]] double share_bound_without_a_case(std::size_t trials) noexcept;

// The interval (each side wrong with `side`) of sum(above) / sum(below), both sums over blocks of
// time drawn again and again, so that what comes in bursts is not taken for independent. A block of
// one is the neighbour in time of that of the other. `seed` makes it repeatable.
[[nodiscard]] Interval block_bootstrap_ratio(std::span<const double> above,
                                             std::span<const double> below, double side,
                                             unsigned seed);

}  // namespace millrace::bench
