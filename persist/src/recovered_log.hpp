// What recovery hands to the writer: the accepted log, and where to go on. recover() decides by
// evidence of durability only (docs: R5, D1, D2); it writes nothing, so that it may be repeated and
// so that a reader without the lock can use it.
#pragma once

#include "catalog.hpp"
#include "millrace/persist/disk.hpp"
#include "millrace/persist/journal.hpp"
#include "millrace/persist/journal_records.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

namespace millrace {

// One segment of the accepted log.
struct SegmentInfo {
  std::uint64_t segment = 0;
  Disk::File slot = 0;
  ItemNumber first_item = 0;
  ItemNumber last_item = 0;
  std::uint64_t end = 0;            // bytes used; walkers stop here whatever lies behind
  std::uint64_t begin_wall_ns = 0;  // of its head
  std::uint64_t begin_boot_ns = 0;
  std::uint64_t wall_ns = 0;  // of its newest item
  std::uint64_t boot_ns = 0;
  std::uint32_t boot = 0;
  std::map<JournalLaneId, Sequence> lane_ends;  // where each lane in it stands behind it
};

struct RecoveredLog {
  layout::Manifest manifest{};  // as it was read; the epoch is not yet raised
  bool manifest_is_b = false;   // which of the two it was
  RecoveryReport report;
  std::vector<SegmentInfo> segments;   // live, ascending; the last one is never continued
  std::vector<Disk::File> spares;      // prepared, and nothing needed in them
  std::vector<Disk::File> unprepared;  // exist, but must be prepared again
  std::vector<Disk::File> quarantined;
  ItemNumber end = 0;                 // last accepted item
  std::uint32_t end_crc = 0;          // its header_crc
  std::uint64_t highest_segment = 0;  // seen anywhere, orphans included
  ItemNumber highest_item = 0;        // seen anywhere
  Catalog catalog;                    // lanes with first and end, acknowledgements
  std::optional<Error> damage;        // for a reader: what lies behind `end`, or before the first
};

enum class RecoverAs : std::uint8_t {
  writer,  // holds the lock: everything was flushed before the first read
  reader,  // no lock: stops at what is proven durable, calls no open end damage
};

// Errors: not_found (no manifest and no slot: an empty directory), format, damaged (the sentence
// names segment, offset, last good item and the lanes and sequences behind it), system.
[[nodiscard]] Result<RecoveredLog> recover(Disk& disk, RecoverAs as,
                                           const std::vector<DurableWitness>& witnesses = {});

}  // namespace millrace
