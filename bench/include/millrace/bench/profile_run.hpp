// Everything that `millrace profile` measures, in the order in which it is measured:
//
//   calibration  restarts of their own: drain and idle slices. The judged ones cannot touch it
//   load         the user's rate: restarts of it
//   control      the same over bare words, for the control row of every check
//   curve        other rates, one restart each
//   search       the highest rates that can be sustained
//
// REQUIRES that the caller has a single thread (run_load).
#pragma once

#include "millrace/bench/load_analysis.hpp"
#include "millrace/bench/load_evidence.hpp"
#include "millrace/bench/load_slip.hpp"
#include "millrace/bench/profile_options.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::bench {

// Latencies from the intended moment, in ns.
struct LatencyFigures {
  std::uint64_t count = 0;
  double mean = 0, p50 = 0, p90 = 0, p99 = 0, p999 = 0, p9999 = 0, max = 0;
};

[[nodiscard]] LatencyFigures figures_of(HistogramView histogram);

// What the calibration says; ns. Per placement too, because the way between two processors is what
// a placement is.
struct LoadCalibration {
  std::vector<double> service;  // samples of the drain
  double service_ns = 0;        // their median
  double hand_over_ns = 0;      // over all placements
  double enqueue_ns = 0;

  struct Place {
    double bare_ns = 0;
    double hand_over_ns = 0;
  };

  std::vector<Place> places;

  // Of the place whose bare round trip is nearest.
  [[nodiscard]] double hand_over_at(double bare_ns) const noexcept;
};

// One rate of the latency-load curve.
struct CurvePoint {
  double load = 0;  // rho
  double rate = 0;  // messages a second, as they were sent
  LatencyFigures measured;
  LatencyFigures quiet;   // the lower edge of the band: replayed without gaps
  LatencyFigures replay;  // the upper one: with the gaps of the reader that was there
};

// One step of the search.
struct SearchStep {
  double rate = 0;
  double achieved_share = 0;  // published / intended
  bool sustained = false;     // it kept up, and the backlog did not grow
  LatencyFigures measured;
  LatencyFigures quiet;
};

struct GoalRate {
  Slo slo;
  double rate = 0;    // 0: none that was tried
  std::string cause;  // what limits it: a sentence
};

struct SearchResult {
  double peak = 0;         // as fast as the receiver can, messages a second
  double sustainable = 0;  // kept up without a growing backlog
  std::string cause;       // what limits it
  std::vector<GoalRate> goals;
  std::vector<SearchStep> steps;
};

struct ProfileRun {
  ProfileOptions options;
  std::vector<LoadEvidence> calibration_runs;
  LoadCalibration calibration;
  std::string frozen;               // its text, complete before the first judged restart
  std::string calibration_refused;  // why it may not judge this run; empty: it may
  std::vector<LoadEvidence> load;
  std::vector<LoadEvidence> control;
  std::vector<CurvePoint> curve;
  std::optional<SearchResult> search;
  SlipAccount slip;                // over all slices of load
  std::vector<std::string> notes;  // what could not be done, and what that means for the result
  double seconds = 0;              // that all this took
};

// What restart number `restart` of the load, and of its control, is to do.
[[nodiscard]] LoadPlan load_plan_of(const ProfileOptions& options, std::uint32_t restart);
[[nodiscard]] LoadPlan control_plan_of(const ProfileOptions& options, std::uint32_t restart);

// Errors: those of run_load.
[[nodiscard]] Result<ProfileRun> run_profile(const ProfileOptions& options);

[[nodiscard]] LoadCalibration calibrate_from(std::span<const LoadEvidence> restarts);

// The same, frozen, and read back. Error format: "calibration changed".
[[nodiscard]] std::string freeze_calibration(const LoadCalibration& calibration,
                                             const LoadPlan& plan);
[[nodiscard]] Result<LoadCalibration> thaw_calibration(std::string_view text);

// What names the machine in it.
[[nodiscard]] std::string machine_of(const LoadPlan& plan);

[[nodiscard]] SlipAccount slip_of(std::span<const LoadEvidence> restarts);

// How a handler answers a gap; the user's own is taken for work.
[[nodiscard]] Handling handling_of(const LoadHandler& handler) noexcept;

// The search alone. `calibration` bounds the rates.
[[nodiscard]] Result<SearchResult> search_rates(const ProfileOptions& options,
                                                const LoadCalibration& calibration);

// Figures of one restart: measured, on a quiet core, and replayed with its gaps.
[[nodiscard]] CurvePoint curve_point(const LoadEvidence& evidence,
                                     const LoadCalibration& calibration, Handling handling);

// No trend upwards in a series, by Mann and Kendall's test (one-sided, 1 %).
[[nodiscard]] bool grows(std::span<const double> series) noexcept;

}  // namespace millrace::bench
