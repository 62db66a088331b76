#include "item_facts.hpp"

namespace millrace {

namespace {

template <class Record>
void add_records(const ItemEntry& entry, std::vector<LaneFact>& facts) {
  for (std::uint32_t i = 0; i < entry.row.count; ++i)
    facts.emplace_back(entry.record<Record>(i));
}

}  // namespace

ItemFacts facts_of(const ItemView& view) {
  ItemFacts facts{.header = view.header, .end = view.header.offset + view.bytes, .lanes = {}};
  facts.lanes.reserve(view.entries.size());
  for (const ItemEntry& entry : view.entries) {
    switch (static_cast<layout::EntryKind>(entry.row.kind)) {
      case layout::EntryKind::run:
      case layout::EntryKind::part: facts.lanes.emplace_back(entry.row); break;
      case layout::EntryKind::catalog:
        add_records<layout::CatalogRecord>(entry, facts.lanes);
        break;
      case layout::EntryKind::acknowledged:
        add_records<layout::AcknowledgedRecord>(entry, facts.lanes);
        break;
      case layout::EntryKind::gap: add_records<layout::GapRecord>(entry, facts.lanes); break;
      case layout::EntryKind::segment_head:
      case layout::EntryKind::clock:
      case layout::EntryKind::index: break;
    }
  }
  return facts;
}

}  // namespace millrace
