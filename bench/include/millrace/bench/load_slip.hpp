// How late the generator was, and whether it can be helped. Slip is the time from the intended
// moment to the moment the generator began with the message. Users wait that long too, so it is
// data: latency from intended = slip + latency from the publish.
//
// A message is *explained* if it was late because of a gap in the generator's own loop, of a full
// ring, of others that were due at the very same moment, or because it was still catching up after
// one of these. The rest is the generator's own fault: it is too slow for this load, and then the
// run is INVALID.
#pragma once

#include "millrace/bench/gap_meter.hpp"

#include <cstdint>
#include <span>

namespace millrace::bench {

// All times in nanoseconds since one origin.
struct SlipInput {
  std::span<const std::uint64_t> intended;   // ascending
  std::span<const std::uint64_t> began;      // when the generator turned to the message
  std::span<const std::uint64_t> published;  // when it was done with it
  std::span<const Gap> gaps;                 // of its loop, ascending
  std::uint64_t full_ns = 0;                 // a publish that took longer waited for room
};

struct SlipAccount {
  std::uint64_t messages = 0;
  std::uint64_t explained = 0;  // late, by a gap or a full ring or the way back from one
  double p50_ns = 0;            // of all messages
  double p99_ns = 0;
  double max_ns = 0;
  double own_p50_ns = 0;  // of the messages that nothing explains
  double own_p99_ns = 0;
  double achieved_share = 0;  // messages a second published / intended, over the same messages
};

[[nodiscard]] SlipAccount account_slip(const SlipInput& input);

// The generator was fit for a load whose messages take `service_ns` and travel `transfer_ns`: what
// nothing explains is at most a tenth of that at p99 (anchors/profiler.md section 3).
[[nodiscard]] bool slip_acceptable(const SlipAccount& account, double service_ns,
                                   double transfer_ns) noexcept;

}  // namespace millrace::bench
