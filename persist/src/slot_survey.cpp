#include "slot_survey.hpp"

#include "flaw.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace millrace {

namespace {

// Items that stand in a slot without a head, counted by the newest segment among them.
void count_found(SeenSlot& seen, const ItemView& view) {
  if (view.header.segment < seen.found_segment) return;
  if (view.header.segment > seen.found_segment) {
    seen.found_segment = view.header.segment;
    seen.found_first = view.header.item;
    seen.found_head = view.header.offset == 0;
    seen.found_durable = 0;
    seen.found_items = 0;
    seen.found_bytes = 0;
  }
  seen.found_durable = std::max(seen.found_durable, view.header.durable);
  ++seen.found_items;
  seen.found_bytes += view.bytes;
}

// T3: only a slot without any item that may be needed is free to be prepared again.
void look_through(SeenSlot& seen, ItemReader& reader, Evidence& evidence) {
  if (MILLRACE_FLAW(unreadable_is_spare)) return;
  const layout::Manifest& manifest = reader.manifest();
  reader.window().read_ahead(kReadAheadBytes);
  ItemView view;
  for (std::uint64_t at = 0; at < manifest.segment_bytes; at += manifest.block_bytes) {
    const ItemState state = reader.read(seen.slot, at, ReadDepth::header, view);
    seen.unreadable = seen.unreadable || state == ItemState::unreadable;
    if (!authentic(state)) continue;
    evidence.take(view.header);
    if (view.header.segment >= manifest.first_live) count_found(seen, view);
  }
  seen.state = seen.found_segment != 0 ? SlotState::headless
               : seen.unreadable       ? SlotState::unreadable
                                       : SlotState::unprepared;
}

// A head that the device never wrote leaves what stood there before: an unused slot, or a segment
// that nobody needs. What follows it tells. Blocks are looked at as far as one read goes; a head is
// longer than that only in a log of hundreds of lanes.
bool hides_items(const SeenSlot& seen, ItemReader& reader, std::uint64_t own) {
  const layout::Manifest& manifest = reader.manifest();
  const std::uint64_t end = std::min<std::uint64_t>(manifest.segment_bytes, kReadAheadBytes);
  reader.window().read_ahead(kReadAheadBytes);
  ItemView view;
  for (std::uint64_t at = manifest.block_bytes; at < end; at += manifest.block_bytes) {
    const ItemState state = reader.read(seen.slot, at, ReadDepth::header, view);
    const std::uint64_t segment = authentic(state) ? view.header.segment : 0;
    if (segment >= manifest.first_live && segment > own) return true;
  }
  return false;
}

void look_at_head(SeenSlot& seen, ItemReader& reader, Evidence& evidence) {
  ItemView view;
  seen.head_state = reader.read(seen.slot, 0, ReadDepth::payload, view);
  if (seen.head_state == ItemState::whole) {
    const auto kind = static_cast<layout::ItemKind>(view.header.kind);
    const auto head = segment_head_of(view, seen.slot, reader.manifest());
    auto facts = facts_of(view);  // hides_items() reads on, and the view ends
    const bool unused = kind == layout::ItemKind::spare ||
                        (head && view.header.segment < reader.manifest().first_live);
    if (unused && hides_items(seen, reader, view.header.segment)) {
      look_through(seen, reader, evidence);
      return;
    }
    if (kind == layout::ItemKind::spare) {
      seen.state = SlotState::spare;
      return;
    }
    if (head) {
      evidence.take(view.header);
      seen.state = SlotState::segment;
      seen.header = view.header;
      seen.head = *head;
      seen.facts = std::move(facts);
      return;
    }
    seen.head_state = ItemState::nonsense;
  }
  look_through(seen, reader, evidence);
}

}  // namespace

std::optional<layout::SegmentHead> segment_head_of(const ItemView& view, Disk::File slot,
                                                   const layout::Manifest& manifest) {
  if (view.header.kind != static_cast<std::uint8_t>(layout::ItemKind::segment)) return {};
  for (const ItemEntry& entry : view.entries) {
    if (entry.row.kind != static_cast<std::uint16_t>(layout::EntryKind::segment_head)) continue;
    if (entry.row.count != 1) return {};
    const auto head = entry.record<layout::SegmentHead>();
    const bool ours = std::memcmp(head.uuid, manifest.uuid, sizeof head.uuid) == 0;
    const bool in_order = head.predecessor_segment < view.header.segment &&
                          head.predecessor_item < view.header.item &&
                          head.predecessor_end <= manifest.segment_bytes;
    if (ours && in_order && head.slot == slot) return head;
    return {};
  }
  return {};
}

Result<SlotSurvey> survey_slots(Disk& disk, ItemReader& reader, Evidence& evidence) {
  auto slots = disk.slots();
  if (!slots) return Failure(slots.error());
  SlotSurvey survey;
  for (const Disk::Slot& slot : *slots) {
    SeenSlot& seen = survey.slots.emplace_back();
    seen.slot = slot.file;
    seen.doubtful = slot.doubtful;
    // Its making was cut short: it never held anything.
    if (slot.bytes < reader.manifest().segment_bytes) continue;
    reader.window().read_ahead(reader.manifest().block_bytes);
    look_at_head(seen, reader, evidence);
    if (seen.head_state == ItemState::later_version) survey.later_version = seen.head_state;
  }
  reader.window().read_ahead(kReadAheadBytes);
  return survey;
}

void look_behind_cut_tail(SeenSlot& seen, ItemReader& reader, Evidence& evidence) {
  if (!hides_items(seen, reader, seen.header.segment)) return;
  look_through(seen, reader, evidence);
}

Remains look_behind(ItemReader& reader, Disk::File slot, std::uint64_t segment,
                    std::uint64_t offset, Evidence& evidence) {
  Remains remains;
  ItemView view;
  std::uint64_t at = offset;
  while (at < reader.manifest().segment_bytes) {
    const ItemState state = reader.read(slot, at, ReadDepth::payload, view);
    std::uint64_t step = reader.manifest().block_bytes;
    if (authentic(state)) {
      evidence.take(view.header);
      if (view.header.segment == segment) remains.end = at + view.bytes;
    }
    if (state == ItemState::whole && view.header.segment == segment) {
      ++remains.items;
      if (!remains.next_good) remains.next_good = facts_of(view);
      step = view.bytes;
    }
    remains.unreadable = remains.unreadable || state == ItemState::unreadable;
    at += step;
  }
  return remains;
}

}  // namespace millrace
