// Which primitive makes a small write durable soonest on this device: one write that is durable by
// itself (dsync), or a plain write and then a flush. On a drive with a slow FUA the second can be
// twice as fast; on most the first is. Measured once, when a journal is made.
//
// Thread rules: blocks the caller for at most a second.
#pragma once

#include "millrace/core/result.hpp"
#include "millrace/persist/disk.hpp"

#include <cstdint>
#include <string>

namespace millrace {

struct Calibration {
  Durability better = Durability::dsync;
  std::uint64_t dsync_ns_best = 0;
  std::uint64_t dsync_ns_p50 = 0;
  std::uint64_t dsync_ns_p99 = 0;
  std::uint64_t flush_ns_best = 0;
  std::uint64_t flush_ns_p50 = 0;
  std::uint64_t flush_ns_p99 = 0;
  std::uint32_t samples = 0;  // of each
};

// Measures in a scratch file of the directory, which has no name or loses it at once. Needs 1 MiB
// of space and O_DIRECT.
[[nodiscard]] Result<Calibration> calibrate(int directory_fd, const std::string& path,
                                            std::uint32_t block_bytes);

}  // namespace millrace
