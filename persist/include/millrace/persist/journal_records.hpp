// The journal's own records within items, and its manifest.
#pragma once

#include "millrace/persist/journal_layout.hpp"

#include <cstddef>
#include <cstdint>

namespace millrace::layout {

inline constexpr std::size_t kJournalNameBytes = 64;

// Where the segment before this one ends. Never evidence of durability: a new segment's head may be
// written while the last items of the old one are still in flight.
//
//   offset  size  field                meaning
//        0    16  uuid                 of the log
//       16     8  predecessor_segment  0: there is none
//       24     8  predecessor_end      bytes from the beginning of its slot
//       32     8  predecessor_item     last item before this segment
//       40     4  predecessor_crc      its header_crc
//       44     4  slot                 that this segment was written to
//       48     8  first_live           oldest segment that was still needed
struct SegmentHead {
  std::uint8_t uuid[16];
  std::uint64_t predecessor_segment;
  std::uint64_t predecessor_end;
  std::uint64_t predecessor_item;
  std::uint32_t predecessor_crc;
  std::uint32_t slot;
  std::uint64_t first_live;
};

static_assert(sizeof(SegmentHead) == 56);
static_assert(offsetof(SegmentHead, uuid) == 0);
static_assert(offsetof(SegmentHead, predecessor_segment) == 16);
static_assert(offsetof(SegmentHead, predecessor_end) == 24);
static_assert(offsetof(SegmentHead, predecessor_item) == 32);
static_assert(offsetof(SegmentHead, predecessor_crc) == 40);
static_assert(offsetof(SegmentHead, slot) == 44);
static_assert(offsetof(SegmentHead, first_live) == 48);

// A producer's lane of this log. A later record of the same lane replaces an earlier one.
//
//   offset  size  field         meaning
//        0     4  lane          JournalLaneId
//        4     4  reserved      zero
//        8    16  channel       uuid
//       24     8  epoch         of the lane's file
//       32     8  life          files of it that the log has seen, from 1
//       40     8  next          sequence of its next message when this was written
//       48    64  channel_name  zero-terminated
//      112    64  producer      zero-terminated
struct CatalogRecord {
  std::uint32_t lane;
  std::uint32_t reserved;
  std::uint8_t channel[16];
  std::uint64_t epoch;
  std::uint64_t life;
  std::uint64_t next;
  char channel_name[kJournalNameBytes];
  char producer[kJournalNameBytes];
};

static_assert(sizeof(CatalogRecord) == 176);
static_assert(offsetof(CatalogRecord, lane) == 0);
static_assert(offsetof(CatalogRecord, channel) == 8);
static_assert(offsetof(CatalogRecord, epoch) == 24);
static_assert(offsetof(CatalogRecord, life) == 32);
static_assert(offsetof(CatalogRecord, next) == 40);
static_assert(offsetof(CatalogRecord, channel_name) == 48);
static_assert(offsetof(CatalogRecord, producer) == 112);

//   offset  size  field       meaning
//        0     4  lane
//        4     4  reserved    zero
//        8     8  before      every message below it is acknowledged
//       16    64  subscriber  zero-terminated
struct AcknowledgedRecord {
  std::uint32_t lane;
  std::uint32_t reserved;
  std::uint64_t before;
  char subscriber[kJournalNameBytes];
};

static_assert(sizeof(AcknowledgedRecord) == 80);
static_assert(offsetof(AcknowledgedRecord, lane) == 0);
static_assert(offsetof(AcknowledgedRecord, before) == 8);
static_assert(offsetof(AcknowledgedRecord, subscriber) == 16);

// Messages [from, to) of a lane were overwritten before they could be journaled.
//
//   offset  size  field  meaning
//        0     4  lane
//        4     4  cause  1 journal down, 2 full, 3 poisoned, 4 detached, 5 overtaken
//        8     8  from
//       16     8  to
struct GapRecord {
  std::uint32_t lane;
  std::uint32_t cause;
  std::uint64_t from;
  std::uint64_t to;
};

static_assert(sizeof(GapRecord) == 24);
static_assert(offsetof(GapRecord, lane) == 0);
static_assert(offsetof(GapRecord, cause) == 4);
static_assert(offsetof(GapRecord, from) == 8);
static_assert(offsetof(GapRecord, to) == 16);

// Ties one boot's clock to wall time, at every segment head and after every step of the wall clock.
//
//   offset  size  field     meaning
//        0    16  boot_id
//       16     8  boot_ns   CLOCK_BOOTTIME
//       24     8  wall_ns   since 1970, at that moment
//       32     4  boot      ordinal
//       36     4  steps     of the wall clock that were seen in this boot
struct ClockRecord {
  std::uint8_t boot_id[16];
  std::uint64_t boot_ns;
  std::uint64_t wall_ns;
  std::uint32_t boot;
  std::uint32_t steps;
};

static_assert(sizeof(ClockRecord) == 40);
static_assert(offsetof(ClockRecord, boot_id) == 0);
static_assert(offsetof(ClockRecord, boot_ns) == 16);
static_assert(offsetof(ClockRecord, wall_ns) == 24);
static_assert(offsetof(ClockRecord, boot) == 32);
static_assert(offsetof(ClockRecord, steps) == 36);

// One stop of a segment's sparse index; derived, never evidence.
//
//   offset  size  field    meaning
//        0     8  offset   of an item in this slot
//        8     8  item     its number
//       16     8  boot_ns  when it was made
//       24     4  lane     a lane that the item has a run of
//       28     4  reserved zero
//       32     8  first    first sequence of that run
struct IndexRecord {
  std::uint64_t offset;
  std::uint64_t item;
  std::uint64_t boot_ns;
  std::uint32_t lane;
  std::uint32_t reserved;
  std::uint64_t first;
};

static_assert(sizeof(IndexRecord) == 40);
static_assert(offsetof(IndexRecord, offset) == 0);
static_assert(offsetof(IndexRecord, item) == 8);
static_assert(offsetof(IndexRecord, boot_ns) == 16);
static_assert(offsetof(IndexRecord, lane) == 24);
static_assert(offsetof(IndexRecord, first) == 32);

// A loss that an administrator accepted: items [from, to] may be missing, evidence of epochs up to
// `epoch` for anything in them no longer counts.
//
//   offset  size  field  meaning
//        0     8  from
//        8     8  to
//       16     8  epoch
struct Tombstone {
  std::uint64_t from;
  std::uint64_t to;
  std::uint64_t epoch;
};

static_assert(sizeof(Tombstone) == 24);
static_assert(offsetof(Tombstone, from) == 0);
static_assert(offsetof(Tombstone, to) == 8);
static_assert(offsetof(Tombstone, epoch) == 16);

inline constexpr std::size_t kTombstonesMax = 64;

// manifest.a and manifest.b, written alternately; the higher generation whose crc is right counts.
//
//   offset  size  field          meaning
//        0     8  magic          kManifestMagic
//        8     4  version        kJournalVersion
//       12     4  crc            of these 4096 bytes with this field zero
//       16     8  generation
//       24    16  uuid           of the log
//       40    16  key            random: seeds header checksums, so that nobody can forge them
//       56     8  salt           random: in every header
//       64     8  epoch          of the last writer
//       72     4  depth          items in flight at most, 1 to 4: recovery counts on it
//       76     4  block_bytes    of the device when it was made
//       80     8  segment_bytes  length of every slot
//       88     4  item_bytes     largest item
//       92     4  durability     Durability
//       96     8  first_live     oldest segment that is needed
//      104     8  lower_bound    every item up to it was durable
//      112     8  clean_end      last item, if the writer closed in good order; else 0
//      120    16  boot_id        of the last writer
//      136     4  boot           ordinal of that boot
//      140     4  tombstones     that are in use
//      144     8  created_ns     wall, since 1970
//      152   104  reserved0      zero
//      256  1536  accepted       Tombstone[64]
//     1792  2304  reserved1      zero
struct Manifest {
  std::uint64_t magic;
  std::uint32_t version;
  std::uint32_t crc;
  std::uint64_t generation;
  std::uint8_t uuid[16];
  std::uint8_t key[16];
  std::uint64_t salt;
  std::uint64_t epoch;
  std::uint32_t depth;
  std::uint32_t block_bytes;
  std::uint64_t segment_bytes;
  std::uint32_t item_bytes;
  std::uint32_t durability;
  std::uint64_t first_live;
  std::uint64_t lower_bound;
  std::uint64_t clean_end;
  std::uint8_t boot_id[16];
  std::uint32_t boot;
  std::uint32_t tombstones;
  std::uint64_t created_ns;
  std::uint8_t reserved0[104];
  Tombstone accepted[kTombstonesMax];
  std::uint8_t reserved1[2304];
};

static_assert(sizeof(Manifest) == 4096);
static_assert(offsetof(Manifest, magic) == 0);
static_assert(offsetof(Manifest, version) == 8);
static_assert(offsetof(Manifest, crc) == 12);
static_assert(offsetof(Manifest, generation) == 16);
static_assert(offsetof(Manifest, uuid) == 24);
static_assert(offsetof(Manifest, key) == 40);
static_assert(offsetof(Manifest, salt) == 56);
static_assert(offsetof(Manifest, epoch) == 64);
static_assert(offsetof(Manifest, depth) == 72);
static_assert(offsetof(Manifest, block_bytes) == 76);
static_assert(offsetof(Manifest, segment_bytes) == 80);
static_assert(offsetof(Manifest, item_bytes) == 88);
static_assert(offsetof(Manifest, durability) == 92);
static_assert(offsetof(Manifest, first_live) == 96);
static_assert(offsetof(Manifest, lower_bound) == 104);
static_assert(offsetof(Manifest, clean_end) == 112);
static_assert(offsetof(Manifest, boot_id) == 120);
static_assert(offsetof(Manifest, boot) == 136);
static_assert(offsetof(Manifest, tombstones) == 140);
static_assert(offsetof(Manifest, created_ns) == 144);
static_assert(offsetof(Manifest, accepted) == 256);

}  // namespace millrace::layout
