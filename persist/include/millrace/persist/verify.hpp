// Checking a whole journal, and the only way past damage.
#pragma once

#include "millrace/core/result.hpp"
#include "millrace/persist/journal.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace millrace {

// One place that is not as it was written.
struct Damage {
  std::uint64_t segment = 0;
  std::uint32_t slot = 0;
  std::uint64_t offset = 0;  // bytes from the beginning of the slot
  std::uint64_t bytes = 0;
  ItemNumber item = 0;  // first item that is affected
  std::string what;     // "checksum of the payload", …

  struct Range {
    JournalLane lane;
    Sequence from = 0;
    Sequence to = 0;  // one past; equal: not known
  };

  std::vector<Range> sequences;  // what it costs, as far as the neighbours tell
};

struct VerifyReport {
  std::uint64_t segments = 0;
  std::uint64_t items = 0;
  std::uint64_t messages = 0;
  std::uint64_t bytes = 0;
  std::uint64_t nanoseconds = 0;
  std::uint64_t unproven_bytes = 0;
  std::vector<Damage> damages;  // empty: every byte is as it was written
  std::vector<JournalLane> lanes;
};

struct VerifyOptions {
  std::string directory;
  // Called after every segment, for a progress bar; false ends the work with Errc::timeout.
  std::function<bool(std::uint64_t done_bytes, std::uint64_t all_bytes)> progress{};
};

// Reads every live byte; changes nothing; works beside a running persister.
[[nodiscard]] Result<VerifyReport> verify_journal(const VerifyOptions& options);

// Accepts the loss: writes a durable tombstone {from, to, epoch} for each damage and rebuilds bad
// manifests from the segments, so that the journal opens again. Takes the lock. Returns what was
// given up. Errors: bad_argument (nothing is damaged), busy, as Journal::open.
[[nodiscard]] Result<VerifyReport> repair_journal(const std::string& directory);

}  // namespace millrace
