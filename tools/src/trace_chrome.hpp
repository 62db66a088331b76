// Stamped messages as a timeline for ui.perfetto.dev and chrome://tracing: a track for each
// recorder, a slice for each passage of a message, and an arrow from the publisher to whoever had
// the message next.
//
// Format: "Trace Event Format", JSON object form; X, b, e, s, f and M events, times in microseconds
// since the first stamp.
#pragma once

#include "millrace/core/result.hpp"
#include "trace_text.hpp"

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace millrace::tools {

[[nodiscard]] nlohmann::json chrome_events(const TraceReport& report, const Clock& clock);

// Writes it to `path`, whole or not at all. Errors: those of the file system.
[[nodiscard]] Result<void> write_chrome(const TraceReport& report, const Clock& clock,
                                        const std::string& path);

}  // namespace millrace::tools
