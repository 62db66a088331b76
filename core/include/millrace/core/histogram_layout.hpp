// A log-linear histogram of nanoseconds as it lies in memory, shared or private. All zero bytes are
// a valid, empty histogram, so a fresh file needs no preparation.
#pragma once

#include "millrace/core/fingerprint.hpp"

#include <cstddef>
#include <cstdint>

namespace millrace::layout {

// Values below 256 ns have a cell each. Above, every doubling has 128 cells, so a cell is at most
// 1/128 (0.78 %) of its values wide. The last cell takes all from 2^34 ns (17.2 s) on.
inline constexpr unsigned kHistogramSubBits = 7;
inline constexpr unsigned kHistogramTopBit = 34;
inline constexpr std::uint64_t kHistogramSaturation = std::uint64_t{1} << kHistogramTopBit;
inline constexpr std::size_t kHistogramCells =
    (std::size_t{kHistogramTopBit - kHistogramSubBits} << kHistogramSubBits) +
    (std::size_t{1} << kHistogramSubBits) + 1;

//   offset  size  field           writer    meaning
//        0     8  sum_ns          recorder  sum of the values, each counted as at most 2^34
//        8     8  max_ns          recorder  largest value, 0 if none
//       16     8  min_complement  recorder  ~smallest value, 0 if none
//       24   104  reserved        -         zero
//      128 28680  cells           recorder  values seen in each cell; only grow; the last saturates
//    28808   120  reserved_end    -         zero
struct alignas(64) HistogramBytes {
  std::uint64_t sum_ns;
  std::uint64_t max_ns;
  std::uint64_t min_complement;
  std::uint64_t reserved[13];
  std::uint64_t cells[kHistogramCells];
  std::uint64_t reserved_end[15];
};

static_assert(kHistogramCells == 3585);
static_assert(sizeof(HistogramBytes) == 28928);
static_assert(offsetof(HistogramBytes, sum_ns) == 0);
static_assert(offsetof(HistogramBytes, max_ns) == 8);
static_assert(offsetof(HistogramBytes, min_complement) == 16);
static_assert(offsetof(HistogramBytes, reserved) == 24);
static_assert(offsetof(HistogramBytes, cells) == 128);
static_assert(offsetof(HistogramBytes, reserved_end) == 28808);

inline constexpr std::uint64_t kHistogramFingerprint =
    fingerprint({1, sizeof(HistogramBytes), kHistogramSubBits, kHistogramTopBit, kHistogramCells,
                 offsetof(HistogramBytes, sum_ns), offsetof(HistogramBytes, max_ns),
                 offsetof(HistogramBytes, min_complement), offsetof(HistogramBytes, cells)});

}  // namespace millrace::layout
