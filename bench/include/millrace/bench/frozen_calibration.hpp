// The calibration that predictions come from, frozen in a file before the run that they judge: what
// can be redone on the judged run can be tuned until everything passes. The file is JSON in one
// fixed form, with a CRC-64 over it; a file of which a byte was changed is refused.
//
// It guards against accidents and against the temptation to edit, not against an enemy: who can
// write the file can also compute the sum.
//
// Thread rules: none; pure functions over values and text.
#pragma once

#include "millrace/bench/availability_check.hpp"
#include "millrace/bench/latency_checks.hpp"
#include "millrace/core/result.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::bench {

// One placement of the two processors, named by its bare round trip.
struct PlacementCalibration {
  double bare_ns = 0;
  double hand_over_ns = 0;              // idle message less its service, median
  double enqueue_ns = 0;                // publisher alone into an empty ring
  std::vector<double> service_ns = {};  // of the drain: one value for a fixed handler, else samples
};

struct FrozenCalibration {
  std::string machine;  // fingerprint: processor, kernel, clock
  std::string handler;  // as the user wrote it
  Handling handling = Handling::work;
  std::int64_t frozen_at_ns = 0;  // CLOCK_REALTIME, when the calibration was complete
  std::vector<PlacementCalibration> placements = {};
  std::vector<double> bare_wakes_ns = {};                 // of a bare futex
  std::optional<SoloWrites> writes = {};                  // of the journal's device
  std::map<std::string, OutageCalibration> outages = {};  // by kind of victim
};

// The text of the file.
[[nodiscard]] std::string freeze(const FrozenCalibration& calibration);

// Error format: "calibration changed" (some byte is not as it was written), or what is missing.
[[nodiscard]] Result<FrozenCalibration> thaw(std::string_view text);

// Why the calibration may not judge a run of this machine and handler that began at
// `run_began_ns` (CLOCK_REALTIME); empty: it may. Goes into RunConditions::calibration.
[[nodiscard]] std::string refusal(const FrozenCalibration& calibration, std::string_view machine,
                                  std::string_view handler, std::int64_t run_began_ns);

// The placement whose bare round trip is closest, if within a factor of 1.3.
[[nodiscard]] const PlacementCalibration* placement_at(const FrozenCalibration& calibration,
                                                       double bare_ns) noexcept;

}  // namespace millrace::bench
