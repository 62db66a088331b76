// What `record` says while it works and when it is done.
#pragma once

#include "journal_stats.hpp"
#include "millrace/persist/recorder.hpp"

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace millrace::tools {

struct RecordMoment {
  std::uint64_t at_ns = 0;
  RecorderStats stats;
  DurableLag lag;
};

// "  12 s  1.20M messages/s, 48 MiB/s  behind 310 messages, 12 KiB  flush p50 61 us, p99 210 us".
[[nodiscard]] std::string status_line(const RecordMoment& before, const RecordMoment& now,
                                      std::uint64_t began_ns);

// The report at the end, several lines.
[[nodiscard]] std::string final_text(const RecorderStats& stats, double seconds);

[[nodiscard]] nlohmann::json to_json(const RecorderStats& stats);
[[nodiscard]] nlohmann::json to_json(const RecoveryReport& recovery);
[[nodiscard]] nlohmann::json to_json(const DiskFacts& disk);

[[nodiscard]] const char* to_string(LogState state) noexcept;

}  // namespace millrace::tools
