// The latency-load curve: rows `curve` (Poisson), `curve.burst` and `curve.replay` of the model
// `latency`, one for each load and service time.
//
// The prediction is the replay of the recorded publishes, with the recorded vacations of the
// reader, for the same messages that are then judged. What comes from where:
//
//   service     from a drain of a prefilled ring, in the frozen calibration. Never from the judged
//               run: a defect of the handler would predict itself
//   hand-over   for each 5 ms from messages of the *other* half that found the reader idle, but
//               within a factor of 1.3 of the frozen calibration: else a reader that looks too
//               seldom would be taken for a slow processor
//   vacations   the reader's gaps, those with an alibi only (excuse() below)
//
// Judged are windows of 10 ms in which the replay without vacations makes at least half of the one
// with them. Elsewhere the host makes the wait, the wait is an input, and the prediction would come
// true by itself.
//
// Statistics of a restart: R, the median over its windows of mean measured / mean predicted, and
// the same for p50, p90 and p99 of all its judged messages; p99.9 if there are 100,000 of them.
//
// Source: anchors, "profiler", findings 2-6 and section 3. Thread rules: none; values only.
#pragma once

#include "millrace/bench/replay.hpp"
#include "millrace/bench/verdict.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace millrace::bench {

// A stretch of load in one placement. It begins with an empty ring. ns since any one origin.
struct CurveSlice {
  std::vector<double> published_ns;  // of all messages, by the publisher's stamps
  std::vector<double> processed_ns;  // of the same, by the reader's; 0: it has none
  std::vector<Vacation> vacations;   // of the reader, by its gap meter
};

struct CurveRestart {
  std::vector<CurveSlice> slices;
};

// Of this placement, from the frozen file.
struct CurveCalibration {
  std::vector<double> service_ns;  // of the drain: one value for a fixed handler, else samples
  double hand_over_ns = 0;         // idle message less its service, median
  Handling handling = Handling::work;
};

struct CurveEvidence {
  std::string name = "curve";
  double rate = 0;  // messages a second, counted
  CurveCalibration calibration;
  std::vector<CurveRestart> restarts;
  std::vector<CurveRestart> control;  // the same load on the bare words
  CurveCalibration control_calibration;
};

inline constexpr double kWindowNs = 10e6;
inline constexpr double kHandOverNs = 5e6;         // one hand-over for so long
inline constexpr double kQuietShare = 0.5;         // of the predicted wait, without the host
inline constexpr double kJudgedWindows = 0.2;      // fewer of them: INCONCLUSIVE
inline constexpr double kSingleRate = 2.5e6;       // messages a second that one by one can be timed
inline constexpr std::uint64_t kJudgedBlock = 16;  // of 32 messages in order 16 calibrate, 16 count

// Of one restart: measured / predicted, and how much of it could be judged.
struct CurveStatistics {
  double mean = 0;
  double p50 = 0;
  double p90 = 0;
  double p99 = 0;
  double p999 = 0;  // 0: fewer than 100,000 messages
  // Predicted time from published to processed, over the judged windows, in ns.
  double predicted_mean_ns = 0;
  double predicted_p50_ns = 0;
  double predicted_p90_ns = 0;
  double predicted_p99_ns = 0;
  double predicted_p999_ns = 0;
  std::size_t windows = 0;
  std::size_t judged_windows = 0;
};

[[nodiscard]] CurveStatistics curve_statistics(const CurveRestart& restart,
                                               const CurveCalibration& calibration);

[[nodiscard]] CheckResult check_curve(const Circumstances& circumstances,
                                      const CurveEvidence& evidence);

// What the kernel counted for the reader from `begin_ns` to `end_ns`.
struct ReaderAccount {
  double begin_ns = 0;
  double end_ns = 0;
  std::uint64_t faults = 0;     // minor and major
  std::uint64_t voluntary = 0;  // context switches: it slept, or waited for a lock
};

// A vacation in a stretch in which the reader faulted or slept is its own: it loses its excuse.
// `accounts`: ascending, disjoint.
void excuse(std::span<Vacation> vacations, std::span<const ReaderAccount> accounts);

}  // namespace millrace::bench
