#include "manifest_read.hpp"

#include "item_shape.hpp"
#include "item_view.hpp"

#include <algorithm>
#include <cstring>

namespace millrace {

namespace {

constexpr std::uint32_t kBlockMin = 4096;
constexpr std::uint32_t kBlockMax = 65536;
constexpr std::uint32_t kDepthMax = 4;
constexpr std::uint64_t kSegmentMax = std::uint64_t{1} << 30;

bool power_of_two(std::uint64_t value) noexcept {
  return value != 0 && (value & (value - 1)) == 0;
}

bool values_make_sense(const layout::Manifest& manifest) noexcept {
  const std::uint32_t block = manifest.block_bytes;
  if (!power_of_two(block) || block < kBlockMin || block > kBlockMax) return false;
  if (manifest.depth == 0 || manifest.depth > kDepthMax) return false;
  if (manifest.segment_bytes < 2 * std::uint64_t{block} || manifest.segment_bytes > kSegmentMax ||
      manifest.segment_bytes % block != 0) {
    return false;
  }
  if (manifest.item_bytes < 2 * std::uint64_t{block} || manifest.item_bytes > kItemBytesMax) {
    return false;
  }
  return manifest.durability <= static_cast<std::uint32_t>(Durability::buffered) &&
         manifest.tombstones <= layout::kTombstonesMax;
}

ManifestState read_one(SlotWindow& window, std::size_t bytes, Disk::File file,
                       layout::Manifest& manifest) {
  auto read = window.at(file, 0, bytes);
  if (read) return check_manifest(*read, manifest);
  return read.error().code() == Errc::not_found ? ManifestState::missing : ManifestState::bad;
}

ManifestState together(ManifestState a, ManifestState b) noexcept {
  for (const ManifestState state :
       {ManifestState::later_version, ManifestState::good, ManifestState::bad}) {
    if (a == state || b == state) return state;
  }
  return ManifestState::missing;
}

}  // namespace

ManifestState check_manifest(std::span<const std::byte> bytes,
                             layout::Manifest& manifest) noexcept {
  layout::Manifest copy{};
  std::memcpy(&copy, bytes.data(), sizeof copy);
  if (copy.magic != layout::kManifestMagic || copy.crc != manifest_checksum(copy)) {
    return ManifestState::bad;
  }
  if (copy.version != layout::kJournalVersion) return ManifestState::later_version;
  if (!values_make_sense(copy)) return ManifestState::bad;
  manifest = copy;
  return ManifestState::good;
}

ManifestPair read_manifests(Disk& disk) {
  ManifestPair pair;
  const std::size_t bytes =
      std::max<std::size_t>(disk.facts().block_bytes, sizeof(layout::Manifest));
  SlotWindow window(disk, static_cast<std::uint32_t>(bytes), bytes, bytes);
  layout::Manifest a{};
  layout::Manifest b{};
  pair.a = read_one(window, bytes, Disk::kManifestA, a);
  pair.b = read_one(window, bytes, Disk::kManifestB, b);
  pair.state = together(pair.a, pair.b);
  if (pair.state != ManifestState::good) return pair;
  pair.is_b = pair.a != ManifestState::good ||
              (pair.b == ManifestState::good && b.generation > a.generation);
  pair.newest = pair.is_b ? b : a;
  return pair;
}

}  // namespace millrace
