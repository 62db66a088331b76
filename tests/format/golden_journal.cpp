#include "golden_journal.hpp"

#include "item_shape.hpp"
#include "millrace/persist/journal_reader.hpp"
#include "recovered_log.hpp"

#include <cstring>
#include <utility>

namespace millrace::format_test {

namespace {

using persist_test::DiskBytes;
using persist_test::HandMadeLog;
using persist_test::MadeEntry;
using persist_test::MemoryDisk;

template <class Record>
MadeEntry one(layout::EntryKind kind, const Record& record) {
  MadeEntry entry;
  entry.row.kind = static_cast<std::uint16_t>(kind);
  entry.row.count = 1;
  entry.row.bytes = sizeof record;
  entry.payload.resize(sizeof record);
  std::memcpy(entry.payload.data(), &record, sizeof record);
  return entry;
}

// Two lanes, a gap, an acknowledgement, a clock, a message in two parts, a seal with one stop.
HandMadeLog made_log() {
  HandMadeLog log;
  log.manifest.tombstones = 1;
  log.manifest.accepted[0] = {.from = 90, .to = 91, .epoch = 0};
  log.add_lane(1, "alice");
  log.add_lane(2, "bob");
  log.begin_segment(0, 1);
  log.batch({log.catalog(1), log.catalog(2), log.run(1, 2, 4), log.run(2, 1, 12)});
  layout::ClockRecord clock{};
  clock.boot_id[0] = 0xa0;
  clock.boot_ns = log.boot_ns;
  clock.wall_ns = log.wall_ns;
  clock.boot = 1;
  clock.steps = 2;
  log.batch({log.gap(1, 5), HandMadeLog::acknowledgement(2, 1, "billing"),
             one(layout::EntryKind::clock, clock), log.run(1, 1, 0)});
  log.batch({log.part(2, 0, 64, 128)});
  log.batch({log.part(2, 64, 64, 128)});
  layout::IndexRecord stop{};
  stop.offset = log.place(3).offset;
  stop.item = 3;
  stop.boot_ns = log.boot_ns;
  stop.lane = 1;
  stop.first = 5;
  log.item(layout::ItemKind::seal, {one(layout::EntryKind::index, stop)});
  log.begin_segment(1, 2);
  log.batch({log.run(2, 1, 8)});
  log.watermark();
  log.write_manifest();
  return log;
}

Bytes written_part(HandMadeLog& log, Disk::File slot, ItemNumber last) {
  const std::byte* const begin = log.at(slot, 0);
  return {begin, begin + log.place(last).offset + log.place(last).bytes};
}

std::string read_back(const std::shared_ptr<DiskBytes>& bytes) {
  auto reader = JournalReader::open(std::make_unique<MemoryDisk>(bytes));
  if (!reader) return std::string(reader.error().sentence());
  std::string text;
  for (;;) {
    auto message = reader->next();
    if (!message) return text + std::string(message.error().sentence());
    if (!*message) return text;
    text += std::to_string((*message)->lane) + ":" + std::to_string((*message)->sequence) + "/" +
            std::to_string((*message)->bytes.size()) + " ";
  }
}

}  // namespace

std::vector<JournalFile> golden_journal() {
  HandMadeLog log = made_log();
  const std::byte* const manifest = log.at(Disk::kManifestA, 0);
  return {{"journal_manifest", Disk::kManifestA, Bytes(manifest, manifest + HandMadeLog::kBlock)},
          {"journal_segment_full", 0, written_part(log, 0, 6)},
          {"journal_segment_open", 1, written_part(log, 1, 9)}};
}

Bytes example_segment() {
  HandMadeLog log;
  log.add_lane(1, "feed");
  log.begin_segment(0, 1);
  log.batch({log.run(1, 2, 4)});
  log.watermark();
  return written_part(log, 0, 3);
}

std::string complaint_about(const std::vector<JournalFile>& files) {
  auto bytes = std::make_shared<DiskBytes>();
  for (const JournalFile& file : files) {
    MemoryDisk disk(bytes);
    if (file.file < Disk::kManifestA) disk.prepare(0, file.file, HandMadeLog::kSegment);
    auto written = disk.write_block(file.file, 0, file.bytes);
    if (!written) return std::string(written.error().sentence());
  }
  MemoryDisk disk(bytes);
  auto log = recover(disk, RecoverAs::writer);
  if (!log) return std::string(log.error().sentence());
  if (log->end != 9 || log->segments.size() != 2) return "the log does not end with item 9";
  if (log->catalog.acknowledged("billing", 2) != 1) return "the acknowledgement is not there";
  const std::string text = read_back(bytes);
  const std::string meant = "1:0/4 1:1/4 2:0/12 1:5/0 2:1/120 2:2/8 ";
  return text == meant ? "" : "read " + text + "instead of " + meant;
}

}  // namespace millrace::format_test
