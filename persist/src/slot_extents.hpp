// Whether every block of a file has a place of its own on the device. A write into a hole or into
// reserved but never written space changes metadata as well, and one into a block that is shared
// with a copy (cp --reflink, a snapshot) allocates: both are slow, and both can fail on a full
// disk.
#pragma once

#include <cstdint>

namespace millrace {

// True where the file system cannot tell.
[[nodiscard]] bool all_written(int fd, std::uint64_t bytes) noexcept;

}  // namespace millrace
