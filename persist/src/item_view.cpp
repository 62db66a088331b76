#include "item_view.hpp"

#include "item_entries.hpp"

#include <algorithm>
#include <lz4.h>

namespace millrace {

namespace {

enum class Codec : std::uint8_t { none = 0, lz4 = 1 };

// The pattern and zeroes are told apart: only the first is what a prepared slot holds.
ItemState nothing_there(std::span<const std::byte> block) {
  std::uint64_t first = 0;
  std::memcpy(&first, block.data(), sizeof first);
  if (first != 0 && first != kPreparedPattern) return ItemState::garbage;
  for (std::size_t at = 0; at < block.size(); at += sizeof first) {
    std::uint64_t word = 0;
    std::memcpy(&word, block.data() + at, sizeof word);
    if (word != first) return ItemState::garbage;
  }
  return first == 0 ? ItemState::zero : ItemState::pattern;
}

bool plausible(const layout::ItemHeader& header, std::uint64_t offset,
               const layout::Manifest& manifest) {
  constexpr std::uint64_t kEntriesMax = kItemBytesMax / sizeof(layout::TableEntry);
  if (header.magic != layout::kItemMagic || header.salt != manifest.salt) return false;
  if (header.offset != offset || header.table_entries > kEntriesMax) return false;
  if (header.escapes > kItemBytesMax / sizeof(std::uint32_t)) return false;
  if (header.payload_bytes > kItemBytesMax || header.stored_bytes > kItemBytesMax) return false;
  const std::uint64_t bytes = item_bytes(header, manifest.block_bytes);
  return bytes <= kItemBytesMax && bytes <= manifest.segment_bytes - offset;
}

bool known(const layout::ItemHeader& header) {
  return header.version == layout::kJournalVersion &&
         header.kind >= static_cast<std::uint8_t>(layout::ItemKind::segment) &&
         header.kind <= static_cast<std::uint8_t>(layout::ItemKind::spare) &&
         header.codec <= static_cast<std::uint8_t>(Codec::lz4);
}

void copy_table(std::span<const std::byte> front, ItemView& view) {
  view.entries.resize(view.header.table_entries);
  const std::byte* from = front.data() + sizeof(layout::ItemHeader);
  for (ItemEntry& entry : view.entries) {
    std::memcpy(&entry.row, from, sizeof entry.row);
    entry.payload = {};
    from += sizeof entry.row;
  }
}

}  // namespace

const char* to_string(ItemState state) noexcept {
  switch (state) {
    case ItemState::whole: return "it is whole";
    case ItemState::torn: return "the checksum of its payload is wrong";
    case ItemState::pattern: return "nothing was ever written there";
    case ItemState::zero: return "there are only zeroes";
    case ItemState::garbage: return "there is no header, or its checksum is wrong";
    case ItemState::unreadable: return "the device cannot read it";
    case ItemState::later_version: return "a later version wrote it";
    case ItemState::nonsense: return "its table contradicts itself";
  }
  return "?";
}

ItemReader::ItemReader(Disk& disk, const layout::Manifest& manifest)
    : manifest_(manifest),
      window_(disk, manifest.block_bytes, manifest.segment_bytes, kReadAheadBytes) {}

ItemState ItemReader::read(Disk::File slot, std::uint64_t offset, ReadDepth depth, ItemView& view) {
  view.entries.clear();
  view.bytes = manifest_.block_bytes;
  const ItemState front = check_front(slot, offset, view);
  if (front != ItemState::whole || depth == ReadDepth::header) return front;
  return read_payload(slot, offset, view);
}

ItemState ItemReader::check_front(Disk::File slot, std::uint64_t offset, ItemView& view) {
  auto block = window_.at(slot, offset, manifest_.block_bytes);
  if (!block) return ItemState::unreadable;
  std::memcpy(&view.header, block->data(), sizeof view.header);
  if (view.header.magic != layout::kItemMagic) return nothing_there(*block);
  if (!plausible(view.header, offset, manifest_)) return ItemState::garbage;
  auto front = window_.at(slot, offset, front_bytes(view.header));
  if (!front) return ItemState::unreadable;
  if (header_checksum(*front, manifest_.key) != view.header.header_crc) return ItemState::garbage;
  if (!known(view.header)) return ItemState::later_version;
  view.bytes = item_bytes(view.header, manifest_.block_bytes);
  copy_table(*front, view);
  return entries_make_sense(view) ? ItemState::whole : ItemState::nonsense;
}

ItemState ItemReader::read_payload(Disk::File slot, std::uint64_t offset, ItemView& view) {
  auto item = window_.at(slot, offset, view.bytes);
  // The header could be read: that it is authentic counts for more than why the rest is missing.
  if (!item) return ItemState::torn;
  const layout::ItemHeader& header = view.header;
  const auto stored = item->subspan(front_bytes(header), header.stored_bytes);
  if (crc32c(stored) != header.payload_crc) return ItemState::torn;
  std::span<const std::byte> bytes = stored;
  if (header.escapes != 0) {
    stored_.assign(stored.begin(), stored.end());
    if (!restore_escapes(*item, header)) return ItemState::nonsense;
    bytes = stored_;
  }
  if (header.codec == static_cast<std::uint8_t>(Codec::lz4)) {
    payload_.resize(header.payload_bytes);
    const int made = LZ4_decompress_safe(
        reinterpret_cast<const char*>(bytes.data()), reinterpret_cast<char*>(payload_.data()),
        static_cast<int>(bytes.size()), static_cast<int>(payload_.size()));
    if (made < 0 || static_cast<std::size_t>(made) != payload_.size()) return ItemState::nonsense;
    bytes = payload_;
  }
  if (bytes.size() != header.payload_bytes) return ItemState::nonsense;
  return spread_payload(bytes, view) ? ItemState::whole : ItemState::nonsense;
}

// Puts the magic back where copied bytes began a block with it.
bool ItemReader::restore_escapes(std::span<const std::byte> item,
                                 const layout::ItemHeader& header) {
  const std::uint64_t begin = front_bytes(header);
  const std::byte* list =
      item.data() + sizeof header + header.table_entries * sizeof(layout::TableEntry);
  for (std::uint32_t i = 0; i < header.escapes; ++i) {
    std::uint32_t index = 0;
    std::memcpy(&index, list + i * sizeof index, sizeof index);
    if (index == 0) continue;  // a filler
    const std::uint64_t at = std::uint64_t{index} * manifest_.block_bytes;
    std::uint32_t there = 0;
    if (at < begin || at + sizeof there > begin + header.stored_bytes) return false;
    std::memcpy(&there, item.data() + at, sizeof there);
    if (there != layout::kEscaped) return false;
    std::memcpy(stored_.data() + (at - begin), &layout::kItemMagic, sizeof there);
  }
  return true;
}

bool ItemReader::spread_payload(std::span<const std::byte> payload, ItemView& view) const {
  std::uint64_t at = 0;
  for (ItemEntry& entry : view.entries) {
    if (at > payload.size() || entry.row.bytes > payload.size() - at) return false;
    entry.payload = payload.subspan(at, entry.row.bytes);
    at += rounded_up(entry.row.bytes, kPayloadAlign);
  }
  return true;
}

}  // namespace millrace
