// What can be told of the block device under a directory: whether it has a cache that a flush must
// empty, and which CPUs its interrupts go to. A thread that spins on such a CPU makes each durable
// write 25 times slower, because the completion waits behind it; placement keeps spinners away.
//
// Thread rules: any thread; reads a few files of /sys and /proc, never for a message path.
#pragma once

#include "millrace/core/result.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace millrace {

struct DeviceFacts {
  std::string number;       // "254:0"; empty: no block device can be seen, the rest is unknown
  std::string name;         // "vda", "nvme0n1p2"
  std::string write_cache;  // "write back" (needs flushes), "write through", or "unknown"
  std::optional<bool> fua;  // one write can be made durable without a flush of everything
  std::uint32_t physical_block = 0;      // bytes; 0: unknown
  std::vector<unsigned> interrupt_cpus;  // ascending; empty: unknown
};

// Errors: not_found, no_permission.
[[nodiscard]] Result<DeviceFacts> device_facts(const std::string& directory);

// The same for a device whose number is known. `root` is put before /sys and /proc, so that tests
// can show a made-up machine.
[[nodiscard]] DeviceFacts facts_of_device(const std::string& number, const std::string& root = "");

}  // namespace millrace
