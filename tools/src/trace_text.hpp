// What `millrace trace` prints.
#pragma once

#include "trace_spans.hpp"

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace millrace::tools {

struct TraceReport {
  ClockLine clock_line;
  ChannelTrace trace;
  std::size_t stamped = 0;             // messages that the recorders know
  std::vector<MessageTrace> messages;  // those that are shown
  std::vector<SpanSummary> spans;      // of all
};

[[nodiscard]] std::string to_text(const TraceReport& report, const Clock& clock);
[[nodiscard]] nlohmann::json to_json(const TraceReport& report, const Clock& clock);

}  // namespace millrace::tools
