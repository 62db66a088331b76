#include "millrace/persist/journal_reader.hpp"

#include "journal_scan.hpp"
#include "log_index.hpp"
#include "open_disk.hpp"

#include <algorithm>

namespace millrace {

Result<JournalReader> JournalReader::open(const std::string& directory) {
  auto disk = open_disk_to_read(directory);
  if (!disk) return Failure(disk.error());
  return open(std::move(*disk));
}

Result<JournalReader> JournalReader::open(std::unique_ptr<Disk> disk) {
  auto index = LogIndex::open(std::move(disk));
  if (!index) return Failure(index.error());
  auto scan = std::make_unique<JournalScan>(std::move(*index));
  scan->stream();
  return JournalReader(std::move(scan));
}

JournalReader::JournalReader(std::unique_ptr<JournalScan> scan) noexcept : scan_(std::move(scan)) {}

JournalReader::JournalReader(JournalReader&&) noexcept = default;
JournalReader& JournalReader::operator=(JournalReader&&) noexcept = default;
JournalReader::~JournalReader() = default;

Result<JournalReader> JournalReader::another() const {
  return JournalReader(std::make_unique<JournalScan>(scan_->shared_index()));
}

Result<void> JournalReader::refresh() {
  return scan_->index().refresh();
}

const std::vector<JournalLane>& JournalReader::lanes() const noexcept {
  return scan_->index().catalog().lanes();
}

std::optional<Sequence> JournalReader::acknowledged(std::string_view subscriber,
                                                    JournalLaneId lane) const {
  return scan_->index().catalog().acknowledged(subscriber, lane);
}

const Uuid& JournalReader::uuid() const noexcept {
  return scan_->index().uuid();
}

std::uint64_t JournalReader::epoch() const noexcept {
  return scan_->index().manifest().epoch;
}

std::uint64_t JournalReader::unproven_bytes() const noexcept {
  return scan_->index().unproven_bytes();
}

Result<std::optional<JournaledMessage>> JournalReader::next() {
  return scan_->next();
}

bool JournalReader::goes_on() const noexcept {
  return scan_->goes_on();
}

Result<void> JournalReader::seek(JournalLaneId lane, Sequence sequence, Sequence proven_below) {
  return scan_->seek(lane, sequence, proven_below);
}

Result<void> JournalReader::seek_time(std::uint64_t wall_ns) {
  return scan_->seek_time(wall_ns);
}

void JournalReader::seek_begin() noexcept {
  scan_->seek_begin();
}

}  // namespace millrace
