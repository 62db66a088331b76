// What one item says about lanes, without its messages: small enough to be kept until it is known
// whether the item counts.
#pragma once

#include "item_view.hpp"

#include <cstdint>
#include <variant>
#include <vector>

namespace millrace {

// Rows are runs and parts. In the order of the table.
using LaneFact = std::variant<layout::TableEntry, layout::CatalogRecord, layout::AcknowledgedRecord,
                              layout::GapRecord>;

struct ItemFacts {
  layout::ItemHeader header{};
  std::uint64_t end = 0;  // offset behind it
  std::vector<LaneFact> lanes;
};

// REQUIRES that the payload was read.
[[nodiscard]] ItemFacts facts_of(const ItemView& view);

}  // namespace millrace
