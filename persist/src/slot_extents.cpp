#include "slot_extents.hpp"

#include <array>
#include <cstddef>
#include <cstring>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <sys/ioctl.h>

namespace millrace {
namespace {

constexpr std::uint32_t kExtentsAtOnce = 64;
constexpr std::uint32_t kDoubtful =
    FIEMAP_EXTENT_SHARED | FIEMAP_EXTENT_UNWRITTEN | FIEMAP_EXTENT_DELALLOC;

// The question, and behind it room for the answer.
constexpr std::size_t kAnswerBytes = sizeof(fiemap) + kExtentsAtOnce * sizeof(fiemap_extent);

}  // namespace

bool all_written(int fd, std::uint64_t bytes) noexcept {
  std::uint64_t at = 0;
  while (at < bytes) {
    alignas(fiemap) std::array<std::byte, kAnswerBytes> room{};
    auto* const asked = reinterpret_cast<fiemap*>(room.data());
    asked->fm_start = at;
    asked->fm_length = bytes - at;
    asked->fm_extent_count = kExtentsAtOnce;
    if (ioctl(fd, FS_IOC_FIEMAP, asked) != 0) return true;
    const std::uint32_t mapped = asked->fm_mapped_extents;
    if (mapped == 0 || mapped > kExtentsAtOnce) return false;  // a hole up to the end
    for (std::uint32_t index = 0; index < mapped; ++index) {
      fiemap_extent extent;
      std::memcpy(&extent, room.data() + sizeof(fiemap) + index * sizeof extent, sizeof extent);
      if (extent.fe_logical > at || (extent.fe_flags & kDoubtful) != 0) return false;
      at = extent.fe_logical + extent.fe_length;
    }
  }
  return true;
}

}  // namespace millrace
