// CH/meta: what a channel is. Written once by its creator before the channel has a name, never
// changed afterwards.
#pragma once

#include "millrace/core/fingerprint.hpp"
#include "millrace/core/segment_layout.hpp"

#include <cstddef>
#include <cstdint>

namespace millrace::layout {

enum class ChannelKind : std::uint32_t { stream = 1, queue = 2 };

inline constexpr std::size_t kPathBytes = 256;
inline constexpr std::size_t kTagAreaBytes = kPageBytes;

// An entry of the tag area: {tag u16, flags u16, length u32, bytes, padding to 8}. Tag 0 ends the
// area. A critical tag (flag bit 0) that is not known refuses the channel.
struct Tag {
  std::uint16_t tag;
  std::uint16_t flags;
  std::uint32_t length;
};

inline constexpr std::uint16_t kTagCritical = 1;

//   offset  size  field               writer   meaning
//        0   128  header              creator  SegmentHeader, kind meta, with the feature words
//      128    16  uuid                creator  random; tells this channel from others of its name
//      144     4  kind                creator  ChannelKind
//      148     4  order               creator  0 by lane, 1 total
//      152     4  policy              creator  0 block, 1 evict, 2 lossy
//      156     4  lanes_max           creator  1..256
//      160     8  ring_bytes          creator  power of two
//      168     4  page_kind           creator  0 normal, 1 huge
//      172     4  placement_kind      creator  PlacementKind
//      176     4  placement_node      creator  NUMA node for PlacementKind::node
//      180     4  lock                creator  1: mlock the ring
//      184     4  prefault            creator  1: touch every page at creation
//      188     4  require_readers     creator  1: publishing without readers is refused
//      192     4  mode                creator  permission bits of the channel's files
//      196     4  group               creator  group id, 0xffffffff: the creator's
//      200     4  durable             creator  1: a journal keeps it, and CH/journal exists
//      204     4  when_journal_fails  creator  0 block, 1 proceed
//      208     8  schema              creator  fingerprint of the message type, 0: bytes
//      216    64  schema_name         creator  zero-terminated, for people
//      280   256  huge_dir            creator  hugetlbfs directory of the rings, zero-terminated
//      536   256  journal             creator  directory of the journal, zero-terminated
//      792     4  stamps              creator  0 off, 1 sampled, 2 all
//      796     4  stamp_every         creator  1 message in so many: a power of two to 2^20
//      800     4  stamp_records       creator  a flight recorder keeps: a power of two, 64 to 2^20
//      804  3292  reserved            -        zero
//     4096  4096  tags                creator  tag-length-value area
struct MetaFile {
  SegmentHeader header;
  std::uint8_t uuid[16];
  std::uint32_t kind;
  std::uint32_t order;
  std::uint32_t policy;
  std::uint32_t lanes_max;
  std::uint64_t ring_bytes;
  std::uint32_t page_kind;
  std::uint32_t placement_kind;
  std::uint32_t placement_node;
  std::uint32_t lock;
  std::uint32_t prefault;
  std::uint32_t require_readers;
  std::uint32_t mode;
  std::uint32_t group;
  std::uint32_t durable;
  std::uint32_t when_journal_fails;
  std::uint64_t schema;
  char schema_name[kNameBytes];
  char huge_dir[kPathBytes];
  char journal[kPathBytes];
  std::uint32_t stamps;
  std::uint32_t stamp_every;
  std::uint32_t stamp_records;
  std::uint8_t reserved[3292];
  std::uint8_t tags[kTagAreaBytes];
};

static_assert(sizeof(MetaFile) == 2 * kPageBytes);
static_assert(offsetof(MetaFile, header) == 0);
static_assert(offsetof(MetaFile, uuid) == 128);
static_assert(offsetof(MetaFile, kind) == 144);
static_assert(offsetof(MetaFile, order) == 148);
static_assert(offsetof(MetaFile, policy) == 152);
static_assert(offsetof(MetaFile, lanes_max) == 156);
static_assert(offsetof(MetaFile, ring_bytes) == 160);
static_assert(offsetof(MetaFile, page_kind) == 168);
static_assert(offsetof(MetaFile, placement_kind) == 172);
static_assert(offsetof(MetaFile, placement_node) == 176);
static_assert(offsetof(MetaFile, lock) == 180);
static_assert(offsetof(MetaFile, prefault) == 184);
static_assert(offsetof(MetaFile, require_readers) == 188);
static_assert(offsetof(MetaFile, mode) == 192);
static_assert(offsetof(MetaFile, group) == 196);
static_assert(offsetof(MetaFile, durable) == 200);
static_assert(offsetof(MetaFile, when_journal_fails) == 204);
static_assert(offsetof(MetaFile, schema) == 208);
static_assert(offsetof(MetaFile, schema_name) == 216);
static_assert(offsetof(MetaFile, huge_dir) == 280);
static_assert(offsetof(MetaFile, journal) == 536);
static_assert(offsetof(MetaFile, stamps) == 792);
static_assert(offsetof(MetaFile, stamp_every) == 796);
static_assert(offsetof(MetaFile, stamp_records) == 800);
static_assert(offsetof(MetaFile, tags) == 4096);

inline constexpr std::uint64_t kMetaFingerprint =
    fingerprint({3,
                 sizeof(MetaFile),
                 offsetof(MetaFile, header),
                 offsetof(MetaFile, uuid),
                 offsetof(MetaFile, kind),
                 offsetof(MetaFile, order),
                 offsetof(MetaFile, policy),
                 offsetof(MetaFile, lanes_max),
                 offsetof(MetaFile, ring_bytes),
                 offsetof(MetaFile, page_kind),
                 offsetof(MetaFile, placement_kind),
                 offsetof(MetaFile, placement_node),
                 offsetof(MetaFile, lock),
                 offsetof(MetaFile, prefault),
                 offsetof(MetaFile, require_readers),
                 offsetof(MetaFile, mode),
                 offsetof(MetaFile, group),
                 offsetof(MetaFile, durable),
                 offsetof(MetaFile, when_journal_fails),
                 offsetof(MetaFile, schema),
                 offsetof(MetaFile, schema_name),
                 offsetof(MetaFile, huge_dir),
                 offsetof(MetaFile, journal),
                 offsetof(MetaFile, stamps),
                 offsetof(MetaFile, stamp_every),
                 offsetof(MetaFile, stamp_records),
                 offsetof(MetaFile, tags)});

}  // namespace millrace::layout
