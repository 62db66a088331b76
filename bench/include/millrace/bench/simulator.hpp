// A discrete-event simulator of one publisher, one reader and a host that takes the reader's
// processor away: the world in which formulas, estimators and verdicts are tested, because there
// the truth is known and a defect can be planted. It shares no code with the replay that it tests:
// the replay is a recursion over messages, this is a queue of events.
//
// Deterministic: the same input and seed give the same run. Times are nanoseconds.
// Thread rules: none; values only.
#pragma once

#include "millrace/bench/replay.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace millrace::bench {

// Moments of `count` publishes, from `rate` a second on average.
[[nodiscard]] std::vector<double> constant_arrivals(double rate, std::size_t count);
[[nodiscard]] std::vector<double> poisson_arrivals(double rate, std::size_t count,
                                                   std::uint64_t seed);
// Poisson while on, silent while off; both last exponentially long, on average `on_ns`, `off_ns`.
[[nodiscard]] std::vector<double> burst_arrivals(double rate, double on_ns, double off_ns,
                                                 std::size_t count, std::uint64_t seed);

struct SimulatedHost {
  double gaps_per_second = 0;
  double gap_ns = 0;     // median
  double gap_sigma = 0;  // of its logarithm
};

struct SimulatedReader {
  std::vector<double> service_ns = {1000};  // drawn evenly; one value: fixed
  Handling handling = Handling::work;
  double hand_over_ns = 100;      // from the publish until it can be seen
  double fetch_ns = 0;            // added to the service of a message that waited behind another
  std::size_t release_every = 1;  // the position is stored after so many messages, or when none is
                                  // waiting
  // Parking: idle longer than this, the reader sleeps and must be woken. 0: it spins for ever.
  double spin_ns = 0;
  std::vector<double> wake_ns = {};  // drawn evenly

  // Defects, off by default.
  double slow_share = 0;     // so many messages
  double slow_factor = 1;    //   take so many times as long
  double lone_delay_ns = 0;  // a message that finds the reader idle is seen so much later
  double own_stall_ns = 0;   // the reader's own doing: it does not run for so long
  double own_stall_every_ns = 0;
  double missed_wakes = 0;      // share of the wakes that never come
  double park_bound_ns = 10e6;  //   until the park ends by itself
};

struct SimulatedMessage {
  double published_ns = 0;
  double dequeued_ns = 0;   // its handler begins
  double processed_ns = 0;  // its handler returns
  double released_ns = 0;   // the store that gives its room back
  std::size_t seen = 0;     // by its publish: messages in the ring that are not released
  bool slept = false;       // it had to wake the reader
};

struct SimulatedRun {
  std::vector<SimulatedMessage> messages;
  std::vector<Vacation> vacations;    // what the gap meter of the reader would record
  std::size_t bound_ended_parks = 0;  // that ended by the bound with a message waiting
};

// `published_ns`: ascending.
[[nodiscard]] SimulatedRun simulate(std::span<const double> published_ns,
                                    const SimulatedReader& reader, const SimulatedHost& host,
                                    std::uint64_t seed);

}  // namespace millrace::bench
