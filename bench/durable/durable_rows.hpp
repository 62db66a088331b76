// The rows of the durable bench. Each makes what it needs below `directory`, which lies on the file
// system that is measured, and leaves only fio's file there for the next row.
#pragma once

#include "rounds.hpp"

#include <string>
#include <vector>

namespace millrace::bench {

struct DurableOptions {
  std::string directory;  // scratch, of this run
  double seconds = 1;     // one entrant in one round
  std::uint64_t verify_bytes = std::uint64_t{1} << 30;
};

// Null row: fio against fio. Its interval is the noise floor of all the others.
[[nodiscard]] Row noise_row(const DurableOptions& options);

// Items of `item_bytes` at depth 4 against fio with the same block, depth and sync mode.
[[nodiscard]] Row throughput_row(const DurableOptions& options, std::uint64_t item_bytes);

// 100,000 messages of 256 bytes a second, publish → durable, against the device's own durable write
// of 4 KiB. Nobody spins.
[[nodiscard]] Row latency_row(const DurableOptions& options);

// Groups of `group` messages of 256 bytes, durable one group after the other, against what a user
// would take instead.
[[nodiscard]] Row commit_row(const DurableOptions& options, std::size_t group);

// Publish → visible with a recorder at work, against without.
[[nodiscard]] Row visible_row(const DurableOptions& options);

// Reading a log again: verify, replay and open, against fio reading as many bytes.
[[nodiscard]] std::vector<Row> read_rows(const DurableOptions& options);

}  // namespace millrace::bench
