// What a run has shown, once all its processes have ended: the figures, and everything that differs
// from what was promised.
#pragma once

#include "millrace/core/histogram_layout.hpp"
#include "run_conduct.hpp"
#include "run_options.hpp"
#include "run_page.hpp"

#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace millrace::tools {

struct RunLane {
  std::uint32_t publisher = 0;
  std::uint32_t lane = kNoLane;
  std::uint64_t published = 0;
  std::uint64_t bytes = 0;
  std::uint64_t checksum = 0;
  bool complete = false;  // its publisher lived to say what bytes and checksum should be
};

struct RunReader {
  std::uint64_t received = 0;
  std::uint64_t lost = 0;
  bool checksum_ok = false;  // of every message alone, and of every lane that lost none
  bool compared = false;     // with every lane: its publisher lived to say what should be
  bool complete = false;
  bool died = false;
};

struct RunResult {
  bool ok = false;
  bool interrupted = false;
  bool pinned = false;
  std::uint64_t published = 0;
  std::uint64_t bytes = 0;  // payload published
  double seconds = 0;       // first publish to last receive
  std::uint64_t checksum = 0;
  std::vector<RunLane> lanes;
  std::vector<RunReader> readers;
  std::unique_ptr<layout::HistogramBytes> latency;  // all subscribers together
  std::uint64_t bare_before_ns = 0;                 // p50 of a round trip; 0: not measured
  std::uint64_t bare_after_ns = 0;
  std::vector<std::string> errors;
};

// Compares what publishers and subscribers say.
[[nodiscard]] RunResult judge(const RunOptions& options, const RunPage& page,
                              const RunCourse& course);

// For people: the table that ends with OK or with what differs.
[[nodiscard]] std::string to_text(const RunOptions& options, const RunResult& result);

[[nodiscard]] nlohmann::json to_json(const RunOptions& options, const RunResult& result);

}  // namespace millrace::tools
