// The model `availability`, A = U / (U + D), by killing processes under load.
//
// Definitions, for one subscriber. *Eligible*: a message committed to its lanes, or a publisher
// refused or blocked because of it. *Down* at a moment: the oldest eligible message that is not yet
// delivered is older than B = max(10 ms, 3 x p99.99 gap of the fault-free control). U + D counts
// only time with something eligible: an idle subscriber is neither up nor down. Slots of a
// millisecond would measure the host instead: with no fault at all 0.15 to 30 % of them are empty.
//
// The prediction: an outage is the time until the kernel lets go of the lock, detection, repair and
// restart, from the frozen calibration, and then the catch-up lambda D0 / (mu - lambda), with mu
// from the drain.
//
// Source: anchors, "profiler", sections 3 and 5. Thread rules: none; pure functions over values.
#pragma once

#include "millrace/bench/student.hpp"
#include "millrace/bench/verdict.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace millrace::bench {

// Something a subscriber owed: ns since any one origin. `delivered_ns`: infinite if never; of a
// refused or blocked publish, when it could go on.
struct Eligible {
  double since_ns = 0;
  double delivered_ns = 0;
};

inline constexpr double kDownFloorNs = 10e6;

// B, from the gaps of the control's deliveries.
[[nodiscard]] double down_bound_ns(double control_gap_p9999_ns) noexcept;

struct Outage {
  double begin_ns = 0;
  double end_ns = 0;

  [[nodiscard]] double ns() const noexcept { return end_ns - begin_ns; }
};

struct Availability {
  double up_ns = 0;
  double down_ns = 0;
  std::vector<Outage> outages;

  // 1 if nothing was ever eligible.
  [[nodiscard]] double share() const noexcept;
};

// `owed`: ascending by since_ns; deliveries are in order, as those of a lane are. `until_ns`: the
// end of the observation.
[[nodiscard]] Availability availability_of(std::span<const Eligible> owed, double bound_ns,
                                           double until_ns);

// Shorter outages than this are printed as "< x": three times the publish period and gap p99.
[[nodiscard]] double outage_resolution_ns(double publish_period_ns, double gap_p99_ns) noexcept;

// A projection for a mean time between failures that the user names; never a measurement.
[[nodiscard]] double projected_availability(double mean_outage_s,
                                            double between_failures_s) noexcept;

// One kill, as it was measured, in ns. What the parts are read from:
//   lock_free   by the supervisor: the victim's lock is free, since the kill (pidfd)
//   outage      by the subscriber: from the kill to the end of the catch-up, by sequence numbers
struct Kill {
  double lock_free_ns = 0;
  double outage_ns = 0;
  std::uint64_t lost = 0;  // committed messages, by their sequences
  std::uint64_t duplicated = 0;
  std::uint64_t reordered = 0;
};

// From the frozen file: medians of the healthy system, in ns.
struct OutageCalibration {
  double detect_ns = 0;  // lock free until somebody knows
  double repair_ns = 0;
  double restart_ns = 0;    // a new process is ready to take over; 0 if nobody has to
  double service_rate = 0;  // mu, messages a second, from the drain
};

// Predicted outage of one kill: its lock, and the calibration. `rate`: messages a second, counted.
[[nodiscard]] double predicted_outage_ns(const Kill& kill, const OutageCalibration& calibration,
                                         double rate) noexcept;

// One kind of victim: publisher with a claim, subscriber in its handler, persister in a flush.
struct AvailabilityEvidence {
  std::vector<Kill> kills;
  OutageCalibration calibration;
  double rate = 0;
  double control_availability = 0;  // A0, of the same load without any kill
};

inline constexpr std::size_t kKills = 100;
inline constexpr double kControlAvailability = 0.999;

// The statistic is the median over kills of measured / predicted; its interval comes from order
// statistics, because outages are far from normal.
[[nodiscard]] CheckResult check_availability(const Circumstances& circumstances,
                                             const AvailabilityEvidence& evidence);

}  // namespace millrace::bench
