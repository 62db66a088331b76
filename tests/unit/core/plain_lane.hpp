// A lane on plain memory of this process: control words, and a ring mapped twice back to back
// between pages that nobody may touch.
#pragma once

#include "millrace/core/lane_reader.hpp"
#include "millrace/core/lane_writer.hpp"
#include "millrace/core/limit.hpp"

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <random>
#include <sys/mman.h>
#include <unistd.h>

namespace millrace {

class PlainLane {
 public:
  explicit PlainLane(std::uint64_t ring_bytes = kRingBytesMin) : bytes_(ring_bytes) {
    const int fd = ::memfd_create("ring", MFD_CLOEXEC);
    if (fd < 0 || ::ftruncate(fd, static_cast<off_t>(bytes_)) != 0) std::abort();
    base_ = map(nullptr, 2 * bytes_ + 2 * kPageBytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    for (std::byte* const at : {ring(), ring() + bytes_}) {
      map(at, bytes_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd);
    }
    ::close(fd);
  }

  ~PlainLane() { ::munmap(base_, 2 * bytes_ + 2 * kPageBytes); }

  PlainLane(const PlainLane&) = delete;
  PlainLane& operator=(const PlainLane&) = delete;

  [[nodiscard]] LaneView view() const { return {control_.get(), ring(), bytes_}; }

  [[nodiscard]] std::byte* ring() const { return base_ + kPageBytes; }

 private:
  static std::byte* map(std::byte* at, std::size_t bytes, int rights, int flags, int fd) {
    void* const mapped = ::mmap(at, bytes, rights, flags, fd, 0);
    if (mapped == MAP_FAILED) std::abort();
    return static_cast<std::byte*>(mapped);
  }

  std::uint64_t bytes_;
  std::byte* base_ = nullptr;
  std::unique_ptr<layout::LaneControl> control_ = std::make_unique<layout::LaneControl>();
};

using Writer = LaneWriter<ProductionMemory>;
using Reader = LaneReader<ProductionMemory>;
using Table = Checkpoints<ProductionMemory>;

inline layout::RecordHeader header_of(std::uint64_t length, RecordType type = RecordType::message) {
  return {.length = static_cast<std::uint32_t>(length),
          .type = type,
          .sequence = 0,
          .flags = 0,
          .key = 0};
}

// Every byte of message `sequence`.
inline int byte_of(Sequence sequence) {
  return static_cast<int>(sequence * 7 % 251);
}

// Adds a message to the open batch. REQUIRES room.
inline void append(Writer& writer, std::uint64_t length) {
  const Sequence sequence = writer.sequence() + writer.open_count();
  std::memset(writer.lane().payload(writer.claim_position()), byte_of(sequence), length);
  writer.append(header_of(length));
}

// For a producer that waits for nobody.
inline void send_freely(Writer& writer, std::uint64_t length) {
  writer.checkpoint_if_due();
  if (!writer.has_room(length)) writer.grant(writer.limit_needed(length));
  append(writer, length);
  writer.publish();
}

inline bool is_whole(const LaneView& lane, const Record& record) {
  const std::byte* const bytes = lane.payload(record.position);
  for (std::uint32_t i = 0; i < record.length; ++i) {
    if (bytes[i] != static_cast<std::byte>(byte_of(record.sequence))) return false;
  }
  return true;
}

}  // namespace millrace
