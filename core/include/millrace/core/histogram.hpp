// Histogram counts durations in nanoseconds with an error of at most 0.78 %, in memory that the
// caller provides: shared, so that an observer reads it without a system call and it survives
// kill -9, or private.
//
// Thread rules: one writer (the one Histogram over these bytes); any number of HistogramViews over
// the same bytes, in any process, at any time. Counters are plain relaxed 64-bit words: a reader
// never sees half a counter, but a reading of several is not of one instant (sum and count may be
// a few values apart). For an exact reading copy the bytes while the writer rests.
// I1: the number of values is the sum of the cells, so it cannot disagree with them.
// I2: what a reader computes from bytes that somebody scribbled over is wrong, but bounded in time
//     and memory.
// Averages of percentiles mean nothing: add() histograms first, then ask for the percentile.
#pragma once

#include "millrace/core/histogram_layout.hpp"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace millrace {

class HistogramView {
 public:
  explicit HistogramView(const layout::HistogramBytes& bytes) noexcept : bytes_(&bytes) {}

  [[nodiscard]] const layout::HistogramBytes& bytes() const noexcept { return *bytes_; }

  // Values recorded, and of those the ones of 2^34 ns and more, of which only max_ns() knows the
  // size. Reads all cells: about a microsecond.
  [[nodiscard]] std::uint64_t count() const noexcept;
  [[nodiscard]] std::uint64_t saturated() const noexcept;

  // 0 when empty. The sum counts each value as at most 2^34.
  [[nodiscard]] std::uint64_t sum_ns() const noexcept { return load(bytes_->sum_ns); }

  [[nodiscard]] std::uint64_t max_ns() const noexcept { return load(bytes_->max_ns); }

  [[nodiscard]] std::uint64_t min_ns() const noexcept;
  [[nodiscard]] double mean_ns() const noexcept;

  // The smallest bound v of a cell, at most max_ns(), such that at least `percent` of the values
  // are <= v (nearest rank). It is never below the exact percentile and at most 1/128 above it.
  // `percent` is cut to 0..100, where 0 is the smallest value; 0 when empty.
  [[nodiscard]] std::uint64_t percentile_ns(double percent) const noexcept;

  // Cells, for export and plots. REQUIRES: cell < layout::kHistogramCells.
  [[nodiscard]] std::uint64_t in_cell(std::size_t cell) const noexcept {
    return load(bytes_->cells[cell]);
  }

  // The cell a value falls into, and the first and last value of a cell (the last cell has no end).
  static constexpr std::size_t cell_of(std::uint64_t value_ns) noexcept {
    const std::uint64_t value = std::min(value_ns, layout::kHistogramSaturation);
    // One formula for the exact and the logarithmic part: below 256 the shift is 0.
    const unsigned shift =
        std::max(static_cast<unsigned>(std::bit_width(value)), kExactBits) - kExactBits;
    return (std::size_t{shift} << layout::kHistogramSubBits) + (value >> shift);
  }

  static std::uint64_t cell_first_ns(std::size_t cell) noexcept;
  static std::uint64_t cell_last_ns(std::size_t cell) noexcept;

 protected:
  static constexpr unsigned kExactBits = layout::kHistogramSubBits + 1;

  // std::atomic_ref takes no const object before C++26; a load writes nothing, so a read-only
  // mapping is safe.
  static std::uint64_t load(const std::uint64_t& word) noexcept {
    return std::atomic_ref(const_cast<std::uint64_t&>(word)).load(std::memory_order_relaxed);
  }

  const layout::HistogramBytes* bytes_;
};

class Histogram : public HistogramView {
 public:
  explicit Histogram(layout::HistogramBytes& bytes) noexcept : HistogramView(bytes), own_(&bytes) {}

  // Two or three plain stores: no read-modify-write, no allocation, no system call.
  void record(std::uint64_t value_ns) noexcept { record(value_ns, 1); }

  void record(std::uint64_t value_ns, std::uint64_t times) noexcept {
    // The extremes go first: a reader that sees the count rarely misses the value that made it.
    widen(value_ns, ~value_ns);
    std::uint64_t& cell = own_->cells[cell_of(value_ns)];
    store(cell, load(cell) + times);
    const std::uint64_t counted_ns = std::min(value_ns, layout::kHistogramSaturation);
    store(own_->sum_ns, load(own_->sum_ns) + counted_ns * times);
  }

  // Adds what another histogram holds. It may be growing meanwhile.
  void add(HistogramView other) noexcept;

  void clear() noexcept;

 private:
  static void store(std::uint64_t& word, std::uint64_t value) noexcept {
    std::atomic_ref(word).store(value, std::memory_order_relaxed);
  }

  // Complements turn the smallest value into a largest one, so that zero bytes mean "none yet".
  void widen(std::uint64_t largest, std::uint64_t smallest_complement) noexcept {
    if (largest > load(own_->max_ns)) store(own_->max_ns, largest);
    if (smallest_complement > load(own_->min_complement)) {
      store(own_->min_complement, smallest_complement);
    }
  }

  layout::HistogramBytes* own_;
};

}  // namespace millrace
