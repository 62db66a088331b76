// What readers know of a log that somebody else may be writing: its segments, its lanes, and how
// far it is proven durable. Any number of scans share one, and whoever looks again looks for all.
//
// Thread rules: one thread at a time for an index and all its scans.
#pragma once

#include "evidence.hpp"
#include "item_facts.hpp"
#include "lane_tracker.hpp"
#include "log_walk.hpp"
#include "recovered_log.hpp"
#include "slot_survey.hpp"

#include <deque>
#include <memory>
#include <optional>

namespace millrace {

class LogIndex {
 public:
  static Result<std::shared_ptr<LogIndex>> open(std::unique_ptr<Disk> disk);

  // A manifest block, the last segment's continuation, and a successor's head. All of the log once
  // another writer has opened it. Errors: as JournalReader::open.
  Result<void> refresh();

  // A manifest block: forgets segments that retention has taken.
  Result<void> look_at_first_live();

  // Messages of this lane below `below` are known to be durable from elsewhere; so are the items
  // that hold them, and all before those.
  Result<void> prove(JournalLaneId lane, Sequence below);

  [[nodiscard]] Disk& disk() const noexcept { return *disk_; }

  [[nodiscard]] const layout::Manifest& manifest() const noexcept { return log_.manifest; }

  [[nodiscard]] const Uuid& uuid() const noexcept { return uuid_; }

  [[nodiscard]] const std::vector<SegmentInfo>& segments() const noexcept { return log_.segments; }

  [[nodiscard]] const Catalog& catalog() const noexcept { return lanes_.catalog(); }

  // Last item that is proven durable.
  [[nodiscard]] ItemNumber end() const noexcept { return log_.end; }

  [[nodiscard]] std::uint64_t unproven_bytes() const noexcept { return unproven_bytes_; }

  // Why the log ends where it does, if not because nothing more was written; null: it is whole.
  [[nodiscard]] const Error* damage() const noexcept {
    return log_.damage ? &*log_.damage : nullptr;
  }

  [[nodiscard]] const SegmentInfo* find(std::uint64_t segment) const noexcept;
  // The oldest one above this number.
  [[nodiscard]] const SegmentInfo* after(std::uint64_t segment) const noexcept;

 private:
  struct Waiting {
    SegmentInfo segment;  // that it lies in
    ItemFacts facts;
    std::uint64_t bytes = 0;
  };

  explicit LogIndex(std::unique_ptr<Disk> disk) : disk_(std::move(disk)) {}

  Result<void> read_all();
  Result<void> walk_on();
  Result<void> walk_segment(SegmentInfo& segment, WalkPlace& place);
  Result<std::optional<SeenSlot>> successor(const SegmentInfo& segment, const WalkPlace& place);
  Result<void> accept_until(ItemNumber item);
  Result<void> accept(const Waiting& item);
  void drop_trimmed();
  void count_unproven() noexcept;

  std::unique_ptr<Disk> disk_;
  RecoveredLog log_;
  Uuid uuid_{};
  LaneTracker lanes_;
  std::optional<ItemReader> reader_;
  std::optional<Evidence> evidence_;
  std::deque<Waiting> waiting_;
  std::uint64_t unproven_bytes_ = 0;
  bool sealed_ = false;  // the walk ended with a seal
};

}  // namespace millrace
