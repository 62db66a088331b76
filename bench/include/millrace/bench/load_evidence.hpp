// What a restart leaves behind: every stamp, gap and count, as plain data. Times are nanoseconds of
// the domain's Clock since `origin_ns` of the restart; 0 is no stamp (the message never got there).
//
// Who writes what, with which instrument:
//   intended            the schedule: when a message was due (plus the beginning of its slice)
//   began, published    the publisher's own stamps: turned to the message; its store is done
//   visible, processed  the subscriber's: first saw it; its handler returned
//   durable             the publisher's: first saw it below the channel's durable point
//   gaps                each loop's own meter
//   sums and counts     each process by itself, from bytes and messages that it touched
#pragma once

#include "millrace/bench/gap_meter.hpp"
#include "millrace/core/clock.hpp"

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace millrace::bench {

// What the kernel counted for one process in one slice, and for its processor.
struct SliceNoise {
  std::uint64_t run_delay_ns = 0;  // ready to run, and not running
  std::uint64_t minor_faults = 0;
  std::uint64_t voluntary = 0;  // context switches
  std::uint64_t involuntary = 0;
};

enum class SliceKind : std::uint8_t {
  drain,  // the ring is filled first, then emptied: service times without waiting
  idle,   // so few messages that none waits: the time of travel
  warm,   // load that is not judged
  load,
  still,  // nothing is sent, both loops spin: the gaps that the host makes anyway
};

struct LoadSlice {
  SliceKind kind = SliceKind::load;
  std::uint64_t first = 0;  // messages [first, first + count)
  std::uint64_t count = 0;
  double bare_before_ns = 0;  // bare round trips around it; 0: not played
  double bare_after_ns = 0;
  std::uint64_t begin_ns = 0;
  std::uint64_t end_ns = 0;
  SliceNoise publisher;
  SliceNoise subscriber;
  std::uint64_t stolen_ticks = 0;  // of both processors, from /proc/stat
  std::uint64_t all_ticks = 0;

  // The bare round trip of its placement: the mean of both sides.
  [[nodiscard]] double bare_ns() const noexcept { return (bare_before_ns + bare_after_ns) / 2; }
};

struct LoadCounts {
  std::uint64_t sent = 0;  // publisher: messages it published
  std::uint64_t sent_bytes = 0;
  std::uint64_t load_sent = 0;  // publisher: in slices of load only
  std::uint64_t positions = 0;  // bytes by which the lane's position moved, headers included
  std::uint64_t received = 0;   // subscriber: messages handled, repetitions included
  std::uint64_t received_bytes = 0;
  std::uint64_t load_bytes = 0;    // subscriber: touched in slices of load only
  std::uint64_t received_sum = 0;  // load_sum of all bytes it touched
  std::uint64_t lost = 0;          // published and never seen
  std::uint64_t duplicated = 0;
  std::uint64_t reordered = 0;
  std::uint64_t wrong = 0;  // a message whose bytes are not what the seed says, or too short
  std::uint64_t transport_lost = 0;  // what the transport itself told the subscriber
  std::uint64_t evicted = 0;
  std::uint64_t blocked = 0;  // publishes that had to wait for room
  std::uint64_t blocked_ns = 0;
};

struct LoadEvidence {
  std::uint32_t restart = 0;
  std::uint64_t origin_ns = 0;  // CLOCK_MONOTONIC
  std::vector<std::uint64_t> intended, began, published, visible, processed, durable;
  std::vector<Gap> publisher_gaps, subscriber_gaps;  // in ns, ascending
  std::uint64_t gaps_lost = 0;                       // for which there was no place
  std::vector<LoadSlice> slices;
  LoadCounts counts;
  std::uint64_t publisher_ns = 0;   // by the TSC, from its first to its last publish, load only
  std::uint64_t subscriber_ns = 0;  // by CLOCK_MONOTONIC, the same of the messages handled
  double enqueue_ns = 0;            // publisher alone into an empty ring: a message, best block
  ClockReport clock;                // at the end
  std::vector<double> bare_ns;      // every bare slice, in order
  std::string device{};             // of a durable run
};

// Every slice of a kind, over all restarts.
template <class Each>
void for_each_slice(const LoadEvidence& evidence, SliceKind kind, Each each) {
  for (const LoadSlice& slice : evidence.slices) {
    if (slice.kind == kind) each(slice);
  }
}

}  // namespace millrace::bench
