// Makes a manifest anew from the segments, when both copies of it are lost. All but the key lies in
// the heads; and of the key only what it does to a checksum matters, which one authentic header
// tells: a checksum is linear in what it began with.
#pragma once

#include "millrace/core/result.hpp"
#include "millrace/persist/disk.hpp"
#include "millrace/persist/journal_records.hpp"

namespace millrace {

// Errors: not_found (no slot holds a head that could be one), damaged (heads contradict each
// other).
[[nodiscard]] Result<layout::Manifest> manifest_from_segments(Disk& disk);

}  // namespace millrace
