#include "sim_oracle.hpp"

#include "crc32c.hpp"

#include <algorithm>
#include <cstring>
#include <vector>

namespace millrace::sim {

namespace {

std::optional<layout::Manifest> manifest_at(const SimulatedMedium& medium, Disk::File file,
                                            bool certain) {
  if (certain && !medium.certain(file, 0, sizeof(layout::Manifest))) return std::nullopt;
  const auto bytes = medium.read(file, 0, sizeof(layout::Manifest));
  if (!bytes) return std::nullopt;
  layout::Manifest manifest;
  std::memcpy(&manifest, bytes->data(), sizeof manifest);
  if (manifest.magic != layout::kManifestMagic) return std::nullopt;
  layout::Manifest blank = manifest;
  blank.crc = 0;
  if (crc32c(std::as_bytes(std::span(&blank, 1))) != manifest.crc) return std::nullopt;
  return manifest;
}

std::uint64_t front_bytes_of(const layout::ItemHeader& header) noexcept {
  const std::uint64_t bytes = sizeof header + header.table_entries * sizeof(layout::TableEntry) +
                              header.escapes * sizeof(std::uint32_t);
  return (bytes + 7) / 8 * 8;
}

}  // namespace

std::optional<layout::Manifest> manifest_of(const SimulatedMedium& medium, bool certain) {
  const auto a = manifest_at(medium, Disk::kManifestA, certain);
  const auto b = manifest_at(medium, Disk::kManifestB, certain);
  if (!a || !b) return a ? a : b;
  return a->generation > b->generation ? a : b;
}

std::uint64_t covered_bytes(const layout::ItemHeader& header) noexcept {
  return front_bytes_of(header) + header.stored_bytes;
}

bool payload_is_whole(std::span<const std::byte> bytes, const layout::ItemHeader& header) noexcept {
  if (bytes.size() < covered_bytes(header)) return false;
  const auto payload = bytes.subspan(front_bytes_of(header), header.stored_bytes);
  return crc32c(payload) == header.payload_crc;
}

std::optional<layout::ItemHeader> header_of(std::span<const std::byte> bytes,
                                            const layout::Manifest& manifest) {
  layout::ItemHeader header;
  if (bytes.size() < sizeof header) return std::nullopt;
  std::memcpy(&header, bytes.data(), sizeof header);
  if (header.magic != layout::kItemMagic || header.salt != manifest.salt) return std::nullopt;
  if (header.table_entries > bytes.size() || header.escapes > bytes.size()) return std::nullopt;
  const std::uint64_t front = front_bytes_of(header);
  if (front > bytes.size()) return std::nullopt;
  std::vector<std::byte> copy(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(front));
  std::memset(copy.data() + offsetof(layout::ItemHeader, header_crc), 0, 4);
  const std::uint32_t key = crc32c(std::as_bytes(std::span(manifest.key)));
  if (crc32c(copy, key) != header.header_crc) return std::nullopt;
  return header;
}

ItemNumber proven_durable(const SimulatedMedium& medium) {
  const auto manifest = manifest_of(medium);
  if (!manifest) return 0;
  ItemNumber proven = std::max(manifest->clean_end, manifest->lower_bound);
  const std::uint64_t block = medium.facts.block_bytes;
  std::vector<std::byte> front;
  for (const Disk::Slot& slot : medium.slots()) {
    for (std::uint64_t offset = 0; offset + block <= slot.bytes; offset += block) {
      // As many whole blocks as can be read from here, for a front longer than one.
      front.clear();
      for (std::uint64_t at = offset; at < offset + 2 * block; at += block) {
        const auto bytes = medium.read(slot.file, at, block);
        if (!bytes) break;
        front.insert(front.end(), bytes->begin(), bytes->end());
      }
      const auto header = header_of(front, *manifest);
      if (!header || header->offset != offset || header->item == 0) continue;
      proven = std::max(proven, header->durable);
      if (header->item > manifest->depth) proven = std::max(proven, header->item - manifest->depth);
    }
  }
  return proven;
}

}  // namespace millrace::sim
