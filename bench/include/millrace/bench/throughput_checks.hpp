// The model `throughput`, T = F x S: bytes a second are messages a second times their mean size.
//
//   throughput.count   instrument: what the seed says, what the reader touched, what the publisher
//                      counted and how far the lane's position moved are the same bytes. Exact.
//   throughput.rate    instrument: F x S by the publisher's TSC, T by the reader's CLOCK_MONOTONIC
//   throughput.size    model: t(s) = t0 + s / r, from 64 B and 64 KiB alone, for sizes between
//
// Source: anchors, "profiler", section 3. Thread rules: none; pure functions over values.
#pragma once

#include "millrace/bench/conditions.hpp"
#include "millrace/bench/verdict.hpp"

#include <cstdint>
#include <vector>

namespace millrace::bench {

// Sequences a..b of one restart, fixed before it began; messages and payload bytes.
struct CountEvidence {
  std::uint64_t seed_messages = 0;  // by the verifier, from the load seed
  std::uint64_t seed_bytes = 0;
  std::uint64_t seed_sum = 0;            // order-independent checksum of all payloads
  std::uint64_t reader_messages = 0;     // by the reader's handler: what it was given
  std::uint64_t reader_bytes = 0;        //   bytes that it touched
  std::uint64_t reader_sum = 0;          //   their checksum
  std::uint64_t publisher_messages = 0;  // by the publisher's own counter
  std::uint64_t position_bytes = 0;      // lane position at b less that at a, by an observer
  std::uint64_t framing_bytes = 0;  // headers and padding of a..b, by the formula of the record,
                                    // from the lengths that the seed gives
};

inline constexpr std::uint64_t kCountedMessages = 1'000'000;  // over all restarts

// `control`: the same of the bare words.
[[nodiscard]] CheckResult check_throughput_count(const Circumstances& circumstances,
                                                 const std::vector<CountEvidence>& restarts,
                                                 const std::vector<CountEvidence>& control);

// One restart.
struct RateEvidence {
  Rate publisher;         // sequence difference, by the publisher, with its TSC
  double mean_bytes = 0;  // of a payload, from the seed
  Rate reader;            // payload bytes touched, by the reader, with CLOCK_MONOTONIC
  double unsure_bytes =
      0;  // may lie in the ring at the ends of the two intervals: the ring's size,
          // or less if it was seen empty at both
};

inline constexpr double kRateSeconds = 2;
inline constexpr double kClockTolerance = 200e-6;  // of TSC against CLOCK_MONOTONIC

[[nodiscard]] CheckResult check_throughput_rate(const Circumstances& circumstances,
                                                const std::vector<RateEvidence>& restarts,
                                                const std::vector<RateEvidence>& control);

// Time of a message by the size of its payload: medians of paired slices, at saturation.
struct SizePoint {
  double bytes = 0;
  double message_ns = 0;
};

// The law through points of calibration: linear between neighbours.
class SizeLaw {
 public:
  // REQUIRES at least two points with different sizes.
  explicit SizeLaw(std::vector<SizePoint> points);

  [[nodiscard]] double message_ns(double bytes) const noexcept;

 private:
  std::vector<SizePoint> points_;  // ascending
};

// One restart. The ends (and a break at a cache's size, if it was declared before the run) are the
// calibration; the sizes between are judged. The same sizes in every restart, in one order.
struct SizeEvidence {
  std::vector<SizePoint> ends;
  std::vector<SizePoint> between;
  std::size_t slices = 0;
};

[[nodiscard]] CheckResult check_throughput_size(const Circumstances& circumstances,
                                                const std::vector<SizeEvidence>& restarts,
                                                const std::vector<SizeEvidence>& control);

}  // namespace millrace::bench
