// How long items took from submission to durability.
#pragma once

#include "millrace/core/histogram.hpp"

#include <cstdint>
#include <memory>

namespace millrace {

class ItemTimes {
 public:
  void record(std::uint64_t nanoseconds) noexcept { Histogram(*bytes_).record(nanoseconds); }

  [[nodiscard]] HistogramView view() const noexcept { return HistogramView(*bytes_); }

 private:
  std::unique_ptr<layout::HistogramBytes> bytes_ = std::make_unique<layout::HistogramBytes>();
};

}  // namespace millrace
