// "What if": other arrivals, a larger ring, a slower reader, answered by the replay that the check
// `curve` has judged. Where that check did not PASS in this placement, the answer says so: a model
// that does not predict what is will not predict what would be.
//
// Thread rules: none; pure functions over values.
#pragma once

#include "millrace/bench/curve_check.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace millrace::bench {

// What is known, of one placement.
struct WhatIfBase {
  CurveCalibration calibration;
  std::size_t ring_messages = 0;          // that fit the ring at the mean size
  std::vector<Vacation> vacations = {};   // recorded, excused, from 0 on
  double vacations_span_ns = 0;           // recorded for so long; repeated if arrivals last longer
  Verdict curve = Verdict::inconclusive;  // of the check, in this placement
};

struct WhatIfQuestion {
  std::vector<double> arrivals_ns;  // when messages are due, ascending
  double ring = 1;                  // times as large
  double reader_slower = 0;         // 0.2: its service takes 20 % longer
};

// Times from when a message was due until it is processed, in ns. 0: too few messages to say.
struct WhatIfLatency {
  double mean_ns = 0;
  double p50_ns = 0;
  double p99_ns = 0;
  double p999_ns = 0;
};

struct WhatIfAnswer {
  bool supported = false;    // by a curve that passed
  std::string why;           // if it is not, or if nothing can be said
  double load = 0;           // service over mean gap; above 1 no ring is large enough
  WhatIfLatency host;        // with the vacations that were recorded
  WhatIfLatency quiet;       // on a quiet core
  double blocked_share = 0;  // of the messages, whose publisher waits for room
  double blocked_max_ns = 0;
  std::size_t backlog_max = 0;  // messages in the ring
  double time_to_full_ns = 0;   // of an overload from the first message on; 0: it is none
};

[[nodiscard]] WhatIfAnswer what_if(const WhatIfBase& base, const WhatIfQuestion& question);

}  // namespace millrace::bench
