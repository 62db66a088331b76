// The first 128 bytes of every file of a domain: who made it, for which layout, and what a reader
// must understand before it looks any further.
#pragma once

#include "millrace/core/limits.hpp"

#include <cstddef>
#include <cstdint>

namespace millrace::layout {

inline constexpr std::uint64_t kMagic = 0x4543'4152'4c4c'494d;  // "MILLRACE" in memory order
inline constexpr std::uint16_t kFormatMajor = 1;
inline constexpr std::uint16_t kFormatMinor = 0;
inline constexpr std::uint32_t kEndianness = 0x0102'0304;

enum class FileKind : std::uint32_t {
  participant = 1,
  meta = 2,
  lane = 3,
  reader = 4,
  doorbell = 5,
  clock = 6,
  lane_data = 7,   // a ring that lives on hugetlbfs
  journal = 8,     // of a durable channel
  remembered = 9,  // what a named subscriber has acknowledged
  order = 10,      // the order ring of a channel with one total order
  stamps = 11,     // a flight recorder
};

//   offset  size  field               writer   meaning
//        0     8  magic               creator  "MILLRACE"
//        8     2  format_major        creator  another major is refused
//       10     2  format_minor        creator  only adds what older readers may ignore
//       12     4  endianness          creator  0x01020304 in the creator's byte order
//       16     8  fingerprint         creator  hash of everything that shapes this kind of file
//       24     4  kind                creator  FileKind
//       28     4  page_bytes          creator  page size the file was laid out for
//       32     8  file_bytes          creator  length of the whole file
//       40     8  data_bytes          creator  ring bytes, 0 where there is no ring
//       48     8  features_read       creator  an unknown bit: the file cannot be opened
//       56     8  features_write      creator  an unknown bit: read only
//       64     8  features_info       creator  an unknown bit is ignored
//       72    16  boot_id             creator  kernel boot that made the file
//       88     8  created_wall_ns     creator  nanoseconds since 1970
//       96     8  creator_incarnation creator  participant that made it, 0 if none
//      104    24  reserved            -        zero
struct SegmentHeader {
  std::uint64_t magic;
  std::uint16_t format_major;
  std::uint16_t format_minor;
  std::uint32_t endianness;
  std::uint64_t fingerprint;
  std::uint32_t kind;
  std::uint32_t page_bytes;
  std::uint64_t file_bytes;
  std::uint64_t data_bytes;
  std::uint64_t features_read;
  std::uint64_t features_write;
  std::uint64_t features_info;
  std::uint8_t boot_id[16];
  std::uint64_t created_wall_ns;
  std::uint64_t creator_incarnation;
  std::uint8_t reserved[24];
};

static_assert(sizeof(SegmentHeader) == kFalseSharingBytes);
static_assert(offsetof(SegmentHeader, magic) == 0);
static_assert(offsetof(SegmentHeader, format_major) == 8);
static_assert(offsetof(SegmentHeader, format_minor) == 10);
static_assert(offsetof(SegmentHeader, endianness) == 12);
static_assert(offsetof(SegmentHeader, fingerprint) == 16);
static_assert(offsetof(SegmentHeader, kind) == 24);
static_assert(offsetof(SegmentHeader, page_bytes) == 28);
static_assert(offsetof(SegmentHeader, file_bytes) == 32);
static_assert(offsetof(SegmentHeader, data_bytes) == 40);
static_assert(offsetof(SegmentHeader, features_read) == 48);
static_assert(offsetof(SegmentHeader, features_write) == 56);
static_assert(offsetof(SegmentHeader, features_info) == 64);
static_assert(offsetof(SegmentHeader, boot_id) == 72);
static_assert(offsetof(SegmentHeader, created_wall_ns) == 88);
static_assert(offsetof(SegmentHeader, creator_incarnation) == 96);

}  // namespace millrace::layout
