// CH/doorbell: hints that every member may write. A liar can delay somebody by one park bound or
// cause an overrun that is detected; nothing here can corrupt.
#pragma once

#include "millrace/core/lane_layout.hpp"

#include <cstddef>
#include <cstdint>

namespace millrace::layout {

//   offset  size  field      writer   meaning
//        0     8  asleep_at  readers  position a sleeper waits for, plus 1 (raised, never cleared)
//        8   120  reserved   -        zero
struct DoorbellSlot {
  Word asleep_at;
  std::uint8_t reserved[120];
};

static_assert(sizeof(DoorbellSlot) == kFalseSharingBytes);
static_assert(offsetof(DoorbellSlot, asleep_at) == 0);

//   offset  size  field              writer      meaning
//        0   128  header             creator     SegmentHeader, kind doorbell
//      128     8  reader_generation  readers     raised by every reader that joins a lane
//      136   120  reserved0          -           zero
//      256     8  lane_generation    publishers  raised when a lane appears, ends or changes hands
//      264   120  reserved1          -           zero
//      384     8  needs_fence        readers     1: a sleeper cannot use membarrier, please fence
//      392   120  reserved2          -           zero
//      512     -  -                  readers     DoorbellSlot of lane 0, 1, 2, ...
struct DoorbellFile {
  SegmentHeader header;
  Word reader_generation;
  std::uint8_t reserved0[120];
  Word lane_generation;
  std::uint8_t reserved1[120];
  Word needs_fence;
  std::uint8_t reserved2[120];
};

static_assert(sizeof(DoorbellFile) == 512);
static_assert(offsetof(DoorbellFile, header) == 0);
static_assert(offsetof(DoorbellFile, reader_generation) == 128);
static_assert(offsetof(DoorbellFile, lane_generation) == 256);
static_assert(offsetof(DoorbellFile, needs_fence) == 384);

constexpr std::size_t doorbell_slot_offset(std::uint32_t lane) noexcept {
  return sizeof(DoorbellFile) + std::size_t{lane} * sizeof(DoorbellSlot);
}

constexpr std::size_t doorbell_file_bytes(std::uint32_t lanes) noexcept {
  return (doorbell_slot_offset(lanes) + kPageBytes - 1) / kPageBytes * kPageBytes;
}

inline constexpr std::uint64_t kDoorbellFingerprint =
    fingerprint({5, sizeof(DoorbellFile), sizeof(DoorbellSlot), offsetof(DoorbellSlot, asleep_at),
                 offsetof(DoorbellFile, header), offsetof(DoorbellFile, reader_generation),
                 offsetof(DoorbellFile, lane_generation), offsetof(DoorbellFile, needs_fence)});

}  // namespace millrace::layout
