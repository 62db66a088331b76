// Looks at every live item of a log and goes on behind whatever is damaged, as if its loss were
// accepted; so verify finds all of it, and repair knows what to give up. Writes nothing.
#pragma once

#include "evidence.hpp"
#include "lane_tracker.hpp"
#include "millrace/persist/verify.hpp"
#include "recover_chain.hpp"
#include "recover_end.hpp"
#include "recovered_log.hpp"
#include "slot_survey.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace millrace {

using VerifyProgress = std::function<bool(std::uint64_t done_bytes, std::uint64_t all_bytes)>;

struct VerifiedLog {
  VerifyReport report;
  layout::Manifest manifest{};  // with what would have to be given up
  ItemNumber first_item = 0;    // oldest live one
  bool repairable = true;       // false: no tombstone helps
};

// Errors: format, timeout (`progress` said so), too_many (places to give up), system.
[[nodiscard]] Result<VerifiedLog> verify_log(Disk& disk, const layout::Manifest& manifest,
                                             const VerifyProgress& progress);

// The whole of verify_journal and repair_journal, on any disk. The second wants it for itself.
[[nodiscard]] Result<VerifyReport> verify_on(Disk& disk, const VerifyProgress& progress);
[[nodiscard]] Result<VerifyReport> repair_on(Disk& disk);

class LogCheck {
 public:
  LogCheck(Disk& disk, const layout::Manifest& manifest, const VerifyProgress& progress);

  Result<VerifiedLog> run();

 private:
  Result<void> link();
  Result<void> give_up_missing();
  [[nodiscard]] ItemNumber last_item_before(std::uint64_t segment);
  Result<void> walk();
  Result<bool> judge();
  Result<bool> give_up_broken();
  [[nodiscard]] std::vector<Damage::Range> cost_of(const LogEnd& end);
  void look_behind_end();
  Result<void> give_up(Damage damage, ItemNumber to);
  [[nodiscard]] Result<void> tell_progress() const;
  void fill_report();

  Disk* disk_;
  const VerifyProgress* progress_;
  VerifiedLog verified_;
  ItemReader reader_;
  Evidence evidence_;
  SlotSurvey survey_;
  Chain chain_;
  RecoveredLog log_;
  LaneTracker lanes_;
  std::optional<EndWalk> walk_;
  std::uint64_t looked_twice_at_ = 0;  // item

  // Behind the place where the walk stands.
  std::optional<ItemFacts> next_good_;
  std::uint64_t behind_bytes_ = 0;
};

}  // namespace millrace
