#include "hand_made_log.hpp"

#include "item_shape.hpp"
#include "millrace/core/record_layout.hpp"

#include <algorithm>
#include <cstring>
#include <numeric>

namespace millrace::persist_test {

namespace {

constexpr Uuid kUuid = {0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x46, 0x17,
                        0x98, 0x19, 0x1a, 0x1b, 0x1c, 0x1d, 0x1e, 0x1f};

template <class Record>
MadeEntry entry_of(layout::EntryKind kind, const std::vector<Record>& records) {
  MadeEntry entry;
  entry.row.kind = static_cast<std::uint16_t>(kind);
  entry.row.count = static_cast<std::uint32_t>(records.size());
  entry.row.bytes = static_cast<std::uint32_t>(records.size() * sizeof(Record));
  entry.payload.resize(entry.row.bytes);
  std::memcpy(entry.payload.data(), records.data(), entry.row.bytes);
  return entry;
}

void append_record(std::vector<std::byte>& bytes, Sequence sequence, std::size_t length) {
  const layout::RecordHeader header{.length = static_cast<std::uint32_t>(length),
                                    .type = RecordType::message,
                                    .sequence = static_cast<std::uint8_t>(sequence),
                                    .flags = 0,
                                    .key = static_cast<std::uint16_t>(sequence * 3)};
  const std::size_t at = bytes.size();
  bytes.resize(at + layout::record_bytes(length));
  const std::uint64_t word = header.word();
  std::memcpy(bytes.data() + at, &word, sizeof word);
  for (std::size_t i = 0; i < length; ++i)
    bytes[at + kHeaderBytes + i] = static_cast<std::byte>(sequence + i);
}

}  // namespace

HandMadeLog::HandMadeLog() {
  manifest.magic = layout::kManifestMagic;
  manifest.version = layout::kJournalVersion;
  manifest.generation = 1;
  std::ranges::copy(kUuid, manifest.uuid);
  std::iota(std::begin(manifest.key), std::end(manifest.key), std::uint8_t{0xa0});
  manifest.salt = 0x5a17'0000'0000'0001;
  manifest.epoch = 1;
  manifest.depth = 4;
  manifest.block_bytes = kBlock;
  manifest.segment_bytes = kSegment;
  manifest.item_bytes = 16 << 10;
  manifest.first_live = 1;
  manifest.boot_id[0] = 0xa0;  // of an earlier boot than the disk's
  manifest.boot = 1;
  manifest.created_ns = 1'700'000'000'000'000'000;
}

void HandMadeLog::write_manifest() {
  manifest.crc = manifest_checksum(manifest);
  std::vector<std::byte>& file = bytes->files[manifest_to_b ? Disk::kManifestB : Disk::kManifestA];
  file.resize(kBlock);
  std::memcpy(file.data(), &manifest, sizeof manifest);
}

void HandMadeLog::prepare_half(Disk::File slot) {
  MemoryDisk(bytes).prepare(0, slot, kSegment);
}

void HandMadeLog::prepare(Disk::File slot) {
  prepare_half(slot);
  layout::ItemHeader header{};
  header.magic = layout::kItemMagic;
  header.version = layout::kJournalVersion;
  header.kind = static_cast<std::uint8_t>(layout::ItemKind::spare);
  header.salt = manifest.salt;
  header.header_crc = header_checksum(std::as_bytes(std::span(&header, 1)), manifest.key);
  std::memset(at(slot, 0), 0, kBlock);
  std::memcpy(at(slot, 0), &header, sizeof header);
}

void HandMadeLog::continue_after(ItemNumber item) {
  last_ = places_.at(item);
  last_.offset += last_.bytes;
  next_item = item + 1;
}

void HandMadeLog::begin_segment(Disk::File slot, std::uint64_t segment) {
  if (!bytes->files.contains(slot)) prepare(slot);
  layout::SegmentHead head{};
  std::ranges::copy(manifest.uuid, head.uuid);
  head.predecessor_segment = last_.segment;
  head.predecessor_end = last_.offset;
  head.predecessor_item = next_item - 1;
  head.predecessor_crc = last_.crc;
  head.slot = slot;
  head.first_live = manifest.first_live;
  slot_ = slot;
  segment_ = segment;
  offset_ = 0;
  std::vector<MadeEntry> entries = {entry_of(layout::EntryKind::segment_head, std::vector{head})};
  for (const auto& [id, record] : lanes)
    entries.push_back(catalog(id));
  item(layout::ItemKind::segment, entries);
}

void HandMadeLog::add_lane(JournalLaneId id, const std::string& producer) {
  layout::CatalogRecord record{};
  record.lane = id;
  record.channel[0] = 0xcc;
  record.epoch = 100 + id;
  record.life = 1;
  std::strncpy(record.channel_name, "orders", sizeof record.channel_name - 1);
  std::strncpy(record.producer, producer.c_str(), sizeof record.producer - 1);
  lanes[id] = record;
  next_sequence[id] = 0;
}

MadeEntry HandMadeLog::catalog(JournalLaneId lane) const {
  layout::CatalogRecord record = lanes.at(lane);
  record.next = next_sequence.at(lane);
  return entry_of(layout::EntryKind::catalog, std::vector{record});
}

MadeEntry HandMadeLog::run_from(JournalLaneId lane, Sequence first, std::uint32_t count,
                                std::size_t bytes_each) const {
  MadeEntry entry;
  entry.row.kind = static_cast<std::uint16_t>(layout::EntryKind::run);
  entry.row.lane = lane;
  entry.row.first = first;
  entry.row.count = count;
  for (std::uint32_t i = 0; i < count; ++i)
    append_record(entry.payload, first + i, bytes_each);
  entry.row.bytes = static_cast<std::uint32_t>(entry.payload.size());
  return entry;
}

MadeEntry HandMadeLog::run(JournalLaneId lane, std::uint32_t count, std::size_t bytes_each) {
  MadeEntry entry = run_from(lane, next_sequence.at(lane), count, bytes_each);
  next_sequence[lane] += count;
  return entry;
}

MadeEntry HandMadeLog::part(JournalLaneId lane, std::uint32_t from, std::uint32_t part_bytes,
                            std::uint32_t whole) {
  MadeEntry entry;
  std::vector<std::byte> record;
  append_record(record, next_sequence.at(lane), whole - kHeaderBytes);
  entry.payload.assign(record.begin() + from, record.begin() + from + part_bytes);
  entry.row.kind = static_cast<std::uint16_t>(layout::EntryKind::part);
  entry.row.lane = lane;
  entry.row.first = next_sequence.at(lane);
  entry.row.bytes = part_bytes;
  entry.row.at = from;
  entry.row.whole = whole;
  if (from == 0) entry.row.flags |= layout::kPartFirst;
  if (from + part_bytes == whole) {
    entry.row.flags |= layout::kPartLast;
    entry.row.count = 1;
    ++next_sequence[lane];
  }
  return entry;
}

MadeEntry HandMadeLog::gap(JournalLaneId lane, Sequence to) {
  const layout::GapRecord record{
      .lane = lane, .cause = 1, .from = next_sequence.at(lane), .to = to};
  next_sequence[lane] = to;
  return entry_of(layout::EntryKind::gap, std::vector{record});
}

MadeEntry HandMadeLog::acknowledgement(JournalLaneId lane, Sequence before,
                                       const std::string& subscriber) {
  layout::AcknowledgedRecord record{};
  record.lane = lane;
  record.before = before;
  std::strncpy(record.subscriber, subscriber.c_str(), sizeof record.subscriber - 1);
  return entry_of(layout::EntryKind::acknowledged, std::vector{record});
}

ItemNumber HandMadeLog::item(layout::ItemKind kind, const std::vector<MadeEntry>& entries) {
  layout::ItemHeader header{};
  std::vector<std::byte> payload;
  for (const MadeEntry& entry : entries) {
    payload.insert(payload.end(), entry.payload.begin(), entry.payload.end());
    payload.resize(rounded_up(payload.size(), kPayloadAlign));
  }
  header.magic = layout::kItemMagic;
  header.version = layout::kJournalVersion;
  header.kind = static_cast<std::uint8_t>(kind);
  header.salt = manifest.salt;
  header.segment = segment_;
  header.offset = offset_;
  header.epoch = epoch;
  header.item = next_item;
  header.durable = durable.value_or(next_item - 1);
  header.wall_ns = wall_ns;
  header.boot_ns = boot_ns;
  header.boot = boot;
  header.table_entries = static_cast<std::uint32_t>(entries.size());
  header.stored_bytes = header.payload_bytes = static_cast<std::uint32_t>(payload.size());
  header.payload_crc = crc32c(payload);
  header.previous_crc = last_.crc;
  std::vector<std::byte> front(front_bytes(header));
  std::byte* row = front.data() + sizeof header;
  for (const MadeEntry& entry : entries) {
    std::memcpy(row, &entry.row, sizeof entry.row);
    row += sizeof entry.row;
  }
  std::memcpy(front.data(), &header, sizeof header);
  header.header_crc = header_checksum(front, manifest.key);
  std::memcpy(front.data(), &header, sizeof header);
  const std::uint64_t whole = item_bytes(header, kBlock);
  std::memset(at(slot_, offset_), 0, whole);
  std::memcpy(at(slot_, offset_), front.data(), front.size());
  if (!payload.empty())
    std::memcpy(at(slot_, offset_) + front.size(), payload.data(), payload.size());
  places_[next_item] = {slot_, segment_, offset_, whole, header.header_crc};
  offset_ += whole;
  last_ = {slot_, segment_, offset_, whole, header.header_crc};
  return next_item++;
}

void HandMadeLog::damage_payload(ItemNumber item) {
  const MadePlace& where = place(item);
  layout::ItemHeader header{};
  std::memcpy(&header, at(where.slot, where.offset), sizeof header);
  *at(where.slot, where.offset + front_bytes(header)) ^= std::byte{1};
}

void HandMadeLog::damage_header(ItemNumber item) {
  *at(place(item).slot, place(item).offset + offsetof(layout::ItemHeader, wall_ns)) ^= std::byte{1};
}

void HandMadeLog::fill(ItemNumber item, std::uint64_t word) {
  const MadePlace& where = place(item);
  for (std::uint64_t i = 0; i < where.bytes; i += sizeof word)
    std::memcpy(at(where.slot, where.offset + i), &word, sizeof word);
}

void HandMadeLog::make_unreadable(ItemNumber item) {
  bytes->unreadable.insert({place(item).slot, place(item).offset});
}

}  // namespace millrace::persist_test
