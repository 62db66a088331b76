// Rows of the model `latency` about what waits in front of the reader.
//
//   little   instrument: L = lambda W. L is what arrivals see, W what stamps say, lambda what a
//            counter says: three instruments. Poisson arrivals only, because only they see the
//            average (PASTA).
//   wake     model: a reader that sleeps takes as long to wake as a bare futex does
//
// Source: anchors, "profiler", section 3. Thread rules: none; pure functions over values.
#pragma once

#include "millrace/bench/conditions.hpp"
#include "millrace/bench/verdict.hpp"

#include <cstdint>
#include <vector>

namespace millrace::bench {

// One restart.
struct LittleEvidence {
  bool poisson = false;  // how the load was scheduled
  double seen_mean = 0;  // L: at sampled sequences the publisher, just before its publish, reads
                         // the reader's released word: messages published and not released
  Rate arrivals;         // lambda: by the publisher's counter; what was offered is no measure
  double stay_ns = 0;    // W: of other samples, from published to *released and visible*. The
                         // position is stored up to an eighth of the ring later than the
                         // handler returned: ended there, W is too short, and L seems too large
  Instrument stay_by = Instrument::reader_stamps;
  std::size_t slices = 0;
};

inline constexpr double kLittleMessages = 1e6;  // over all restarts

// `control`: the same of the bare words.
[[nodiscard]] CheckResult check_little(const Circumstances& circumstances,
                                       const std::vector<LittleEvidence>& restarts,
                                       const std::vector<LittleEvidence>& control);

// One restart.
struct WakeEvidence {
  std::vector<double> sleepers_ns;    // from published to the handler, of messages that woke the
                                      // reader and that no vacation touched; by both stamps
  std::vector<double> bare_wakes_ns;  // the same of a bare futex, in the neighbour slices
  std::uint64_t late_parks = 0;  // parks that ended by their bound although a message lay there
                                 // for longer than the p99 of a bare wake; by the reader
  std::size_t slices = 0;
};

[[nodiscard]] CheckResult check_wake(const Circumstances& circumstances,
                                     const std::vector<WakeEvidence>& restarts,
                                     const std::vector<WakeEvidence>& control);

}  // namespace millrace::bench
