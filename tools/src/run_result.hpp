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
#include <optional>
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

// What came of the journal of a durable run.
struct RunJournal {
  std::string directory;
  bool kept = false;
  bool ok = false;           // everything published is in it, once, in order, and unchanged
  bool checksum_ok = false;  // of every lane whose publisher lived to say what it should be
  std::uint64_t messages = 0;
  std::uint64_t bytes = 0;  // of them
  std::uint64_t written_bytes = 0;
  std::uint64_t batches = 0;
  std::uint64_t flushes = 0;
  std::uint64_t flush_ns[4] = {};  // p50, p99, p99.9, max
  std::string device;

  // Bytes on the disk for each byte of a message; 0: not known.
  [[nodiscard]] double amplification() const noexcept {
    return bytes == 0 ? 0 : static_cast<double>(written_bytes) / static_cast<double>(bytes);
  }
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
  std::optional<RunJournal> journal;  // of a durable run: latency is publish to durable delivery
  std::string no_journal;             // why the main job went on without
};

// The main job runs twice: through a journal, and then, shorter, through memory alone.
struct RunResults {
  RunResult main;
  std::optional<RunResult> memory;

  [[nodiscard]] bool ok() const noexcept { return main.ok && (!memory || memory->ok); }
};

// Compares what publishers and subscribers say.
[[nodiscard]] RunResult judge(const RunOptions& options, const RunPage& page,
                              const RunCourse& course);

// For people: the table that ends with OK or with what differs.
[[nodiscard]] std::string to_text(const RunOptions& options, const RunResults& results);

[[nodiscard]] nlohmann::json to_json(const RunOptions& options, const RunResults& results);

// The part that speaks of the journal (run_result_journal.cpp).
[[nodiscard]] std::string journal_text(const RunResult& result);
[[nodiscard]] nlohmann::json journal_json(const RunResult& result);

// {"p50", "p90", "p99", "p999", "max", "count"}, nulls if nothing was stamped.
[[nodiscard]] nlohmann::json latency_json(const RunResult& result);

}  // namespace millrace::tools
