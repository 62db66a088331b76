// One item, checked. Whatever stands in a slot is untrusted: bytes of an earlier segment, of
// another log, half of a write, or of somebody who copied a journal into a message. An item is
// believed only where it was written: salt, segment, offset and a checksum seeded with the log's
// key.
//
// Thread rules: one thread.
#pragma once

#include "item_shape.hpp"
#include "millrace/persist/journal.hpp"
#include "millrace/persist/journal_records.hpp"
#include "slot_window.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

namespace millrace {

// The largest item that any options allow; what claims to be longer is none.
inline constexpr std::uint64_t kItemBytesMax = std::uint64_t{1} << 20;

enum class ItemState : std::uint8_t {
  whole,          // header and payload are as they were written, at this place
  torn,           // the header is authentic, the payload is not what it says
  pattern,        // prepared, never written
  zero,           // nothing at all
  garbage,        // anything else
  unreadable,     // the device refuses
  later_version,  // authentic, but of a version or kind that this program does not know
  nonsense,       // authentic, and its table contradicts itself: only a defect writes this
};

[[nodiscard]] const char* to_string(ItemState state) noexcept;

// Is the header believed, so that it is evidence?
[[nodiscard]] constexpr bool authentic(ItemState state) noexcept {
  return state == ItemState::whole || state == ItemState::torn || state == ItemState::nonsense;
}

struct ItemEntry {
  layout::TableEntry row{};
  std::span<const std::byte> payload;

  [[nodiscard]] bool is(layout::EntryKind kind) const noexcept {
    return row.kind == static_cast<std::uint16_t>(kind);
  }

  // Record `index` of an entry that holds records of the journal's own. REQUIRES index < row.count.
  template <class Record>
  [[nodiscard]] Record record(std::size_t index = 0) const noexcept {
    Record copy;
    std::memcpy(&copy, payload.data() + index * sizeof copy, sizeof copy);
    return copy;
  }
};

// Valid until the next read of the ItemReader that filled it.
struct ItemView {
  layout::ItemHeader header{};  // if authentic(state)
  std::uint64_t bytes = 0;      // of the whole item on disk
  std::vector<ItemEntry> entries;
};

enum class ReadDepth : std::uint8_t {
  header,   // and table; entries have no payload: state is whole though nobody looked at it
  payload,  // everything, decompressed
};

class ItemReader {
 public:
  ItemReader(Disk& disk, const layout::Manifest& manifest);

  // What stands at this block of the slot.
  ItemState read(Disk::File slot, std::uint64_t offset, ReadDepth depth, ItemView& view);

  [[nodiscard]] SlotWindow& window() noexcept { return window_; }

  [[nodiscard]] const layout::Manifest& manifest() const noexcept { return manifest_; }

  // After the manifest was read again; identity and sizes of a log never change.
  void follow(const layout::Manifest& manifest) noexcept { manifest_ = manifest; }

 private:
  ItemState check_front(Disk::File slot, std::uint64_t offset, ItemView& view);
  ItemState read_payload(Disk::File slot, std::uint64_t offset, ItemView& view);
  bool restore_escapes(std::span<const std::byte> item, const layout::ItemHeader& header);
  bool spread_payload(std::span<const std::byte> payload, ItemView& view) const;

  layout::Manifest manifest_;
  SlotWindow window_;
  std::vector<std::byte> stored_;   // the payload on disk, escapes undone
  std::vector<std::byte> payload_;  // decompressed
};

}  // namespace millrace
