// The bytes of a journal on disk. A directory holds `lock`, `manifest.a`, `manifest.b` and slots
// `seg-NNNN.log` of one fixed length. A slot in use holds a segment: items one after the other,
// each beginning on a block boundary, the first one of kind `segment` at offset 0.
//
// Everything is an item with a dense number: data, segment heads, watermarks. An item is a header,
// its table, its escapes, its payload, and padding to the next block:
//
//   ItemHeader | table_entries × TableEntry | escapes × u32 | stored_bytes of payload | padding
//
// The payload begins on 8 bytes: behind an odd number of escapes lie 4 zero bytes.
//
// No block inside an item but its first begins with the magic: where copied bytes would, the 4
// bytes are replaced by kEscaped and the block's index within the item is listed in the escapes.
// An escape of 0 names no block: the writer copies the payload before it knows the table, and fills
// what it reserved in front of it. There are always so many that the payload begins on 8 bytes.
// Checksums cover the item as it lies on disk.
//
// All numbers are little-endian. `crc` is CRC32C.
#pragma once

#include <cstddef>
#include <cstdint>

namespace millrace::layout {

inline constexpr std::uint32_t kItemMagic = 0x4c4a'524d;  // "MRJL" in memory order
inline constexpr std::uint32_t kEscaped = 0x6c6a'726d;    // "mrjl"
inline constexpr std::uint8_t kJournalVersion = 1;
inline constexpr std::uint64_t kManifestMagic = 0x464e'414d'4c4a'524d;  // "MRJLMANF"

enum class ItemKind : std::uint8_t {
  segment = 1,    // first of a segment: predecessor, catalog, acknowledgements, clock
  batch = 2,      // what publishers said
  watermark = 3,  // proves that what was reported before it was durable; carries nothing
  seal = 4,       // last of a full segment: sparse index
  spare = 5,      // block 0 of a prepared slot; has no number
};

// What a table entry describes. 1-63 must be understood, else `format`; 64-127 may be passed over
// and are counted. Queues add theirs.
enum class EntryKind : std::uint16_t {
  run = 1,            // `count` whole ring records of a lane from `first` on
  part = 2,           // one part of a record that is longer than an item
  segment_head = 16,  // SegmentHead
  catalog = 17,       // CatalogRecord[count]
  acknowledged = 18,  // AcknowledgedRecord[count]
  gap = 19,           // GapRecord[count]
  clock = 20,         // ClockRecord
  index = 21,         // IndexRecord[count], of a seal
};

inline constexpr std::uint16_t kPartFirst = 1;  // TableEntry::flags of a part
inline constexpr std::uint16_t kPartLast = 2;

//   offset  size  field          meaning
//        0     4  magic          kItemMagic
//        4     1  version        kJournalVersion
//        5     1  kind           ItemKind
//        6     1  codec          of the payload: 0 as it is, 1 one lz4 block
//        7     1  reserved0      zero
//        8     8  salt           of the log: bytes of another log never pass
//       16     8  segment        number, never used twice
//       24     8  offset         bytes from the beginning of the slot
//       32     8  epoch          of the writer
//       40     8  item           dense number, from 1; 0 in a spare
//       48     8  durable        every item up to it had completed when this one was submitted
//       56     8  wall_ns        since 1970, when it was made
//       64     8  boot_ns        CLOCK_BOOTTIME then
//       72     4  boot           ordinal of that boot, as the manifest counts them
//       76     4  table_entries
//       80     4  escapes
//       84     4  stored_bytes   of the payload on disk
//       88     4  payload_bytes  before compression
//       92     4  payload_crc    of the stored bytes
//       96     4  previous_crc   header_crc of the item before
//      100     4  header_crc     of all before the payload, this field zero; seeded by the key
//      104    24  reserved1      zero
struct ItemHeader {
  std::uint32_t magic;
  std::uint8_t version;
  std::uint8_t kind;
  std::uint8_t codec;
  std::uint8_t reserved0;
  std::uint64_t salt;
  std::uint64_t segment;
  std::uint64_t offset;
  std::uint64_t epoch;
  std::uint64_t item;
  std::uint64_t durable;
  std::uint64_t wall_ns;
  std::uint64_t boot_ns;
  std::uint32_t boot;
  std::uint32_t table_entries;
  std::uint32_t escapes;
  std::uint32_t stored_bytes;
  std::uint32_t payload_bytes;
  std::uint32_t payload_crc;
  std::uint32_t previous_crc;
  std::uint32_t header_crc;
  std::uint8_t reserved1[24];
};

static_assert(sizeof(ItemHeader) == 128);
static_assert(offsetof(ItemHeader, magic) == 0);
static_assert(offsetof(ItemHeader, version) == 4);
static_assert(offsetof(ItemHeader, kind) == 5);
static_assert(offsetof(ItemHeader, codec) == 6);
static_assert(offsetof(ItemHeader, salt) == 8);
static_assert(offsetof(ItemHeader, segment) == 16);
static_assert(offsetof(ItemHeader, offset) == 24);
static_assert(offsetof(ItemHeader, epoch) == 32);
static_assert(offsetof(ItemHeader, item) == 40);
static_assert(offsetof(ItemHeader, durable) == 48);
static_assert(offsetof(ItemHeader, wall_ns) == 56);
static_assert(offsetof(ItemHeader, boot_ns) == 64);
static_assert(offsetof(ItemHeader, boot) == 72);
static_assert(offsetof(ItemHeader, table_entries) == 76);
static_assert(offsetof(ItemHeader, escapes) == 80);
static_assert(offsetof(ItemHeader, stored_bytes) == 84);
static_assert(offsetof(ItemHeader, payload_bytes) == 88);
static_assert(offsetof(ItemHeader, payload_crc) == 92);
static_assert(offsetof(ItemHeader, previous_crc) == 96);
static_assert(offsetof(ItemHeader, header_crc) == 100);

// Payloads of entries lie one after the other, each beginning on 8 bytes.
//
//   offset  size  field  meaning
//        0     2  kind   EntryKind
//        2     2  flags  kPartFirst, kPartLast
//        4     4  lane   JournalLaneId, 0 where there is none
//        8     8  first  sequence of the first message
//       16     4  count  messages or records; of a part: 1 in the last one, else 0
//       20     4  bytes  of its payload
//       24     4  at     of a part: offset within the record
//       28     4  whole  of a part: bytes of the whole record
struct TableEntry {
  std::uint16_t kind;
  std::uint16_t flags;
  std::uint32_t lane;
  std::uint64_t first;
  std::uint32_t count;
  std::uint32_t bytes;
  std::uint32_t at;
  std::uint32_t whole;
};

static_assert(sizeof(TableEntry) == 32);
static_assert(offsetof(TableEntry, kind) == 0);
static_assert(offsetof(TableEntry, flags) == 2);
static_assert(offsetof(TableEntry, lane) == 4);
static_assert(offsetof(TableEntry, first) == 8);
static_assert(offsetof(TableEntry, count) == 16);
static_assert(offsetof(TableEntry, bytes) == 20);
static_assert(offsetof(TableEntry, at) == 24);
static_assert(offsetof(TableEntry, whole) == 28);

}  // namespace millrace::layout
