// The only way past damage: says durably what is given up, in both manifests, and nothing else. No
// slot is touched; what is intact behind the damage is still there.
#include "item_shape.hpp"
#include "lost_key.hpp"
#include "manifest_read.hpp"
#include "millrace/persist/verify.hpp"
#include "open_disk.hpp"
#include "recover_verdict.hpp"
#include "verify_log.hpp"

#include <algorithm>
#include <cstring>
#include <memory>

namespace millrace {

namespace {

struct Aligned {
  void operator()(std::byte* memory) const noexcept { std::free(memory); }
};

Result<void> write_manifest(Disk& disk, Disk::File file, layout::Manifest& manifest) {
  const std::size_t block = std::max<std::size_t>(disk.facts().block_bytes, sizeof manifest);
  const std::unique_ptr<std::byte, Aligned> bytes(
      static_cast<std::byte*>(std::aligned_alloc(block, block)));
  if (!bytes) return fail(Errc::no_space, "no memory for a block of the journal's manifest");
  std::memset(bytes.get(), 0, block);
  ++manifest.generation;
  manifest.crc = manifest_checksum(manifest);
  std::memcpy(bytes.get(), &manifest, sizeof manifest);
  return disk.write_block(file, 0, {bytes.get(), block});
}

// The copy that does not count first, so that at every moment one of them is whole.
Result<void> write_both(Disk& disk, layout::Manifest manifest, bool newest_is_b) {
  const Disk::File first = newest_is_b ? Disk::kManifestA : Disk::kManifestB;
  const Disk::File second = newest_is_b ? Disk::kManifestB : Disk::kManifestA;
  auto written = write_manifest(disk, first, manifest);
  if (!written) return written;
  return write_manifest(disk, second, manifest);
}

// Losses that no live item borders on any more need not be remembered.
void forget_old_losses(layout::Manifest& manifest, std::uint64_t kept_from) {
  std::uint32_t kept = 0;
  for (std::uint32_t i = 0; i < manifest.tombstones; ++i)
    if (manifest.accepted[i].to >= kept_from) manifest.accepted[kept++] = manifest.accepted[i];
  for (std::uint32_t i = kept; i < manifest.tombstones; ++i)
    manifest.accepted[i] = {};
  manifest.tombstones = kept;
}

}  // namespace

Result<VerifyReport> repair_on(Disk& disk) {
  auto locked = disk.lock(nullptr, nullptr);
  if (!locked) return Failure(locked.error());
  auto flushed = disk.flush_all();
  if (!flushed) return Failure(flushed.error());
  const ManifestPair pair = read_manifests(disk);
  if (pair.state == ManifestState::later_version) return no_manifest(true);
  layout::Manifest manifest = pair.newest;
  Damage lost_manifest;
  if (pair.state != ManifestState::good) {
    auto made = manifest_from_segments(disk);
    if (!made) return Failure(made.error());
    manifest = *made;
    lost_manifest.what = "both copies of the manifest; made anew from the segments";
  }
  auto verified = verify_log(disk, manifest, {});
  if (!verified) return Failure(verified.error());
  std::vector<Damage>& damages = verified->report.damages;
  if (!verified->repairable) {
    return fail(Errc::damaged, "the journal cannot be repaired: %.300s",
                damages.back().what.c_str());
  }
  if (!lost_manifest.what.empty()) damages.insert(damages.begin(), std::move(lost_manifest));
  if (damages.empty()) {
    return fail(Errc::bad_argument, "nothing in the journal is damaged; it was not changed");
  }
  forget_old_losses(verified->manifest, verified->first_item);
  verified->manifest.clean_end = 0;
  auto written = write_both(disk, verified->manifest, pair.is_b);
  if (!written) return Failure(written.error());
  auto opens = recover(disk, RecoverAs::writer);
  if (!opens) return Failure(opens.error());
  return std::move(verified->report);
}

Result<VerifyReport> repair_journal(const std::string& directory) {
  auto disk = open_disk({.directory = directory,
                         .create = false,
                         .read_only = false,
                         .allow_volatile = true,
                         .trust_file_system = true,
                         .durability = {}});
  if (!disk) return Failure(disk.error());
  return repair_on(**disk);
}

}  // namespace millrace
