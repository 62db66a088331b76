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
    const auto found = find_manifest(disk);
    if (!found) return Failure(found.error());
    log.manifest = found->newest;
    log.manifest_is_b = found->is_b;
    RecoverySteps steps(disk, as, witnesses, log);
    auto done = steps.run();
    log.report.nanoseconds = disk.now().boot_ns - began;
    if (done && (!log.damage || looks == kLooks)) return log;
    if (!done && (as == RecoverAs::writer || looks == kLooks)) return Failure(done.error());
  }
}

}  // namespace millrace
