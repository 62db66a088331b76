// A look at every slot: its first block, and all of it where that says nothing (D2). A slot whose
// head cannot be read is never taken for an unused one before every block of it was looked at.
#pragma once

#include "evidence.hpp"
#include "item_facts.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace millrace {

enum class SlotState : std::uint8_t {
  segment,     // a whole head: which segment it is, and what came before
  spare,       // prepared, not used yet
  headless,    // no whole head, but items that may be needed
  unprepared,  // nothing in it that is needed; it must be prepared before it is used
  unreadable,  // as unprepared, and the device refuses some of it
};

struct SeenSlot {
  Disk::File slot = 0;
  SlotState state = SlotState::unprepared;
  ItemState head_state = ItemState::garbage;
  bool unreadable = false;      // some block of it
  bool doubtful = false;        // prepare it again once it is free
  layout::ItemHeader header{};  // of a segment's head
  layout::SegmentHead head{};
  ItemFacts facts;

  // Of a headless one: the items that were found. Numbers of the newest segment among them.
  std::uint64_t found_segment = 0;
  ItemNumber found_first = 0;
  bool found_head = false;       // that item is the head itself
  ItemNumber found_durable = 0;  // the highest that one of them proves
  std::uint64_t found_items = 0;
  std::uint64_t found_bytes = 0;
};

struct SlotSurvey {
  std::vector<SeenSlot> slots;
  ItemState later_version = ItemState::whole;  // else: some head needs a later version
};

// Every authentic header that is seen goes to `evidence`.
[[nodiscard]] Result<SlotSurvey> survey_slots(Disk& disk, ItemReader& reader, Evidence& evidence);

// A segment that is not of the log, as it seems: the head that was to replace it may be what was
// never written. Then the slot is headless.
void look_behind_cut_tail(SeenSlot& seen, ItemReader& reader, Evidence& evidence);

// Parses the head of a segment; nothing if this is none, or was written to another slot.
[[nodiscard]] std::optional<layout::SegmentHead> segment_head_of(const ItemView& view,
                                                                 Disk::File slot,
                                                                 const layout::Manifest& manifest);

// What stands behind a place in a slot, block by block. Items of other segments than `segment` are
// evidence, but not counted.
struct Remains {
  std::uint64_t items = 0;  // whole ones
  std::uint64_t end = 0;    // offset behind the last authentic one; 0: there was none
  bool unreadable = false;
  std::optional<ItemFacts> next_good;  // first whole item
};

[[nodiscard]] Remains look_behind(ItemReader& reader, Disk::File slot, std::uint64_t segment,
                                  std::uint64_t offset, Evidence& evidence);

}  // namespace millrace
