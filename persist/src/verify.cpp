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

}  // namespace

Result<VerifyReport> verify_on(Disk& disk, const VerifyProgress& progress) {
  const std::uint64_t began = disk.now().boot_ns;
  for (int looks = 1;; ++looks) {
    const auto found = find_manifest(disk);
    if (!found) return Failure(found.error());
    const layout::Manifest& manifest = found->newest;
    auto verified = verify_log(disk, manifest, progress);
    if (!verified) return Failure(verified.error());
    verified->report.nanoseconds = disk.now().boot_ns - began;
    if (verified->report.damages.empty() || looks == kLooks) return std::move(verified->report);
    const auto after = find_manifest(disk);
    const bool moved = after && (after->newest.first_live != manifest.first_live ||
                                 after->newest.epoch != manifest.epoch);
    if (!moved) return std::move(verified->report);
  }
}

Result<VerifyReport> verify_journal(const VerifyOptions& options) {
  auto disk = open_disk_to_read(options.directory);
  if (!disk) return Failure(disk.error());
  return verify_on(**disk, options.progress);
}

}  // namespace millrace
