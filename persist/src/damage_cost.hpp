// Which messages a damaged place costs, as far as it and its neighbours tell.
#pragma once

#include "catalog.hpp"
#include "item_facts.hpp"
#include "item_view.hpp"
#include "millrace/persist/verify.hpp"

#include <vector>

namespace millrace {

// What lies between where the lanes stand and what the item behind the damage begins with.
[[nodiscard]] std::vector<Damage::Range> ranges_before(const Catalog& lanes,
                                                       const ItemFacts& next_good);

// Adds what the broken item says of itself: its table is believed if its header is, and only the
// payload is not. Lanes of which the neighbours have told are left alone.
void add_own_ranges(const Catalog& lanes, const ItemView& broken,
                    std::vector<Damage::Range>& ranges);

}  // namespace millrace
