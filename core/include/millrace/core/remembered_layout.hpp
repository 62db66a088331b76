// CH/remembered/NAME: up to where a named subscriber has acknowledged each lane of a durable
// channel. It outlives the subscriber, so that the next one of that name goes on where this one
// stopped; the channel's journal reads it and keeps the places beyond a reboot.
//
// One living subscriber a name: it holds a write lock on the file (lifetime_lock.hpp). Everybody
// else reads, and takes each word as a claim to be checked.
#pragma once

#include "millrace/core/lane_layout.hpp"

#include <cstddef>
#include <cstdint>

namespace millrace::layout {

// A slot is rewritten for another lane in this order: epoch 0, sequence, epoch. Whoever copies it
// reads the epoch, the sequence, and the epoch once more.
//
//   offset  size  field       writer      meaning
//        0     8  lane_epoch  subscriber  the lane this place belongs to, 0: none (stored last)
//        8     8  sequence    subscriber  messages before it are acknowledged
//       16   112  reserved    -           zero
struct RememberedSlot {
  Word lane_epoch;
  Word sequence;
  std::uint8_t reserved[112];
};

static_assert(sizeof(RememberedSlot) == kFalseSharingBytes);
static_assert(offsetof(RememberedSlot, lane_epoch) == 0);
static_assert(offsetof(RememberedSlot, sequence) == 8);

//   offset  size  field        writer      meaning
//        0   128  header       creator     SegmentHeader, kind remembered
//      128    64  name         creator     of the subscriber, zero-terminated: the file's own name
//      192     8  incarnation  subscriber  participant that holds the name, or held it last
//      200     4  id           subscriber  its id
//      204     4  lanes        creator     slots that follow
//      208     4  opens        subscriber  subscribers that have had this name
//      212   300  reserved     -           zero
//      512     -  -            subscriber  RememberedSlot of lane 0, 1, 2, ...
struct RememberedFile {
  SegmentHeader header;
  char name[kNameBytes];
  Word incarnation;
  HalfWord id;
  std::uint32_t lanes;
  HalfWord opens;
  std::uint8_t reserved[300];
};

static_assert(sizeof(RememberedFile) == 512);
static_assert(offsetof(RememberedFile, header) == 0);
static_assert(offsetof(RememberedFile, name) == 128);
static_assert(offsetof(RememberedFile, incarnation) == 192);
static_assert(offsetof(RememberedFile, id) == 200);
static_assert(offsetof(RememberedFile, lanes) == 204);
static_assert(offsetof(RememberedFile, opens) == 208);

constexpr std::size_t remembered_slot_offset(std::uint32_t lane) noexcept {
  return sizeof(RememberedFile) + std::size_t{lane} * sizeof(RememberedSlot);
}

constexpr std::size_t remembered_file_bytes(std::uint32_t lanes) noexcept {
  return (remembered_slot_offset(lanes) + kPageBytes - 1) / kPageBytes * kPageBytes;
}

inline constexpr std::uint64_t kRememberedFingerprint =
    fingerprint({9, sizeof(RememberedFile), sizeof(RememberedSlot),
                 offsetof(RememberedSlot, lane_epoch), offsetof(RememberedSlot, sequence),
                 offsetof(RememberedFile, header), offsetof(RememberedFile, name),
                 offsetof(RememberedFile, incarnation), offsetof(RememberedFile, id),
                 offsetof(RememberedFile, lanes), offsetof(RememberedFile, opens)});

}  // namespace millrace::layout
