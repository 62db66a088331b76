#include "millrace/core/histogram.hpp"

#include <cmath>
#include <limits>

namespace millrace {
namespace {

using layout::kHistogramCells;
using layout::kHistogramSubBits;

// Bytes that somebody scribbled over must not make a total wrap around to something plausible.
std::uint64_t add_capped(std::uint64_t left, std::uint64_t right) noexcept {
  const std::uint64_t sum = left + right;
  return sum < left ? std::numeric_limits<std::uint64_t>::max() : sum;
}

// Nearest rank: the smallest r with r values >= percent of them, at least the first.
std::uint64_t rank_of(double percent, std::uint64_t count) noexcept {
  if (!(percent > 0)) return 1;
  if (percent >= 100) return count;
  // The product carries a rounding error; without the correction 99.9 % of 1000 would be 1000.
  const double exact = percent / 100 * static_cast<double>(count);
  const double rank = std::ceil(exact * (1 - 4 * std::numeric_limits<double>::epsilon()));
  if (rank >= static_cast<double>(count)) return count;
  return std::max<std::uint64_t>(static_cast<std::uint64_t>(rank), 1);
}

}  // namespace

std::uint64_t HistogramView::count() const noexcept {
  std::uint64_t values = 0;
  for (const std::uint64_t& cell : bytes_->cells)
    values = add_capped(values, load(cell));
  return values;
}

std::uint64_t HistogramView::saturated() const noexcept {
  return in_cell(kHistogramCells - 1);
}

std::uint64_t HistogramView::min_ns() const noexcept {
  const std::uint64_t complement = load(bytes_->min_complement);
  return complement == 0 ? 0 : ~complement;
}

double HistogramView::mean_ns() const noexcept {
  const std::uint64_t values = count();
  return values == 0 ? 0 : static_cast<double>(sum_ns()) / static_cast<double>(values);
}

std::uint64_t HistogramView::percentile_ns(double percent) const noexcept {
  const std::uint64_t values = count();
  if (values == 0) return 0;
  if (!(percent > 0)) return min_ns();
  const std::uint64_t rank = rank_of(percent, values);
  const std::uint64_t largest = max_ns();
  std::uint64_t seen = 0;
  // The counts may have grown since they were added up, never shrunk: the rank is reached.
  for (std::size_t cell = 0; cell < kHistogramCells; ++cell) {
    seen = add_capped(seen, in_cell(cell));
    if (seen >= rank) return std::min(cell_last_ns(cell), largest);
  }
  return largest;
}

std::uint64_t HistogramView::cell_first_ns(std::size_t cell) noexcept {
  if (cell < std::size_t{1} << kExactBits) return cell;
  const unsigned shift = static_cast<unsigned>(cell >> kHistogramSubBits) - 1;
  return (cell - (std::size_t{shift} << kHistogramSubBits)) << shift;
}

std::uint64_t HistogramView::cell_last_ns(std::size_t cell) noexcept {
  if (cell + 1 >= kHistogramCells) return std::numeric_limits<std::uint64_t>::max();
  return cell_first_ns(cell + 1) - 1;
}

void Histogram::add(HistogramView other) noexcept {
  for (std::size_t cell = 0; cell < kHistogramCells; ++cell) {
    const std::uint64_t values = other.in_cell(cell);
    if (values != 0) store(own_->cells[cell], load(own_->cells[cell]) + values);
  }
  store(own_->sum_ns, load(own_->sum_ns) + other.sum_ns());
  widen(other.max_ns(), load(other.bytes().min_complement));
}

void Histogram::clear() noexcept {
  for (std::uint64_t& cell : own_->cells)
    store(cell, 0);
  store(own_->sum_ns, 0);
  store(own_->max_ns, 0);
  store(own_->min_complement, 0);
}

}  // namespace millrace
