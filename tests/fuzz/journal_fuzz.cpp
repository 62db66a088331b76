// Any bytes as a journal: recovery, readers, verify and repair. The input is a manifest, then what
// was written to two slots; the rest of them is as it was prepared. Most mutations would end at a
// checksum, so the first byte may ask for checksums that fit: then they end where meaning is
// judged.
#include "fuzz_target.hpp"
#include "hand_made_log.hpp"
#include "item_shape.hpp"
#include "item_view.hpp"
#include "millrace/persist/journal_reader.hpp"
#include "recovered_log.hpp"
#include "verify_log.hpp"

#include <algorithm>
#include <cstring>
#include <memory>

namespace {

using namespace millrace;
using persist_test::DiskBytes;
using persist_test::HandMadeLog;
using persist_test::MemoryDisk;

constexpr std::size_t kBlock = HandMadeLog::kBlock;
constexpr std::size_t kFirstSlot = 6 * kBlock;  // bytes of the input for slot 0; the rest is slot 1
constexpr std::uint8_t kFit = 1;

void write_part(MemoryDisk& disk, Disk::File file, std::span<const std::uint8_t> bytes) {
  const std::size_t most = file < Disk::kManifestA ? HandMadeLog::kSegment : kBlock;
  static_cast<void>(
      disk.write_block(file, 0, std::as_bytes(bytes.first(std::min(bytes.size(), most)))));
}

// Gives an item at this block the checksums that its bytes have.
void fit(std::span<std::byte> slot, std::size_t at, const layout::Manifest& manifest) {
  layout::ItemHeader header{};
  std::memcpy(&header, slot.data() + at, sizeof header);
  const std::uint64_t room = slot.size() - at;
  const bool fits = header.magic == layout::kItemMagic && header.table_entries < 1024 &&
                    header.escapes < 1024 && header.stored_bytes <= kItemBytesMax &&
                    front_bytes(header) + header.stored_bytes <= room;
  if (!fits) return;
  const std::span<std::byte> front = slot.subspan(at, front_bytes(header));
  header.payload_crc = crc32c(slot.subspan(at + front.size(), header.stored_bytes));
  std::memcpy(front.data(), &header, sizeof header);
  header.header_crc = header_checksum(front, manifest.key);
  std::memcpy(front.data(), &header, sizeof header);
}

void fit_all(DiskBytes& bytes) {
  layout::Manifest manifest{};
  std::vector<std::byte>& file = bytes.files[Disk::kManifestA];
  std::memcpy(&manifest, file.data(), sizeof manifest);
  manifest.crc = manifest_checksum(manifest);
  std::memcpy(file.data(), &manifest, sizeof manifest);
  for (const Disk::File slot : {0U, 1U}) {
    for (std::size_t at = 0; at < HandMadeLog::kSegment; at += kBlock)
      fit(bytes.files[slot], at, manifest);
  }
}

// Bounded, and every message whole.
void read_all(JournalReader& reader) {
  constexpr int kMost = 40'000;  // more records of 8 bytes than both slots hold
  int errors = 0;
  for (int i = 0; errors < 4; ++i) {
    if (i == kMost) fuzz::broken_promise("a reader that does not end");
    auto message = reader.next();
    if (message && !*message) return;
    if (!message) {
      ++errors;
      continue;
    }
    fuzz::touch((*message)->bytes);
  }
}

void read(const std::shared_ptr<DiskBytes>& bytes) {
  auto reader = JournalReader::open(std::make_unique<MemoryDisk>(bytes));
  if (!reader) return;
  read_all(*reader);
  static_cast<void>(reader->refresh());
  for (const Sequence sequence : {Sequence{0}, Sequence{2}, ~Sequence{0}}) {
    if (reader->seek(1, sequence, sequence + 4)) read_all(*reader);
  }
  if (reader->seek_time(1'700'000'000'000'000'000)) read_all(*reader);
}

void recover_twice(const std::shared_ptr<DiskBytes>& bytes) {
  MemoryDisk disk(bytes);
  const auto first = recover(disk, RecoverAs::writer);
  const auto second = recover(disk, RecoverAs::writer);
  if (first.has_value() != second.has_value()) fuzz::broken_promise("a verdict that changes");
  if (first && (first->end != second->end || first->segments.size() != second->segments.size())) {
    fuzz::broken_promise("an end that changes");
  }
  if (first && bytes->writes != 0) fuzz::broken_promise("a recovery that writes");
}

void repair(const DiskBytes& from) {
  const auto bytes = std::make_shared<DiskBytes>(from);
  MemoryDisk disk(bytes);
  if (!repair_on(disk)) return;
  MemoryDisk again(bytes);
  if (!recover(again, RecoverAs::writer)) fuzz::broken_promise("a repaired log that is refused");
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1 + kBlock) return 0;
  const std::span<const std::uint8_t> input(data, size);
  auto bytes = std::make_shared<DiskBytes>();
  MemoryDisk disk(bytes);
  write_part(disk, Disk::kManifestA, input.subspan(1, kBlock));
  const auto slots = input.subspan(1 + kBlock);
  const auto first = slots.first(std::min(slots.size(), kFirstSlot));
  for (const Disk::File slot : {0U, 1U})
    disk.prepare(0, slot, HandMadeLog::kSegment);
  write_part(disk, 0, first);
  write_part(disk, 1, slots.subspan(first.size()));
  if ((input[0] & kFit) != 0) fit_all(*bytes);
  bytes->writes = 0;
  recover_twice(bytes);
  read(bytes);
  MemoryDisk verified(bytes);
  static_cast<void>(verify_on(verified, {}));
  repair(*bytes);
  return 0;
}

std::vector<fuzz::Bytes> fuzz::seeds() {
  HandMadeLog log;
  log.add_lane(1, "alice");
  log.add_lane(2, "bob");
  log.begin_segment(0, 1);
  log.batch({log.catalog(1), log.catalog(2), log.run(1, 3), log.run(2, 1, 40)});
  log.batch({log.gap(1, 9), HandMadeLog::acknowledgement(2, 1, "billing"), log.run(1, 1)});
  log.batch({log.part(2, 0, 64, 128)});
  log.batch({log.part(2, 64, 64, 128), log.run(1, 2)});
  log.item(layout::ItemKind::seal, {});
  log.begin_segment(1, 2);
  log.batch({log.run(1, 2)});
  log.watermark();
  log.write_manifest();
  std::vector<Bytes> all;
  for (const std::uint8_t flags : {std::uint8_t{0}, kFit}) {
    Bytes input = {flags};
    const auto add = [&](Disk::File file, std::size_t length) {
      const auto* const begin = reinterpret_cast<const std::uint8_t*>(log.at(file, 0));
      input.insert(input.end(), begin, begin + length);
    };
    add(Disk::kManifestA, kBlock);
    add(0, kFirstSlot);
    add(1, 4 * kBlock);
    all.push_back(input);
  }
  return all;
}
