// A stretch of one slot in private memory, read in large pieces because a log is mostly read from
// front to back. What it hands out is a copy: nobody changes it while it is being checked.
//
// Thread rules: one thread.
#pragma once

#include "millrace/core/result.hpp"
#include "millrace/persist/disk.hpp"
#include "read_ahead.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>

namespace millrace {

// What a walk reads at a time; a multiple of every block there is.
inline constexpr std::uint64_t kReadAheadBytes = std::uint64_t{256} << 10;

class SlotWindow {
 public:
  // Slots are `slot_bytes` long; `ahead_bytes` (a multiple of the block) are read at a time.
  SlotWindow(Disk& disk, std::uint32_t block_bytes, std::uint64_t slot_bytes,
             std::uint64_t ahead_bytes);

  // `bytes` from a block boundary on, valid until the next call. Where reading ahead fails, just
  // what was asked for is tried. Errors: system (EIO and the like); damaged: the slot is too short.
  Result<std::span<const std::byte>> at(Disk::File slot, std::uint64_t offset, std::uint64_t bytes);

  // What was read may have changed since.
  void forget();

  void read_ahead(std::uint64_t bytes) noexcept { ahead_bytes_ = bytes; }

  // Whoever goes on from front to back is read for in advance, by threads that this starts once it
  // is worth it. For walks of whole logs.
  void stream() { stream_ = std::make_unique<ReadAhead>(*disk_); }

 private:
  struct Free {
    void operator()(std::byte* memory) const noexcept { std::free(memory); }
  };

  Result<void> fill(Disk::File slot, std::uint64_t offset, std::uint64_t bytes);
  bool go_on(std::uint64_t offset, std::uint64_t bytes);
  bool take_streamed(std::uint64_t bytes);
  bool reserve(std::uint64_t bytes);

  Disk* disk_;
  std::unique_ptr<ReadAhead> stream_;  // null: nothing is read in advance
  std::uint64_t in_a_row_ = 0;         // bytes that were read from front to back
  std::uint32_t block_bytes_;
  std::uint64_t slot_bytes_;
  std::uint64_t ahead_bytes_;
  std::unique_ptr<std::byte, Free> memory_;
  std::uint64_t capacity_ = 0;
  Disk::File slot_ = 0;
  std::uint64_t offset_ = 0;
  std::uint64_t held_bytes_ = 0;
};

}  // namespace millrace
