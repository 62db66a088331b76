// Reads what the kernel counted for this thread. Some 5 us; between slices only.
#pragma once

#include "millrace/bench/load_evidence.hpp"
#include "millrace/core/descriptor.hpp"

namespace millrace::bench {

class NoiseReader {
 public:
  NoiseReader() noexcept;

  void begin() noexcept { before_ = read(); }

  // What was counted since begin().
  [[nodiscard]] SliceNoise end() const noexcept;

 private:
  [[nodiscard]] SliceNoise read() const noexcept;

  Descriptor schedstat_;
  SliceNoise before_;
};

}  // namespace millrace::bench
