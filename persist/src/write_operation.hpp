// One write or flush that is under way, and what its outcome means. Both engines resubmit by the
// same rule: the rest of a short write once, interrupted and "try again" a bounded number of times;
// everything else is the truth, and is told. A failed flush is never tried again: the kernel may
// have marked the lost pages clean, and the second try would succeed.
//
// Thread rules: plain data.
#pragma once

#include "millrace/persist/disk.hpp"
#include "slot_files.hpp"

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace millrace {

struct WriteOperation {
  static constexpr unsigned kRepeatsMax = 16;

  std::uint64_t id = 0;
  Disk::File file = 0;
  bool flush = false;
  bool dsync = false;
  std::uint64_t offset = 0;          // of the first byte, in the file
  std::span<const std::byte> bytes;  // empty for a flush
  std::size_t buffer = 0;            // that they are in
  SlotFiles::Open target;
  std::size_t written = 0;
  unsigned repeats = 0;
  bool was_short = false;

  // What is still to be written.
  [[nodiscard]] std::span<const std::byte> rest() const noexcept { return bytes.subspan(written); }

  [[nodiscard]] std::uint64_t rest_offset() const noexcept { return offset + written; }

  // Takes in what the kernel returned. The result for Done; nothing: the rest must be submitted.
  [[nodiscard]] std::optional<std::int64_t> take(std::int64_t result,
                                                 std::size_t block_bytes) noexcept {
    if (result == -EINTR || (result == -EAGAIN && !flush)) {
      if (++repeats <= kRepeatsMax) return std::nullopt;
      return result;
    }
    if (flush) return result < 0 ? result : 0;
    if (result < 0) return result;
    written += static_cast<std::size_t>(result);
    if (written >= bytes.size()) return static_cast<std::int64_t>(bytes.size());
    // The remainder of a short write begins within a block, or the device makes no progress.
    if (was_short || result == 0 || written % block_bytes != 0) return -EIO;
    was_short = true;
    return std::nullopt;
  }
};

}  // namespace millrace
