#include "head_snapshot.hpp"

#include <algorithm>

namespace millrace {

void HeadSnapshot::begin() noexcept {
  done_ = false;
  lane_ = 0;
  after_ = {};
}

bool HeadSnapshot::fill_lanes(ItemBuilder& item, const Catalog& catalog) {
  for (; lane_ < catalog.lanes().size(); ++lane_) {
    const layout::CatalogRecord record = to_record(catalog.lanes()[lane_]);
    if (!item.add_record(layout::EntryKind::catalog, std::as_bytes(std::span(&record, 1)))) {
      return false;
    }
  }
  return true;
}

void HeadSnapshot::fill(ItemBuilder& item, Catalog& catalog) {
  if (!fill_lanes(item, catalog)) return;
  const auto& all = catalog.acknowledgements();
  for (auto next = all.upper_bound(after_); next != all.end(); ++next) {
    const auto& [subscriber, lane] = next->first;
    const JournalLane* const known = catalog.find(lane);
    const Sequence end = known == nullptr ? 0 : known->end;
    const auto record = to_record(subscriber, lane, std::min(next->second, end));
    if (!item.add_record(layout::EntryKind::acknowledged, std::as_bytes(std::span(&record, 1)))) {
      return;
    }
    after_ = next->first;
  }
  done_ = true;
}

}  // namespace millrace
