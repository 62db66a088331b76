// CH/readers/ID.INCARNATION.K: where one subscriber stands in every lane. Written only by that
// subscriber; publishers map it read-only and take every word of it as a claim to be checked.
#pragma once

#include "millrace/core/lane_layout.hpp"

#include <cstddef>
#include <cstdint>

namespace millrace::layout {

enum class ReaderKind : std::uint32_t { subscriber = 1, journal = 2, group = 3 };

enum class ReaderState : std::uint32_t {
  joining = 1,
  // In a lane where its slot carries another epoch, an active reader stands at position 0: a lane
  // that is born after the reader waits for it from its first message.
  active = 2,
  left = 3,
};

// 1: this reader is never waited for; it may be lapped and counts what it lost.
inline constexpr std::uint32_t kReaderLossy = 1;

//   offset  size  field       writer  meaning
//        0     8  position    reader  all below is released; a blocked publisher sleeps on it
//        8     8  lane_epoch  reader  the lane this position belongs to (stored last)
//       16     8  sequence    reader  messages before `position`
//       24     8  received    reader  messages delivered
//       32     8  lost        reader  messages lost to overrun
//       40     8  skipped     reader  messages passed over by the key filter
//       48     8  unknown     reader  records of an unknown, skippable type
//       56     8  left        reader  1: done with this lane, it need not wait; 2: reads it from
//                                     the journal
//       64     8  joins       reader  times it took a place in this lane; an evicted reader that
//                                     joins again is counted again
//       72    56  reserved    -       zero
struct ReaderSlot {
  Word position;
  Word lane_epoch;
  Word sequence;
  Word received;
  Word lost;
  Word skipped;
  Word unknown;
  Word left;
  Word joins;
  std::uint8_t reserved[56];
};

static_assert(sizeof(ReaderSlot) == kFalseSharingBytes);
static_assert(offsetof(ReaderSlot, position) == 0);
static_assert(offsetof(ReaderSlot, lane_epoch) == 8);
static_assert(offsetof(ReaderSlot, sequence) == 16);
static_assert(offsetof(ReaderSlot, received) == 24);
static_assert(offsetof(ReaderSlot, lost) == 32);
static_assert(offsetof(ReaderSlot, skipped) == 40);
static_assert(offsetof(ReaderSlot, unknown) == 48);
static_assert(offsetof(ReaderSlot, left) == 56);
static_assert(offsetof(ReaderSlot, joins) == 64);

//   offset  size  field        writer  meaning
//        0   128  header       reader  SegmentHeader, kind reader
//      128     8  incarnation  reader  participant it belongs to
//      136     4  id           reader  its id
//      140     4  number       reader  K: which subscriber of that participant
//      144     4  kind         reader  ReaderKind
//      148     4  mode         reader  kReaderLossy or 0
//      152     4  state        reader  ReaderState
//      156     4  fencing      reader  1: it fences at every release
//      160     4  lanes        reader  slots that follow
//      164     4  node         reader  NUMA node it ran on when it joined, plus 1; 0: not known
//      168     8  overruns     reader  times it was lapped
//      176     8  evictions    reader  times it was given up on
//      184     8  parks        reader  times it slept
//      192     8  caught_up    reader  times it was lapped and went on in the journal: no loss
//      200     8  rewinds      reader  lanes whose log ended before what it had acknowledged
//      208   304  reserved1    -       pins of queues
//      512     -  -            reader  ReaderSlot of lane 0, 1, 2, ...
struct ReaderFile {
  SegmentHeader header;
  std::uint64_t incarnation;
  std::uint32_t id;
  std::uint32_t number;
  std::uint32_t kind;
  std::uint32_t mode;
  HalfWord state;
  HalfWord fencing;
  std::uint32_t lanes;
  std::uint32_t node;
  Word overruns;
  Word evictions;
  Word parks;
  Word caught_up;
  Word rewinds;
  std::uint8_t reserved1[304];
};

static_assert(sizeof(ReaderFile) == 512);
static_assert(offsetof(ReaderFile, header) == 0);
static_assert(offsetof(ReaderFile, incarnation) == 128);
static_assert(offsetof(ReaderFile, id) == 136);
static_assert(offsetof(ReaderFile, number) == 140);
static_assert(offsetof(ReaderFile, kind) == 144);
static_assert(offsetof(ReaderFile, mode) == 148);
static_assert(offsetof(ReaderFile, state) == 152);
static_assert(offsetof(ReaderFile, fencing) == 156);
static_assert(offsetof(ReaderFile, lanes) == 160);
static_assert(offsetof(ReaderFile, node) == 164);
static_assert(offsetof(ReaderFile, overruns) == 168);
static_assert(offsetof(ReaderFile, evictions) == 176);
static_assert(offsetof(ReaderFile, parks) == 184);
static_assert(offsetof(ReaderFile, caught_up) == 192);
static_assert(offsetof(ReaderFile, rewinds) == 200);

constexpr std::size_t reader_slot_offset(std::uint32_t lane) noexcept {
  return sizeof(ReaderFile) + std::size_t{lane} * sizeof(ReaderSlot);
}

constexpr std::size_t reader_file_bytes(std::uint32_t lanes) noexcept {
  return (reader_slot_offset(lanes) + kPageBytes - 1) / kPageBytes * kPageBytes;
}

inline constexpr std::uint64_t kReaderFingerprint = fingerprint({4,
                                                                 sizeof(ReaderFile),
                                                                 sizeof(ReaderSlot),
                                                                 offsetof(ReaderSlot, position),
                                                                 offsetof(ReaderSlot, lane_epoch),
                                                                 offsetof(ReaderSlot, sequence),
                                                                 offsetof(ReaderSlot, received),
                                                                 offsetof(ReaderSlot, lost),
                                                                 offsetof(ReaderSlot, skipped),
                                                                 offsetof(ReaderSlot, unknown),
                                                                 offsetof(ReaderSlot, left),
                                                                 offsetof(ReaderSlot, joins),
                                                                 offsetof(ReaderFile, header),
                                                                 offsetof(ReaderFile, incarnation),
                                                                 offsetof(ReaderFile, id),
                                                                 offsetof(ReaderFile, number),
                                                                 offsetof(ReaderFile, kind),
                                                                 offsetof(ReaderFile, mode),
                                                                 offsetof(ReaderFile, state),
                                                                 offsetof(ReaderFile, fencing),
                                                                 offsetof(ReaderFile, lanes),
                                                                 offsetof(ReaderFile, node),
                                                                 offsetof(ReaderFile, overruns),
                                                                 offsetof(ReaderFile, evictions),
                                                                 offsetof(ReaderFile, parks),
                                                                 offsetof(ReaderFile, caught_up),
                                                                 offsetof(ReaderFile, rewinds)});

}  // namespace millrace::layout
