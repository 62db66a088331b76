// One restart of one rival in one row: fresh processes, slices between their baselines.
//
//   round trip     bare | rival | bare
//   stream, fan-out   bare | Millrace's own | rival | Millrace's own | bare
//   wake           bare | bare futex | rival | bare futex | bare
#pragma once

#include "ground.hpp"
#include "pair.hpp"
#include "row.hpp"

#include <vector>

namespace millrace::rivals {

struct RivalSample {
  const RivalInfo* rival = nullptr;
  const RowInfo* row = nullptr;
  std::uint32_t restart = 0;
  Slice slice;
  double base_publish_ns = 0;  // fan-out: Millrace's, mean of both sides
  double base_before_ns = 0;
  double base_after_ns = 0;
  double bare_before_ns = 0;
  double bare_after_ns = 0;
};

[[nodiscard]] Result<std::vector<RivalSample>> measure(Ground& ground, const RivalInfo& rival,
                                                       const RowInfo& row, double seconds,
                                                       std::uint32_t restart);

}  // namespace millrace::rivals
