// Follows every lane through the items of a log, in their order, and objects where a sequence comes
// twice or is missing without a word about it: only a defect of the program writes such a log.
#pragma once

#include "catalog.hpp"
#include "item_facts.hpp"

#include <map>
#include <set>
#include <string>
#include <utility>

namespace millrace {

class LaneTracker {
 public:
  using LaneEnds = std::map<JournalLaneId, Sequence>;

  LaneTracker() = default;

  explicit LaneTracker(Catalog catalog) : catalog_(std::move(catalog)) {}

  // What a segment's head says, where the items behind it are not looked at.
  void believe(const ItemFacts& head);

  // An accepted loss lies behind us: every lane may go on with a higher sequence, once.
  void lost_something();

  // Empty: all is as it should be. Where lanes with messages or
  // gaps in it stand behind it goes to `ends`.
  [[nodiscard]] std::string follow(const ItemFacts& item, LaneEnds& ends);

  [[nodiscard]] Catalog& catalog() noexcept { return catalog_; }

  [[nodiscard]] const Catalog& catalog() const noexcept { return catalog_; }

 private:
  [[nodiscard]] std::string follow(const layout::TableEntry& row, LaneEnds& ends);
  [[nodiscard]] std::string follow(const layout::CatalogRecord& record);
  [[nodiscard]] std::string follow(const layout::GapRecord& record, LaneEnds& ends);
  [[nodiscard]] bool reach(JournalLane& lane, Sequence sequence);

  Catalog catalog_;
  std::set<JournalLaneId> may_jump_;
};

}  // namespace millrace
