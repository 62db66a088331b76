#include "manifest_store.hpp"

#include "item_shape.hpp"

#include <cstring>

namespace millrace {

ManifestStore::ManifestStore(Disk& disk, const layout::Manifest& manifest, bool is_b)
    : disk_(disk),
      manifest_(manifest),
      is_b_(is_b),
      block_(disk.facts().block_bytes, disk.facts().block_bytes) {}

Result<void> ManifestStore::write(layout::Manifest changed) noexcept {
  changed.generation = manifest_.generation + 1;
  changed.crc = 0;
  changed.crc = manifest_checksum(changed);
  std::memcpy(block_.span().data(), &changed, sizeof changed);
  const Disk::File older = is_b_ ? Disk::kManifestA : Disk::kManifestB;
  auto written = disk_.write_block(older, 0, block_.span());
  if (!written) return written;
  manifest_ = changed;
  is_b_ = !is_b_;
  return {};
}

}  // namespace millrace
