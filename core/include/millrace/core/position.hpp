// The three numbers everything is counted in. All are 64 bits wide and only grow: at 10 GB/s a
// position wraps after 58 years.
#pragma once

#include <cstdint>

namespace millrace {

// Bytes since the beginning of a lane. Never masked in memory: an index is computed where it is
// used (`position & (ring_bytes - 1)`) and never stored.
using Position = std::uint64_t;

// Messages since the beginning of a lane, dense for ever.
using Sequence = std::uint64_t;

// A pair that holds at a record boundary: `sequence` messages lie before `position`.
struct Checkpoint {
  Position position = 0;
  Sequence sequence = 0;
  // Of a lane in a channel with one order: its records from `position` on are published at this
  // ordinal or later, those before it were published earlier, or never.
  std::uint64_t ordinal = 0;

  friend bool operator==(const Checkpoint&, const Checkpoint&) = default;
};

}  // namespace millrace
