#include "millrace/persist/verify.hpp"

#include "manifest_read.hpp"
#include "open_disk.hpp"
#include "recover_steps.hpp"
#include "recover_verdict.hpp"
#include "verify_log.hpp"

namespace millrace {

namespace {

// Retention of a running log may take segments from under the check; each look begins further on.
constexpr int kLooks = 8;

Result<layout::Manifest> manifest_of(Disk& disk) {
  const ManifestPair pair = read_manifests(disk);
  if (pair.state == ManifestState::good) return pair.newest;
  if (pair.state == ManifestState::later_version) return no_manifest(true);
  auto used = any_segment_without_manifest(disk);
  if (!used) return Failure(used.error());
  if (*used) return no_manifest(false);
  return fail(Errc::not_found, "there is no journal: no manifest, and no slot was ever used");
}

}  // namespace

Result<VerifyReport> verify_on(Disk& disk, const VerifyProgress& progress) {
  const std::uint64_t began = disk.now().boot_ns;
  for (int looks = 1;; ++looks) {
    auto manifest = manifest_of(disk);
    if (!manifest) return Failure(manifest.error());
    auto verified = verify_log(disk, *manifest, progress);
    if (!verified) return Failure(verified.error());
    verified->report.nanoseconds = disk.now().boot_ns - began;
    if (verified->report.damages.empty() || looks == kLooks) return std::move(verified->report);
    auto after = manifest_of(disk);
    const bool moved =
        after && (after->first_live != manifest->first_live || after->epoch != manifest->epoch);
    if (!moved) return std::move(verified->report);
  }
}

Result<VerifyReport> verify_journal(const VerifyOptions& options) {
  auto disk = open_disk({.directory = options.directory,
                         .create = false,
                         .read_only = true,
                         .allow_volatile = true,
                         .trust_file_system = true,
                         .durability = {}});
  if (!disk) return Failure(disk.error());
  return verify_on(**disk, options.progress);
}

}  // namespace millrace
