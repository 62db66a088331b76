// What should have happened: the queue in front of one reader, computed from the recorded publish
// stamps (Lindley's recursion), with the times in which the reader's processor was away as
// vacations of the server. It has no free parameter: service comes from the drain, hand-over from
// messages that are not judged, vacations from the reader's own gap meter.
//
// Source: anchors, "profiler", findings 2-4 and 7. Times are nanoseconds since any one origin.
// Thread rules: none; values only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace millrace::bench {

// The reader's loop did not run from `begin_ns` to `end_ns`. Excused: the host's doing. Time that
// the reader itself lost (a fault, a lock, a sleep) is no excuse, or its stalls would be predicted,
// and so forgiven.
struct Vacation {
  double begin_ns = 0;
  double end_ns = 0;
  bool excused = true;
};

// What a vacation does to the message in hand.
enum class Handling : std::uint8_t {
  work,      // so much is to be done: it goes on where it was (preemptive resume)
  deadline,  // it waits until so long after its begin, whatever happens before that (absorb)
};

struct ReplayInput {
  std::span<const double> published_ns;      // ascending, of all messages
  std::span<const double> service_ns;        // one a message
  std::span<const double> hand_over_ns;      // one a message: from the publish until it can be seen
  std::span<const Vacation> vacations = {};  // ascending, disjoint; what is not excused is left out
  Handling handling = Handling::work;
};

// When each message was processed. As many as were published.
[[nodiscard]] std::vector<double> replay(const ReplayInput& input);

// The same with a ring of `capacity` messages and a publisher that waits for room: a message
// enters when the one `capacity` before it has been processed. `entered_ns` gets the publishes.
[[nodiscard]] std::vector<double> replay_finite(const ReplayInput& input, std::size_t capacity,
                                                std::vector<double>& entered_ns);

// Group commit: one write at a time; what was appended meanwhile goes into the next one, up to
// `cap_bytes` of it; a write may begin `linger_ns` after its first message at the earliest.
struct WriteLaw {
  double fixed_ns = 0;  // s0: of a write, whatever its size
  double byte_ns = 0;   // s1: of each byte
  double linger_ns = 0;
  double cap_bytes = 0;  // 0: no cap
};

// When each message became durable. `bytes`: what it adds to a write.
[[nodiscard]] std::vector<double> replay_writes(std::span<const double> appended_ns,
                                                std::span<const double> bytes, const WriteLaw& law);

}  // namespace millrace::bench
