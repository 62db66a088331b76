// One recovery in its order (R5): look at every slot, link the segments, walk the end, judge it by
// what was durable (D1), and say what every slot is good for (D2).
#pragma once

#include "evidence.hpp"
#include "item_view.hpp"
#include "lane_tracker.hpp"
#include "manifest_read.hpp"
#include "recover_chain.hpp"
#include "recover_end.hpp"
#include "recovered_log.hpp"
#include "slot_survey.hpp"

#include <optional>
#include <vector>

namespace millrace {

// The manifest that counts. Errors: not_found (no manifest, and no slot was ever used), format,
// damaged: without a manifest there is no key to check anything with, but nobody may take used
// slots for empty ones.
[[nodiscard]] Result<ManifestPair> find_manifest(Disk& disk);

class RecoverySteps {
 public:
  RecoverySteps(Disk& disk, RecoverAs as, const std::vector<DurableWitness>& witnesses,
                RecoveredLog& log);

  Result<void> run();

 private:
  Result<void> refuse(const Failure& damage);
  Result<void> survey();
  Result<void> link();
  Result<void> walk_end();
  Result<void> judge();
  Result<void> judge_nothing();
  [[nodiscard]] Failure damage_at_end() const;
  Result<void> accept_end();
  [[nodiscard]] bool only_what_is_proven() const noexcept;
  [[nodiscard]] const DurableWitness* short_of() const;
  [[nodiscard]] const JournalLane* lane_of(const DurableWitness& witness) const;
  Result<void> check_witnesses() const;
  void look_behind_end();
  void look_at_cut_segments();
  void cut();
  void sort_slots();
  void report();
  [[nodiscard]] bool window() const noexcept;
  [[nodiscard]] std::size_t first_walked() const noexcept;
  [[nodiscard]] const SeenSlot* torn_switch() const noexcept;
  [[nodiscard]] bool newest_head_is_lost() const noexcept;

  Disk* disk_;
  RecoverAs as_;
  const std::vector<DurableWitness>* witnesses_;
  RecoveredLog* log_;
  ItemReader reader_;
  Evidence evidence_;
  SlotSurvey survey_;
  Chain chain_;
  LaneTracker lanes_;
  std::optional<EndWalk> end_walk_;
  std::optional<ItemFacts> next_good_;  // behind the end
  bool found_behind_ = false;           // authentic bytes behind the end
};

}  // namespace millrace
