// What must hold before anything is judged, and who measured what. The structs of evidence in
// *_checks.hpp are the seam between the run that measures and the mathematics that judges: the run
// fills them, the checks compute. Each field says its unit and the instrument it must come from;
// where the wrong instrument is easily taken, the field carries its name and the check refuses.
//
// Thread rules: none; values only.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace millrace::bench {

// Where a number was read. Two sides of an identity never come from the same one.
enum class Instrument : std::uint8_t {
  load_seed,          // recomputed by the verifier, from the seed alone
  schedule,           // what was intended: no measurement
  publisher_counter,  // what the publisher counted itself
  lane_position,      // the lane's position word, read by an observer
  reader_counter,     // what the reader's handler touched
  publisher_stamps,
  reader_stamps,
  persister_records,
};

enum class TimeSource : std::uint8_t { tsc, monotonic };

// So many in so long.
struct Rate {
  double count = 0;
  double seconds = 0;
  Instrument counted_by = Instrument::schedule;
  TimeSource clock = TimeSource::tsc;

  [[nodiscard]] double per_second() const noexcept { return seconds > 0 ? count / seconds : 0; }
};

// One run with open load.
struct RunConditions {
  std::string calibration = {};  // why the frozen calibration may not be used; empty: it may
  bool clock_stepped = false;    // the check of every second found a step or a lost interval
  bool ring_filled_by_generator = false;  // full only because the generator came back from a gap
  double effective_load = 0;              // effective_load(): with fetch and stolen time
  double own_slip_p99_ns = 0;             // of the publisher, outside its gaps and their catch-up
  double service_ns = 0;                  // mean, from the drain
  double hand_over_ns = 0;                // from the calibration
};

inline constexpr double kLoadJudged = 0.9;  // above, the chance of the host decides
inline constexpr double kSlipShare = 0.10;  // of service and hand-over together

// The names of what does not hold; goes into Circumstances::broken.
[[nodiscard]] std::vector<std::string> broken_preconditions(const RunConditions& conditions);

}  // namespace millrace::bench
