// The checksums that hold an item and a manifest together; one place for the writer and the readers.
#pragma once

#include "crc32c.hpp"
#include "millrace/persist/journal_records.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace millrace {

// Checksum of some bytes with the four at `hole` taken as zero, which is where it will stand.
// REQUIRES: bytes.size() >= hole + 4.
[[nodiscard]] inline std::uint32_t crc_around(std::span<const std::byte> bytes, std::size_t hole,
                                              std::uint32_t before) noexcept {
  constexpr std::array<std::byte, 4> kZeroes{};
  const std::uint32_t first = crc32c(bytes.first(hole), before);
  return crc32c(bytes.subspan(hole + kZeroes.size()), crc32c(kZeroes, first));
}

// What every header checksum of a log begins with: who does not know the key cannot forge one.
[[nodiscard]] inline std::uint32_t header_seed(const layout::Manifest& manifest) noexcept {
  return crc32c(std::as_bytes(std::span(manifest.key)));
}

// ItemHeader::header_crc. `front` is the header, the table and the escapes as they lie on disk.
[[nodiscard]] inline std::uint32_t header_crc(std::span<const std::byte> front,
                                              std::uint32_t seed) noexcept {
  return crc_around(front, offsetof(layout::ItemHeader, header_crc), seed);
}

// Manifest::crc.
[[nodiscard]] inline std::uint32_t manifest_crc(const layout::Manifest& manifest) noexcept {
  const std::span<const layout::Manifest, 1> one(&manifest, 1);
  return crc_around(std::as_bytes(one), offsetof(layout::Manifest, crc), 0);
}

}  // namespace millrace
