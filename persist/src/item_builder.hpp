// Builds one item in the buffer that it will be written from. Records are copied once, to where
// they lie on disk: the builder reserves room for the table and the escapes in front of them, and
// moves the payload only where it had guessed too little.
//
// With compression the payload is gathered beside the buffer and packed into it at the end.
#pragma once

#include "item_packer.hpp"
#include "item_shape.hpp"
#include "millrace/persist/journal_layout.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace millrace {

// What the header says about an item besides its content; see layout::ItemHeader.
struct ItemStamp {
  std::uint64_t salt = 0;
  std::uint64_t segment = 0;
  std::uint64_t offset = 0;
  std::uint64_t epoch = 0;
  std::uint64_t item = 0;
  std::uint64_t durable = 0;
  std::uint64_t wall_ns = 0;
  std::uint64_t boot_ns = 0;
  std::uint32_t boot = 0;
  std::uint32_t previous_crc = 0;
};

struct FinishedItem {
  std::uint64_t bytes = 0;  // to write: whole blocks
  std::uint32_t header_crc = 0;
};

class ItemBuilder {
 public:
  // Both numbers of bytes are multiples of `block_bytes`, at most 1 MiB for an item.
  ItemBuilder(std::uint32_t block_bytes, std::uint32_t item_bytes, bool compress);

  // REQUIRES buffer.size() >= item_bytes. Forgets what was being built.
  void begin(layout::ItemKind kind, std::span<std::byte> buffer) noexcept;

  void forget() noexcept {
    buffer_ = {};
    table_.clear();
    payload_bytes_ = 0;
  }

  [[nodiscard]] bool begun() const noexcept { return !buffer_.empty(); }

  [[nodiscard]] bool empty() const noexcept { return table_.empty(); }

  [[nodiscard]] std::size_t payload_bytes() const noexcept { return payload_bytes_; }

  // Where the next entry's payload goes, at most `wanted` bytes; empty: the item is full.
  [[nodiscard]] std::span<std::byte> room(std::size_t wanted) noexcept;

  // The bytes at the beginning of the last room() belong to this entry. A run that continues the
  // last entry becomes part of it. REQUIRES entry.bytes <= the size of that room.
  void add(const layout::TableEntry& entry) noexcept;

  // A small record of the journal's own; those of one kind share an entry. False: no room.
  bool add_record(layout::EntryKind kind, std::span<const std::byte> record) noexcept;

  [[nodiscard]] std::span<const layout::TableEntry> table() const noexcept { return table_; }

  // Payload of an entry that lies `at` bytes from the beginning of the payload.
  [[nodiscard]] std::span<const std::byte> payload(std::size_t at,
                                                   std::size_t bytes) const noexcept;
  [[nodiscard]] std::span<std::byte> payload(std::size_t at, std::size_t bytes) noexcept;

  // Lays the item out for its place on disk. May be called again, with another stamp.
  FinishedItem finish(const ItemStamp& stamp, std::span<const std::uint8_t, 16> key) noexcept;

 private:
  [[nodiscard]] std::size_t free_bytes(std::size_t entries) const noexcept;
  [[nodiscard]] std::byte* payload_begin() const noexcept;
  void place_payload() noexcept;
  void move_payload(std::size_t front) noexcept;
  [[nodiscard]] std::size_t escape_blocks() noexcept;
  void undo_escapes() noexcept;
  [[nodiscard]] std::uint32_t write_front(const ItemStamp& stamp,
                                          std::span<const std::uint8_t, 16> key) noexcept;

  std::uint32_t block_bytes_;
  std::uint32_t item_bytes_;
  std::size_t escapes_most_;  // one for every block but the first
  std::size_t entries_most_;
  std::size_t reserved_entries_;  // grows and shrinks with what items needed of late
  std::optional<ItemPacker> packer_;
  std::vector<std::byte> gathered_;  // payload before it is packed
  std::vector<layout::TableEntry> table_;
  std::vector<std::uint32_t> escapes_;

  layout::ItemKind kind_ = layout::ItemKind::batch;
  std::span<std::byte> buffer_;
  std::size_t front_ = 0;          // bytes in front of the payload
  std::size_t payload_bytes_ = 0;  // as it was added
  std::size_t stored_bytes_ = 0;   // as it lies on disk
  std::uint8_t codec_ = 0;
  bool placed_ = false;  // nothing may be added any more
};

}  // namespace millrace
