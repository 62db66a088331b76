#include "crc32c.hpp"

#include <algorithm>
#include <climits>
#include <isa-l/crc.h>

namespace millrace {

std::uint32_t crc32c(std::span<const std::byte> bytes, std::uint32_t before) noexcept {
  std::uint32_t state = ~before;
  while (!bytes.empty()) {
    const std::size_t step = std::min<std::size_t>(bytes.size(), INT_MAX / 2);
    // It only reads; its declaration has no const.
    auto* const data = const_cast<unsigned char*>(  // NOLINT(cppcoreguidelines-pro-type-const-cast)
        reinterpret_cast<const unsigned char*>(bytes.data()));
    state = crc32_iscsi(data, static_cast<int>(step), state);
    bytes = bytes.subspan(step);
  }
  return ~state;
}

}  // namespace millrace
