#include "flaw.hpp"
#include "item_view.hpp"
#include "manifest_read.hpp"
#include "recover_chain.hpp"
#include "recover_end.hpp"
#include "recover_lanes.hpp"
#include "recover_steps.hpp"
#include "recover_verdict.hpp"
#include "recovered_log.hpp"
#include "slot_survey.hpp"

#include <algorithm>

namespace millrace {

namespace {

// A reader beside a running log may meet a slot that is just being used again, or an item that was
// not there when it looked, and look again. Not for ever: real damage stays.
constexpr int kLooks = 4;

Result<layout::Manifest> find_manifest(Disk& disk, RecoveredLog& log) {
  const ManifestPair pair = read_manifests(disk);
  if (pair.state == ManifestState::good) {
    log.manifest_is_b = pair.is_b;
    return pair.newest;
  }
  if (pair.state == ManifestState::later_version) return no_manifest(true);
  auto used = any_segment_without_manifest(disk);
  if (!used) return Failure(used.error());
  if (*used) return no_manifest(false);
  return fail(Errc::not_found, "there is no journal: no manifest, and no slot was ever used");
}

}  // namespace

Result<RecoveredLog> recover(Disk& disk, RecoverAs as,
                             const std::vector<DurableWitness>& witnesses) {
  const std::uint64_t began = disk.now().boot_ns;
  if (as == RecoverAs::writer && !MILLRACE_FLAW(read_before_flush)) {
    // What a dead process wrote may still be lost with the power: nothing is believed before that.
    auto flushed = disk.flush_all();
    if (!flushed) return Failure(flushed.error());
  }
  for (int looks = 1;; ++looks) {
    RecoveredLog log;
    auto manifest = find_manifest(disk, log);
    if (!manifest) return Failure(manifest.error());
    log.manifest = *manifest;
    RecoverySteps steps(disk, as, witnesses, log);
    auto done = steps.run();
    log.report.nanoseconds = disk.now().boot_ns - began;
    if (done && (!log.damage || looks == kLooks)) return log;
    if (!done && (as == RecoverAs::writer || looks == kLooks)) return Failure(done.error());
  }
}

}  // namespace millrace
