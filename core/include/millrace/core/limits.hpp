// Every limit of the system, and how they hang together.
#pragma once

#include <cstddef>
#include <cstdint>

namespace millrace {

// Words written by different parties lie this far apart: two 64-byte lines, because the adjacent
// line prefetcher pulls them in pairs.
inline constexpr std::size_t kFalseSharingBytes = 128;

inline constexpr std::size_t kPageBytes = 4096;
inline constexpr std::size_t kHugePageBytes = std::size_t{2} << 20;

// Participant ids fit the 10 bits that queue words reserve for them.
inline constexpr std::uint32_t kParticipantsMax = 1024;
inline constexpr std::uint32_t kLanesMax = 256;
inline constexpr std::uint32_t kLanesDefault = 64;

inline constexpr std::uint64_t kRingBytesMin = kPageBytes;
inline constexpr std::uint64_t kRingBytesMax = std::uint64_t{32} << 30;
inline constexpr std::uint64_t kRingBytesDefault = std::uint64_t{1} << 20;

inline constexpr std::uint64_t kRecordAlign = 8;
inline constexpr std::uint64_t kHeaderBytes = 8;

// A record takes at most a quarter of the ring, so that a lossy reader can finish one record while
// the next is being written; a batch takes at most half.
inline constexpr std::uint64_t kRecordsPerRingMin = 4;
inline constexpr std::uint64_t kBatchesPerRingMin = 2;

// A lane publishes a checkpoint, and lets its limit grow, sixteen times a lap.
inline constexpr std::uint64_t kCheckpointsPerLap = 16;
inline constexpr std::uint64_t kCheckpointSlots = 2 * kCheckpointsPerLap;

inline constexpr std::size_t kEvictedSlots = 64;
inline constexpr std::size_t kNameBytes = 64;  // with the closing zero

constexpr std::uint64_t record_bytes_max(std::uint64_t ring_bytes) noexcept {
  return ring_bytes / kRecordsPerRingMin;
}

// The longest message of a ring. The header has 28 bits for it.
constexpr std::uint64_t message_bytes_max(std::uint64_t ring_bytes) noexcept {
  const std::uint64_t most = record_bytes_max(ring_bytes) - 2 * kHeaderBytes;
  constexpr std::uint64_t kHeaderLimit = (std::uint64_t{1} << 28) - 1;
  return most < kHeaderLimit ? most : kHeaderLimit;
}

static_assert(kRingBytesMin % kRecordAlign == 0);
static_assert(kRecordsPerRingMin > kBatchesPerRingMin);

}  // namespace millrace
