// What lies between the stamps of a message: spans with names, and what they come to over many
// messages.
#pragma once

#include "millrace/core/clock_line.hpp"
#include "millrace/transport/trace.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace millrace::tools {

// From one stage to a later one.
struct SpanKind {
  const char* name;
  Stage from;
  Stage to;
  bool one_way;  // its ends were stamped by two processes
};

inline constexpr std::size_t kSpans = 11;

// In the order of the table: slip, claim, fill, transfer, dequeue, handler, release; to journal,
// gather, write, flush.
[[nodiscard]] std::span<const SpanKind, kSpans> span_kinds() noexcept;

// A stamp of one message in nanoseconds of CLOCK_MONOTONIC; nothing if it was not reached.
class MessageTimes {
 public:
  MessageTimes(const ChannelTrace& trace, const MessageTrace& message, const Clock& clock)
      : trace_(trace), message_(message), clock_(clock) {}

  // As stamped by the passage itself, or, for the publisher's stages, by the publisher.
  [[nodiscard]] std::optional<std::uint64_t> at(Stage stage, const Passage& passage) const;

  // By whoever reached it first.
  [[nodiscard]] std::optional<std::uint64_t> first(Stage stage) const;

  // By whoever reached it last.
  [[nodiscard]] std::optional<std::uint64_t> last(Stage stage) const;

  // From the first stamp to the last that anybody waits for: the message was processed by its last
  // reader, or, where nobody stamped that, came as far as it did. How lazily room is given back
  // does not count.
  [[nodiscard]] std::uint64_t latency_ns() const;

 private:
  [[nodiscard]] StampRole role_of(const Passage& passage) const {
    return trace_.recorders[passage.recorder].role;
  }

  const ChannelTrace& trace_;
  const MessageTrace& message_;
  const Clock& clock_;
};

// One span over many messages.
struct SpanSummary {
  SpanKind kind{};
  std::uint64_t count = 0;
  std::uint64_t backwards = 0;  // ended before it began: two clocks that disagree
  double mean_ns = 0;
  double p50_ns = 0;
  double p99_ns = 0;
  double max_ns = 0;
  Resolved resolved = Resolved::fully;
};

// Spans that no message has are left out.
[[nodiscard]] std::vector<SpanSummary> summarise(const ChannelTrace& trace,
                                                 const std::vector<MessageTrace>& messages,
                                                 const Clock& clock, const ClockLine& line);

}  // namespace millrace::tools
