// CH/stamps/ID.INCARNATION.K: the flight recorder of one publisher, subscriber or journal. A ring
// of records, one for each message that was stamped, written by its owner alone and overwritten
// oldest first. It outlives its owner, so what a killed process did last can be read from it.
// Whoever reads it believes nothing in it.
#pragma once

#include "millrace/core/fingerprint.hpp"
#include "millrace/core/lane_layout.hpp"

#include <cstddef>
#include <cstdint>

namespace millrace::layout {

// Whose hands the messages passed through, and so what the four stamps of a record mean:
//
//   publisher   intended, claim, claimed, published
//   subscriber  visible, dequeued, processed, released
//   journal     appended, submitted, written, durable
enum class StampRole : std::uint32_t { publisher = 1, subscriber = 2, journal = 3 };

inline constexpr std::size_t kStampsPerRecord = 4;
inline constexpr std::uint32_t kStampRecordsMin = 64;
inline constexpr std::uint32_t kStampRecordsMax = 1U << 20;

//   offset  size  field     writer  meaning
//        0     8  version   owner   2 n + 1: record n is being written, 2 n + 2: it is whole, 0:
//                                   none yet. n counts from 0; record n lies in slot n % slots
//        8     8  sequence  owner   of the message in its lane
//       16     4  lane      owner   number of the lane
//       20     4  length    owner   bytes of the message
//       24     8  epoch     owner   which lane of that number (LaneControl::epoch)
//       32    32  stamps    owner   ticks, in the order of StampRole; 0: not (yet) reached
struct StampSlot {
  Word version;
  Word sequence;
  HalfWord lane;
  HalfWord length;
  Word epoch;
  Word stamps[kStampsPerRecord];
};

static_assert(sizeof(StampSlot) == 64);
static_assert(offsetof(StampSlot, version) == 0);
static_assert(offsetof(StampSlot, sequence) == 8);
static_assert(offsetof(StampSlot, lane) == 16);
static_assert(offsetof(StampSlot, length) == 20);
static_assert(offsetof(StampSlot, epoch) == 24);
static_assert(offsetof(StampSlot, stamps) == 32);

//   offset  size  field        writer  meaning
//        0   128  header       owner   SegmentHeader, kind stamps
//      128     8  incarnation  owner   participant it belongs to
//      136     4  id           owner   its id
//      140     4  number       owner   K: which recorder of that participant
//      144     4  role         owner   StampRole
//      148     4  clock        owner   ClockSource: what a tick is
//      152     4  slots        owner   records it keeps: a power of two from 64 to 2^20
//      156     4  shift        owner   one message in each block of 2^shift is stamped
//      160     8  left         owner   1 once its owner has left in good order
//      168   344  reserved     -       zero
//      512     -  -            owner   StampSlot 0, 1, 2, ...
struct StampFile {
  SegmentHeader header;
  std::uint64_t incarnation;
  std::uint32_t id;
  std::uint32_t number;
  std::uint32_t role;
  std::uint32_t clock;
  std::uint32_t slots;
  std::uint32_t shift;
  Word left;
  std::uint8_t reserved[344];
};

static_assert(sizeof(StampFile) == 512);
static_assert(offsetof(StampFile, header) == 0);
static_assert(offsetof(StampFile, incarnation) == 128);
static_assert(offsetof(StampFile, id) == 136);
static_assert(offsetof(StampFile, number) == 140);
static_assert(offsetof(StampFile, role) == 144);
static_assert(offsetof(StampFile, clock) == 148);
static_assert(offsetof(StampFile, slots) == 152);
static_assert(offsetof(StampFile, shift) == 156);
static_assert(offsetof(StampFile, left) == 160);
static_assert(offsetof(StampFile, reserved) == 168);

constexpr std::size_t stamp_file_bytes(std::uint32_t slots) noexcept {
  const std::size_t bytes = sizeof(StampFile) + std::size_t{slots} * sizeof(StampSlot);
  return (bytes + kPageBytes - 1) / kPageBytes * kPageBytes;
}

inline constexpr std::uint64_t kStampFingerprint = fingerprint(
    {1, sizeof(StampFile), sizeof(StampSlot), kStampsPerRecord, offsetof(StampSlot, version),
     offsetof(StampSlot, sequence), offsetof(StampSlot, lane), offsetof(StampSlot, length),
     offsetof(StampSlot, epoch), offsetof(StampSlot, stamps), offsetof(StampFile, header),
     offsetof(StampFile, incarnation), offsetof(StampFile, id), offsetof(StampFile, number),
     offsetof(StampFile, role), offsetof(StampFile, clock), offsetof(StampFile, slots),
     offsetof(StampFile, shift), offsetof(StampFile, left)});

}  // namespace millrace::layout
