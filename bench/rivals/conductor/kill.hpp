// How long the others go without a message after kill -9 of one of them, in the middle of a flood.
//
//   kill/producer   two producers, one consumer: one producer dies
//   kill/consumer   one producer, two consumers: one consumer dies
//
// The figure is the longest time between two messages at the surviving consumer, from the kill on;
// of messages sent after it, because those are from survivors. Beside it the longest time before
// the kill in the same run: processors are fewer than processes here, and that alone makes gaps.
#pragma once

#include "ground.hpp"
#include "row.hpp"

#include <vector>

namespace millrace::rivals {

struct KillSample {
  double gap_ms = 0;
  double quiet_gap_ms = 0;
  bool still_waiting = false;  // when we stopped waiting; gap_ms is how long it had been
};

// `patience_seconds`: how long to wait for those who do not go on.
[[nodiscard]] Result<KillSample> kill_one(Ground& ground, const RivalInfo& rival,
                                          const RowInfo& row, double patience_seconds);

}  // namespace millrace::rivals
