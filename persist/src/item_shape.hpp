// Where the parts of an item lie, and the checksum that vouches for them. The writer and every
// reader of items compute both here, so that they cannot differ.
#pragma once

#include "crc32c.hpp"
#include "millrace/persist/journal_layout.hpp"
#include "millrace/persist/journal_records.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace millrace {

[[nodiscard]] constexpr std::uint64_t rounded_up(std::uint64_t bytes, std::uint64_t to) noexcept {
  return (bytes + to - 1) / to * to;
}

// The payload of every entry begins on this many bytes, and so does an item's payload on disk: an
// odd number of escapes is followed by 4 zero bytes, which belong to the front.
inline constexpr std::uint64_t kPayloadAlign = 8;

// Bytes of header, table and escapes: what header_crc covers.
[[nodiscard]] constexpr std::uint64_t front_bytes(std::uint64_t entries,
                                                  std::uint64_t escapes) noexcept {
  return rounded_up(sizeof(layout::ItemHeader) + entries * sizeof(layout::TableEntry) +
                        escapes * sizeof(std::uint32_t),
                    kPayloadAlign);
}

[[nodiscard]] constexpr std::uint64_t front_bytes(const layout::ItemHeader& header) noexcept {
  return front_bytes(header.table_entries, header.escapes);
}

// Bytes of the whole item on disk, padding included.
[[nodiscard]] constexpr std::uint64_t item_bytes(const layout::ItemHeader& header,
                                                 std::uint32_t block_bytes) noexcept {
  return rounded_up(front_bytes(header) + header.stored_bytes, block_bytes);
}

// REQUIRES front.size() >= sizeof(ItemHeader). The field itself counts as zero.
[[nodiscard]] inline std::uint32_t header_checksum(std::span<const std::byte> front,
                                                   std::span<const std::uint8_t, 16> key) noexcept {
  std::array<std::byte, sizeof(layout::ItemHeader)> header;
  std::memcpy(header.data(), front.data(), header.size());
  std::memset(header.data() + offsetof(layout::ItemHeader, header_crc), 0, sizeof(std::uint32_t));
  std::uint32_t crc = crc32c(std::as_bytes(std::span(key)));
  crc = crc32c(header, crc);
  return crc32c(front.subspan(header.size()), crc);
}

[[nodiscard]] inline std::uint32_t manifest_checksum(layout::Manifest manifest) noexcept {
  manifest.crc = 0;
  return crc32c(std::as_bytes(std::span(&manifest, 1)));
}

}  // namespace millrace
