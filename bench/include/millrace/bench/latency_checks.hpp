// The model `latency`, total = enqueue + transfer + dequeue + processing, and its durable branch.
//
//   latency.join      instrument: the stages of one set of samples, each from the recorder of the
//                     process where it happened, add up to the total of *another* set, from its own
//                     two stamps. (Stages of the same messages add up whatever they are.)
//   latency.sum       model: a round trip is 2 (enqueue + dequeue + handler) + the bare round trip,
//                     each measured alone
//   latency.durable   model: what was appended waits for the write in flight and for its own, whose
//                     time is s0 + s1 x bytes from batches written alone
//
// Source: anchors, "profiler", section 3. Thread rules: none; pure functions over values.
#pragma once

#include "millrace/bench/replay.hpp"
#include "millrace/bench/verdict.hpp"

#include <cstdint>
#include <vector>

namespace millrace::bench {

// Stamps of one sampled message in ns of the domain's clock, from the recorder of one process.
struct PublisherRecord {
  std::uint64_t sequence = 0;
  double claim_ns = 0;      // claim was called
  double published_ns = 0;  // the release store is done
};

struct ReaderRecord {
  std::uint64_t sequence = 0;
  double visible_ns = 0;    // first seen
  double dequeued_ns = 0;   // handed to the handler
  double processed_ns = 0;  // the handler returned
};

// A message of the other set: only its first and last stamp, in a histogram of its own.
struct TotalRecord {
  std::uint64_t sequence = 0;
  double claim_ns = 0;
  double processed_ns = 0;
};

// One restart. Set A: samples in blocks of even number; set B: in blocks of odd number.
struct JoinEvidence {
  std::uint64_t samples_published = 0;     // of set A, by the sampling rule and the last sequence
  std::vector<PublisherRecord> publisher;  // set A
  std::vector<ReaderRecord> reader;        // set A
  std::vector<TotalRecord> totals;         // set B
  std::vector<Vacation> vacations;         // of both loops: a message with one inside takes no part
  std::size_t slices = 0;
};

inline constexpr std::uint64_t kJoinSamples = 100'000;  // of set A, over all restarts
inline constexpr double kJoinedShare = 0.999;
inline constexpr double kJoinTolerance = 0.02;

// `error_ns`: granularity of the clock and half of the offset interval between the two processors.
// `control`: the same of the bare words.
[[nodiscard]] CheckResult check_latency_join(const Circumstances& circumstances, double error_ns,
                                             const std::vector<JoinEvidence>& restarts,
                                             const std::vector<JoinEvidence>& control);

// One restart; medians over slices, in ns.
struct SumEvidence {
  double enqueue_ns = 0;     // publisher alone into an empty ring: blocks of 1,000 by TSC, / 1,000
  double dequeue_ns = 0;     // drain of a prefilled ring / messages, less the handler
  double handler_ns = 0;     // the handler alone
  double bare_ns = 0;        // bare round trip of the neighbour slices
  double round_trip_ns = 0;  // of the lane, in slices of its own, without stamps of stages
  std::size_t slices = 0;
};

[[nodiscard]] CheckResult check_latency_sum(const Circumstances& circumstances,
                                            const std::vector<SumEvidence>& restarts,
                                            const std::vector<SumEvidence>& control);

// The one-way form, transfer included, is judged for handlers of 1 us and more, and only if the
// offset between the clocks of the processors is known to a quarter of it.
[[nodiscard]] bool one_way_resolved(double handler_ns, double one_way_ns,
                                    double offset_half_width_ns) noexcept;

// Two batches written alone: the calibration of the device.
struct SoloWrites {
  double small_bytes = 4096;
  double small_ns = 0;
  double large_bytes = 256 * 1024;
  double large_ns = 0;

  [[nodiscard]] WriteLaw law(double linger_ns, double cap_bytes) const noexcept;
};

// One restart.
struct DurableEvidence {
  std::vector<double> appended_ns;      // persister's records: copied into the batch
  std::vector<double> bytes;            // that the message adds to the batch
  std::vector<double> durable_ns;       // persister's records: the durable point passed it
  std::vector<double> acknowledged_ns;  // publisher's wait_durable returned; 0: it did not wait
  std::size_t batches = 0;
};

inline constexpr std::size_t kDurableBatches = 2000;  // in each restart

[[nodiscard]] CheckResult check_latency_durable(const Circumstances& circumstances,
                                                const WriteLaw& law,
                                                const std::vector<DurableEvidence>& restarts,
                                                const std::vector<DurableEvidence>& control);

}  // namespace millrace::bench
