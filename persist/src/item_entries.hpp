// What the rows of an item's table may say. Checked once, so that whoever uses an entry needs to
// check no bounds again.
#pragma once

#include "item_view.hpp"

namespace millrace {

// Sizes, counts and offsets of every row are possible. Kinds that this version does not know are
// left to unknown_entry().
[[nodiscard]] bool entries_make_sense(const ItemView& view) noexcept;

// An entry that must be understood, and is not: the log needs a later version. Null: none.
[[nodiscard]] const layout::TableEntry* unknown_entry(const ItemView& view) noexcept;

}  // namespace millrace
