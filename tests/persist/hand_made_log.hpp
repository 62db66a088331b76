// A small writer of logs that does exactly what it is told, in any order and with any numbers: the
// log's own writer could not make the damage that recovery must judge. It shares no code with it
// but the layout and the checksum.
#pragma once

#include "memory_disk.hpp"
#include "millrace/persist/journal.hpp"
#include "millrace/persist/journal_records.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace millrace::persist_test {

// One entry of an item, with its payload.
struct MadeEntry {
  layout::TableEntry row{};
  std::vector<std::byte> payload;
};

struct MadePlace {
  Disk::File slot = 0;
  std::uint64_t segment = 0;
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
  std::uint32_t crc = 0;
};

class HandMadeLog {
 public:
  static constexpr std::uint32_t kBlock = 4096;
  static constexpr std::uint64_t kSegment = 64 << 10;

  HandMadeLog();

  // Writes the newer of the two copies; the other stays as it is.
  void write_manifest();

  // A prepared slot with its spare header.
  void prepare(Disk::File slot);
  // Only the pattern: its preparation was cut short.
  void prepare_half(Disk::File slot);

  // The next item is the head of a new segment, with the catalog as far as it goes.
  void begin_segment(Disk::File slot, std::uint64_t segment);

  // Where the next segment says that the one before it ended, if not at the last item.
  void continue_after(ItemNumber item);

  void add_lane(JournalLaneId id, const std::string& producer);
  // `count` messages, 8 bytes and more each, continuing the lane.
  MadeEntry run(JournalLaneId lane, std::uint32_t count, std::size_t bytes = 8);
  // The same from a given sequence on.
  [[nodiscard]] MadeEntry run_from(JournalLaneId lane, Sequence first, std::uint32_t count,
                                   std::size_t bytes = 8) const;
  [[nodiscard]] MadeEntry part(JournalLaneId lane, std::uint32_t at, std::uint32_t bytes,
                               std::uint32_t whole);
  [[nodiscard]] MadeEntry catalog(JournalLaneId lane) const;
  MadeEntry gap(JournalLaneId lane, Sequence to);
  [[nodiscard]] static MadeEntry acknowledgement(JournalLaneId lane, Sequence before,
                                                 const std::string& subscriber);

  ItemNumber item(layout::ItemKind kind, const std::vector<MadeEntry>& entries);

  ItemNumber batch(const std::vector<MadeEntry>& entries) {
    return item(layout::ItemKind::batch, entries);
  }

  ItemNumber watermark() { return item(layout::ItemKind::watermark, {}); }

  [[nodiscard]] const MadePlace& place(ItemNumber item) const { return places_.at(item); }

  // ---- damage ----
  // One bit of the item's payload, or of its header.
  void damage_payload(ItemNumber item);
  void damage_header(ItemNumber item);
  void fill(ItemNumber item, std::uint64_t word);
  void make_unreadable(ItemNumber item);

  [[nodiscard]] std::byte* at(Disk::File slot, std::uint64_t offset) {
    return bytes->files[slot].data() + offset;
  }

  [[nodiscard]] std::unique_ptr<Disk> disk() const { return std::make_unique<MemoryDisk>(bytes); }

  std::shared_ptr<DiskBytes> bytes = std::make_shared<DiskBytes>();
  layout::Manifest manifest{};
  bool manifest_to_b = false;

  // Of the next item.
  ItemNumber next_item = 1;
  std::optional<ItemNumber> durable;  // unset: all before it
  std::uint64_t epoch = 1;
  std::uint64_t wall_ns = 1'700'000'000'000'000'000;
  std::uint64_t boot_ns = 5'000'000'000;
  std::uint32_t boot = 1;
  std::map<JournalLaneId, Sequence> next_sequence;
  std::map<JournalLaneId, layout::CatalogRecord> lanes;

 private:
  std::map<ItemNumber, MadePlace> places_;
  MadePlace last_{};  // of the item written last; offset is where the next one goes
  Disk::File slot_ = 0;
  std::uint64_t segment_ = 0;
  std::uint64_t offset_ = 0;
};

}  // namespace millrace::persist_test
