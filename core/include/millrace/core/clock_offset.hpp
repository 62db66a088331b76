// How far the tick counters of two processors can be apart. A one-way time is a difference of two
// counters; how true it is, nobody can know better than this bound.
//
// A sends at its tick a, B sees it at its tick b, answers at b', A sees that at a'. With the offset
// o = counter of B - counter of A, and because nothing arrives before it was sent,
//
//   a' - b'  >=  -o      and      b - a  >=  o,
//
// so each round trip gives an interval that o lies in. It lies in the intersection of all of them,
// over every slice and every placement of the virtual processors; if that is empty, the counters
// moved against each other meanwhile, and times across that moment mean nothing.
// Source: anchors/profiler.md finding 12 and section 5.
//
// Thread rules: values.
#pragma once

#include "millrace/core/clock.hpp"
#include "millrace/core/result.hpp"

#include <chrono>
#include <cstdint>
#include <span>
#include <vector>

namespace millrace {

// Ticks of one round trip, on the counters of whoever read them.
struct RoundTrip {
  std::uint64_t sent = 0;      // A
  std::uint64_t seen = 0;      // B
  std::uint64_t answered = 0;  // B
  std::uint64_t returned = 0;  // A
};

// The offset B - A lies in [low_ns, high_ns].
struct OffsetInterval {
  double low_ns = 0;
  double high_ns = 0;

  [[nodiscard]] bool empty() const noexcept { return low_ns > high_ns; }

  // Half of its width: what a one-way time may be off by, if it is corrected by the middle.
  [[nodiscard]] double half_width_ns() const noexcept { return (high_ns - low_ns) / 2; }

  [[nodiscard]] double middle_ns() const noexcept { return (high_ns + low_ns) / 2; }

  friend bool operator==(const OffsetInterval&, const OffsetInterval&) = default;
};

// What these round trips allow. Each reading may be late by one step of the counter, so the
// interval is widened by `granularity_ns` on both sides. REQUIRES at least one round trip.
[[nodiscard]] OffsetInterval offset_of(std::span<const RoundTrip> trips, double ns_per_tick,
                                       double granularity_ns) noexcept;

// The intersection over slices.
class OffsetTrack {
 public:
  // One slice more. False: it contradicts those before it, so the counters have moved against each
  // other. The track then begins anew with this slice, and the change is counted.
  bool add(const OffsetInterval& slice) noexcept;

  // REQUIRES slices() > 0.
  [[nodiscard]] const OffsetInterval& interval() const noexcept { return interval_; }

  [[nodiscard]] std::uint64_t slices() const noexcept { return slices_; }

  // How often the counters moved. Not 0: what was measured across all slices is INVALID.
  [[nodiscard]] std::uint64_t changes() const noexcept { return changes_; }

 private:
  OffsetInterval interval_;
  std::uint64_t slices_ = 0;
  std::uint64_t changes_ = 0;
};

// Measures it between two processors: two threads pinned to them pass a word to and fro for
// `duration`, in slices of 2 ms with a pause in between. They spin, so never beside a pipeline that
// must not be disturbed. Errors: bad_argument (the same processor twice), no_permission (one that
// this process may not use), system (no thread could be made).
[[nodiscard]] Result<OffsetTrack> measure_offset(const Clock& clock, unsigned cpu_a, unsigned cpu_b,
                                                 std::chrono::nanoseconds duration);

}  // namespace millrace
