// CRC32C (Castagnoli) as iSCSI and ext4 use it. ISA-L's routine inverts neither at the beginning
// nor at the end; crc32c of "123456789" is 0xe3069283.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace millrace {

// Continues `before`, the checksum of what came before these bytes; 0 at the beginning.
[[nodiscard]] std::uint32_t crc32c(std::span<const std::byte> bytes,
                                   std::uint32_t before = 0) noexcept;

}  // namespace millrace
