#include "item_entries.hpp"

#include "millrace/core/limits.hpp"

#include <cstdint>

namespace millrace {

namespace {

using layout::EntryKind;

constexpr std::uint16_t kMayBePassedOver = 64;

// Bytes of one record of the journal's own; 0: the kind holds something else.
std::uint64_t record_size(EntryKind kind) noexcept {
  switch (kind) {
    case EntryKind::segment_head: return sizeof(layout::SegmentHead);
    case EntryKind::catalog: return sizeof(layout::CatalogRecord);
    case EntryKind::acknowledged: return sizeof(layout::AcknowledgedRecord);
    case EntryKind::gap: return sizeof(layout::GapRecord);
    case EntryKind::clock: return sizeof(layout::ClockRecord);
    case EntryKind::index: return sizeof(layout::IndexRecord);
    case EntryKind::run:
    case EntryKind::part: break;
  }
  return 0;
}

bool run_makes_sense(const layout::TableEntry& row) noexcept {
  return row.count != 0 && row.bytes % kRecordAlign == 0 && row.bytes / kHeaderBytes >= row.count &&
         row.first + row.count > row.first;
}

bool part_makes_sense(const layout::TableEntry& row) noexcept {
  const std::uint64_t end = std::uint64_t{row.at} + row.bytes;
  const bool first = (row.flags & layout::kPartFirst) != 0;
  const bool last = (row.flags & layout::kPartLast) != 0;
  return row.bytes != 0 && row.bytes % kRecordAlign == 0 && end <= row.whole &&
         first == (row.at == 0) && last == (end == row.whole) && row.count == (last ? 1U : 0U) &&
         row.first + 1 != 0;
}

bool row_makes_sense(const layout::TableEntry& row) noexcept {
  const auto kind = static_cast<EntryKind>(row.kind);
  if (kind == EntryKind::run) return run_makes_sense(row);
  if (kind == EntryKind::part) return part_makes_sense(row);
  const std::uint64_t size = record_size(kind);
  return size == 0 || row.bytes == size * row.count;
}

bool known_kind(std::uint16_t kind) noexcept {
  return kind == static_cast<std::uint16_t>(EntryKind::run) ||
         kind == static_cast<std::uint16_t>(EntryKind::part) ||
         record_size(static_cast<EntryKind>(kind)) != 0;
}

}  // namespace

bool entries_make_sense(const ItemView& view) noexcept {
  std::uint64_t at = 0;
  for (const ItemEntry& entry : view.entries) {
    if (!row_makes_sense(entry.row)) return false;
    if (at + entry.row.bytes > view.header.payload_bytes) return false;
    at += rounded_up(entry.row.bytes, kPayloadAlign);
  }
  return true;
}

const layout::TableEntry* unknown_entry(const ItemView& view) noexcept {
  for (const ItemEntry& entry : view.entries) {
    if (entry.row.kind < kMayBePassedOver && !known_kind(entry.row.kind)) return &entry.row;
  }
  return nullptr;
}

}  // namespace millrace
