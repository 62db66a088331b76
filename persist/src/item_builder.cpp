#include "item_builder.hpp"

#include <algorithm>
#include <cstring>

namespace millrace {
namespace {

// Fewer are not worth guessing, and a table this long costs an item of one block 160 bytes.
constexpr std::size_t kReservedLeast = 4;

// Escapes that fit without a move even when the table fills what was reserved.
constexpr std::size_t kEscapesReserved = 2;

}  // namespace

ItemBuilder::ItemBuilder(std::uint32_t block_bytes, std::uint32_t item_bytes, bool compress)
    : block_bytes_(block_bytes),
      item_bytes_(item_bytes),
      escapes_most_(rounded_up(item_bytes / block_bytes, 2)),
      entries_most_(item_bytes / 8 / sizeof(layout::TableEntry)),
      reserved_entries_(kReservedLeast) {
  table_.reserve(entries_most_);
  escapes_.reserve(escapes_most_);
  if (compress) {
    packer_.emplace();
    gathered_.resize(item_bytes);
  }
}

void ItemBuilder::begin(layout::ItemKind kind, std::span<std::byte> buffer) noexcept {
  kind_ = kind;
  buffer_ = buffer.first(item_bytes_);
  table_.clear();
  escapes_.clear();
  front_ = front_bytes(reserved_entries_, kEscapesReserved);
  payload_bytes_ = 0;
  stored_bytes_ = 0;
  codec_ = kCodecPlain;
  placed_ = false;
}

std::byte* ItemBuilder::payload_begin() const noexcept {
  return packer_ ? const_cast<std::byte*>(gathered_.data()) : buffer_.data() + front_;
}

// With the most escapes there can be, so that finish() always has the room to move.
std::size_t ItemBuilder::free_bytes(std::size_t entries) const noexcept {
  const std::size_t front = front_bytes(std::max(reserved_entries_, entries), escapes_most_);
  const std::size_t used = front + payload_bytes_;
  return used < item_bytes_ ? item_bytes_ - used : 0;
}

std::span<std::byte> ItemBuilder::room(std::size_t wanted) noexcept {
  if (!begun() || placed_ || table_.size() == entries_most_) return {};
  // Whole records only, so a room that does not end on their boundary would be wasted.
  const std::size_t free = free_bytes(table_.size() + 1) / kPayloadAlign * kPayloadAlign;
  return {payload_begin() + payload_bytes_, std::min(wanted, free)};
}

void ItemBuilder::add(const layout::TableEntry& entry) noexcept {
  const std::size_t padded = rounded_up(entry.bytes, kPayloadAlign);
  std::memset(payload_begin() + payload_bytes_ + entry.bytes, 0, padded - entry.bytes);
  payload_bytes_ += padded;
  if (!table_.empty()) {
    layout::TableEntry& last = table_.back();
    const bool runs = entry.kind == static_cast<std::uint16_t>(layout::EntryKind::run) &&
                      last.kind == entry.kind && last.lane == entry.lane &&
                      last.bytes % kPayloadAlign == 0;
    if (runs && last.first + last.count == entry.first) {
      last.count += entry.count;
      last.bytes += entry.bytes;
      return;
    }
  }
  table_.push_back(entry);
}

bool ItemBuilder::add_record(layout::EntryKind kind, std::span<const std::byte> record) noexcept {
  const std::span<std::byte> place = room(record.size());
  if (place.size() < record.size()) return false;
  std::memcpy(place.data(), record.data(), record.size());
  const auto number = static_cast<std::uint16_t>(kind);
  const auto bytes = static_cast<std::uint32_t>(record.size());
  if (!table_.empty() && table_.back().kind == number) {
    payload_bytes_ += bytes;
    table_.back().count += 1;
    table_.back().bytes += bytes;
    return true;
  }
  layout::TableEntry entry{};
  entry.kind = number;
  entry.count = 1;
  entry.bytes = bytes;
  add(entry);
  return true;
}

std::span<const std::byte> ItemBuilder::payload(std::size_t at, std::size_t bytes) const noexcept {
  return {payload_begin() + at, bytes};
}

std::span<std::byte> ItemBuilder::payload(std::size_t at, std::size_t bytes) noexcept {
  return {payload_begin() + at, bytes};
}

void ItemBuilder::place_payload() noexcept {
  const std::size_t needed = front_bytes(table_.size(), kEscapesReserved);
  stored_bytes_ = payload_bytes_;
  if (!packer_) {
    if (needed > front_) move_payload(needed);
    return;
  }
  front_ = needed;
  const std::span<const std::byte> whole(gathered_.data(), payload_bytes_);
  const std::uint64_t plain = rounded_up(front_ + payload_bytes_, block_bytes_);
  // One block less than the plain item, or it is not worth anybody's time to unpack it.
  if (plain > front_ + block_bytes_) {
    const std::span<std::byte> into = buffer_.subspan(front_, plain - block_bytes_ - front_);
    if (const auto packed = packer_->pack(whole, into); packed) {
      stored_bytes_ = *packed;
      codec_ = kCodecLz4;
      return;
    }
  }
  std::memcpy(buffer_.data() + front_, whole.data(), whole.size());
}

void ItemBuilder::move_payload(std::size_t front) noexcept {
  std::memmove(buffer_.data() + front, buffer_.data() + front_, stored_bytes_);
  front_ = front;
}

// Takes the magic out of every block but the first; returns how many had it. Table and escapes
// cannot look like it: kinds are small, and so are the numbers of blocks.
std::size_t ItemBuilder::escape_blocks() noexcept {
  const std::size_t end = rounded_up(front_ + stored_bytes_, block_bytes_);
  std::memset(buffer_.data() + front_ + stored_bytes_, 0, end - front_ - stored_bytes_);
  escapes_.clear();
  for (std::size_t at = rounded_up(front_, block_bytes_); at < end; at += block_bytes_) {
    std::uint32_t word = 0;
    std::memcpy(&word, buffer_.data() + at, sizeof word);
    if (word != layout::kItemMagic) continue;
    std::memcpy(buffer_.data() + at, &layout::kEscaped, sizeof layout::kEscaped);
    escapes_.push_back(static_cast<std::uint32_t>(at / block_bytes_));
  }
  return escapes_.size();
}

void ItemBuilder::undo_escapes() noexcept {
  for (const std::uint32_t block : escapes_) {
    std::memcpy(buffer_.data() + std::size_t{block} * block_bytes_, &layout::kItemMagic,
                sizeof layout::kItemMagic);
  }
  escapes_.clear();
}

std::uint32_t ItemBuilder::write_front(const ItemStamp& stamp,
                                       std::span<const std::uint8_t, 16> key) noexcept {
  const std::size_t table_bytes = table_.size() * sizeof(layout::TableEntry);
  const std::size_t escapes_at = sizeof(layout::ItemHeader) + table_bytes;
  layout::ItemHeader header{};
  header.magic = layout::kItemMagic;
  header.version = layout::kJournalVersion;
  header.kind = static_cast<std::uint8_t>(kind_);
  header.codec = codec_;
  header.salt = stamp.salt;
  header.segment = stamp.segment;
  header.offset = stamp.offset;
  header.epoch = stamp.epoch;
  header.item = stamp.item;
  header.durable = stamp.durable;
  header.wall_ns = stamp.wall_ns;
  header.boot_ns = stamp.boot_ns;
  header.boot = stamp.boot;
  header.table_entries = static_cast<std::uint32_t>(table_.size());
  header.escapes = static_cast<std::uint32_t>((front_ - escapes_at) / sizeof(std::uint32_t));
  header.stored_bytes = static_cast<std::uint32_t>(stored_bytes_);
  header.payload_bytes = static_cast<std::uint32_t>(payload_bytes_);
  header.payload_crc = crc32c(buffer_.subspan(front_, stored_bytes_));
  header.previous_crc = stamp.previous_crc;
  std::memcpy(buffer_.data(), &header, sizeof header);
  std::memcpy(buffer_.data() + sizeof header, table_.data(), table_bytes);
  // Fillers first: what is left of the room that was reserved for the table.
  const std::size_t fillers = header.escapes - escapes_.size();
  std::memset(buffer_.data() + escapes_at, 0, fillers * sizeof(std::uint32_t));
  std::memcpy(buffer_.data() + escapes_at + fillers * sizeof(std::uint32_t), escapes_.data(),
              escapes_.size() * sizeof(std::uint32_t));
  const std::uint32_t crc = header_checksum(buffer_.first(front_), key);
  std::memcpy(buffer_.data() + offsetof(layout::ItemHeader, header_crc), &crc, sizeof crc);
  return crc;
}

FinishedItem ItemBuilder::finish(const ItemStamp& stamp,
                                 std::span<const std::uint8_t, 16> key) noexcept {
  if (!placed_) {
    place_payload();
    if (front_bytes(table_.size(), escape_blocks()) > front_) {
      // Moving changes which blocks look like the magic; with room for all no second move follows.
      undo_escapes();
      move_payload(front_bytes(table_.size(), escapes_most_));
      (void)escape_blocks();
    }
    placed_ = true;
    if (kind_ == layout::ItemKind::batch) {
      reserved_entries_ = std::clamp(table_.size() + 1, kReservedLeast, entries_most_ / 2);
    }
  }
  const std::uint64_t bytes = rounded_up(front_ + stored_bytes_, block_bytes_);
  return {.bytes = bytes, .header_crc = write_front(stamp, key)};
}

}  // namespace millrace
