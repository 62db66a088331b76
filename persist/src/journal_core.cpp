#include "journal_core.hpp"

#include "flaw.hpp"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <utility>

namespace millrace {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;

ItemNumber last_number(const RecoveredLog& log) {
  ItemNumber last = log.end;
  for (std::uint32_t index = 0; index < log.manifest.tombstones; ++index) {
    last = std::max(last, log.manifest.accepted[index].to);
  }
  return last;
}

}  // namespace

JournalCore::JournalCore(const JournalOptions& options, std::unique_ptr<Disk> disk,
                         RecoveredLog log)
    : disk_(std::move(disk)),
      facts_(disk_->facts()),
      manifests_(*disk_, log.manifest, log.manifest_is_b),
      report_(log.report),
      options_(options),
      retention_(options.retain, log.manifest.segment_bytes),
      catalog_(std::move(log.catalog)),
      segments_(std::move(log.segments)),
      pool_(options.spares),
      index_(log.manifest.segment_bytes, log.manifest.item_bytes),
      writer_(*disk_, facts_.durability, log.manifest.depth, last_number(log)),
      data_item_{ItemBuilder(log.manifest.block_bytes, log.manifest.item_bytes, options.compress),
                 std::nullopt},
      own_item_{ItemBuilder(log.manifest.block_bytes, log.manifest.item_bytes, false),
                std::nullopt},
      last_crc_(log.end_crc),
      next_segment_(log.highest_segment + 1),
      durable_acknowledged_(catalog_) {
  std::memcpy(uuid_.data(), log.manifest.uuid, uuid_.size());
  for (const SegmentInfo& segment : segments_)
    pool_.know(segment.slot);
  for (const Disk::File file : log.quarantined)
    pool_.know(file);
  for (const Disk::File file : log.unprepared)
    pool_.add_unprepared(file);
  for (const Disk::File file : log.spares)
    pool_.add_spare(file);
  for (const JournalLane& lane : catalog_.lanes())
    built_end(lane.id) = lane.end;
}

Failure JournalCore::poisoned() const noexcept {
  char sentence[Error::kSentenceBytes];
  std::snprintf(sentence, sizeof sentence,
                "the journal in %s is poisoned: a write or flush failed (%s), so what was in "
                "flight may be on the disk or not; close it, look at the disk, and open it anew",
                options_.directory.c_str(), strerrordesc_np(writer_.error()));
  return Failure(Error(Errc::journal_poisoned, writer_.error(), sentence));
}

Failure JournalCore::cannot_submit() const noexcept {
  if (writer_.error() != 0) return poisoned();
  if (state() == LogState::full) {
    return fail(Errc::no_space,
                "the journal in %s is full: no slot of %llu bytes can be made (%s); free space on "
                "its file system or let it keep less, and it goes on by itself",
                options_.directory.c_str(),
                static_cast<unsigned long long>(manifests_.now().segment_bytes),
                strerrordesc_np(prepare_error_));
  }
  return fail(Errc::busy, "%u items of the journal in %s are in flight already; poll first",
              static_cast<unsigned>(writer_.submitted() - writer_.durable()),
              options_.directory.c_str());
}

LogState JournalCore::state() const noexcept {
  if (writer_.error() != 0) return LogState::poisoned;
  const bool waits = step_ == Step::sealing && !next_slot_;
  return waits && prepare_error_ != 0 ? LogState::full : LogState::ok;
}

bool JournalCore::may_submit() const noexcept {
  return disk_ != nullptr && step_ == Step::open && writer_.may_submit();
}

Result<ItemNumber> JournalCore::submit() noexcept {
  if (!disk_) return fail(Errc::closed, "the journal in %s was closed", options_.directory.c_str());
  if (writer_.error() != 0) return poisoned();
  if (!fault_.empty()) return fail(Errc::bad_argument, "%s", fault_.c_str());
  if (!data_.begun() || data_.empty()) {
    return fail(Errc::bad_argument, "nothing is being built for the journal in %s",
                options_.directory.c_str());
  }
  advance();
  if (!may_submit()) return cannot_submit();
  const ItemNumber item = write(data_item_, true);
  if (acknowledged_since_) promote_acknowledgements();
  advance();
  return item;
}

// What a header may say to be durable, so that it proves it.
ItemNumber JournalCore::proven() const noexcept {
  const ItemNumber durable = writer_.durable();
  if (!MILLRACE_FLAW(sequence_watermark)) return durable;
  return index_.stops().empty() ? 0 : std::min(durable, index_.stops().back().item);
}

ItemNumber JournalCore::write(Buffered& item, bool content) noexcept {
  SegmentInfo& segment = segments_.back();
  const layout::Manifest& manifest = manifests_.now();
  const Disk::Now now = disk_->now();
  const ItemNumber number = writer_.submitted() + 1;
  account(item.builder, segment.end, number, now);
  const ItemStamp stamp{.salt = manifest.salt,
                        .segment = segment.segment,
                        .offset = segment.end,
                        .epoch = manifest.epoch,
                        .item = number,
                        .durable = proven(),
                        .wall_ns = now.wall_ns,
                        .boot_ns = now.boot_ns,
                        .boot = manifest.boot,
                        .previous_crc = last_crc_};
  const FinishedItem finished = item.builder.finish(stamp, manifest.key);
  writer_.submit({.item = number,
                  .file = segment.slot,
                  .offset = segment.end,
                  .buffer = *item.buffer,
                  .bytes = finished.bytes});
  item.builder.forget();
  item.buffer.reset();
  last_crc_ = finished.header_crc;
  segment.end += finished.bytes;
  segment.last_item = number;
  segment.wall_ns = now.wall_ns;
  segment.boot_ns = now.boot_ns;
  segment.boot = manifest.boot;
  if (content) content_ = number;
  witnessed_ = stamp.durable;
  idle_since_ns_ = 0;
  ++items_;
  written_bytes_ += finished.bytes;
  return number;
}

// The log's picture of itself follows what is submitted, entry by entry.
void JournalCore::account(const ItemBuilder& item, std::uint64_t offset, ItemNumber number,
                          const Disk::Now& now) {
  std::size_t at = 0;
  for (const layout::TableEntry& entry : item.table()) {
    account_entry(entry, offset, number, now);
    if (entry.kind == static_cast<std::uint16_t>(layout::EntryKind::gap)) {
      account_gaps(item.payload(at, entry.bytes));
    }
    at += rounded_up(entry.bytes, kPayloadAlign);
  }
}

void JournalCore::account_entry(const layout::TableEntry& entry, std::uint64_t offset,
                                ItemNumber number, const Disk::Now& now) {
  const bool run = entry.kind == static_cast<std::uint16_t>(layout::EntryKind::run);
  const bool part = entry.kind == static_cast<std::uint16_t>(layout::EntryKind::part);
  JournalLane* const lane = run || part ? catalog_.find(entry.lane) : nullptr;
  if (lane == nullptr) return;
  payload_bytes_ += entry.bytes;
  lane->end = std::max(lane->end, entry.first + entry.count);
  // A part needs its segment even while the message has no end: a message without its beginning is
  // gone.
  Sequence& end = segments_.back().lane_ends[entry.lane];
  end = std::max(end, entry.first + std::max(entry.count, 1U));
  index_.note({.offset = offset,
               .item = number,
               .boot_ns = now.boot_ns,
               .lane = entry.lane,
               .reserved = 0,
               .first = entry.first});
}

void JournalCore::account_gaps(std::span<const std::byte> records) {
  for (; records.size() >= sizeof(layout::GapRecord);
       records = records.subspan(sizeof(layout::GapRecord))) {
    layout::GapRecord gap;
    std::memcpy(&gap, records.data(), sizeof gap);
    JournalLane* const lane = catalog_.find(gap.lane);
    if (lane != nullptr) lane->end = std::max(lane->end, gap.to);
  }
}

Result<void> JournalCore::poll(std::uint64_t timeout_ns) noexcept {
  if (!disk_) return fail(Errc::closed, "the journal in %s was closed", options_.directory.c_str());
  if (writer_.error() != 0) return poisoned();
  tick();
  if (writer_.error() != 0) return poisoned();
  writer_.wait(std::min(timeout_ns, until_wanted()));
  tick();
  if (writer_.error() != 0) return poisoned();
  return {};
}

Failure JournalCore::silent() const noexcept {
  return fail(Errc::system, "the disk of the journal in %s does not answer; look at it",
              options_.directory.c_str());
}

Result<void> JournalCore::wait_until(bool (*reached)(const JournalCore& core)) noexcept {
  ItemNumber before = writer_.durable();
  for (std::uint32_t waits = 0; !reached(*this); ++waits) {
    if (waits == kPatience) return silent();
    if (auto polled = poll(kSecond); !polled) return polled;
    if (writer_.durable() != before) waits = 0;
    before = writer_.durable();
  }
  return {};
}

JournalStats JournalCore::stats() const {
  JournalStats stats;
  stats.state = state();
  stats.error = writer_.error() != 0 ? writer_.error() : prepare_error_;
  stats.submitted = writer_.submitted();
  stats.durable = writer_.durable();
  stats.epoch = manifests_.now().epoch;
  stats.items = items_;
  stats.payload_bytes = payload_bytes_;
  stats.written_bytes = written_bytes_;
  stats.flushes = writer_.flushes();
  stats.segments_live = segments_.size();
  stats.spares = pool_.spares();
  for (const SegmentInfo& segment : segments_)
    stats.live_bytes += segment.end;
  const HistogramView times = writer_.times().view();
  stats.write_ns_p50 = times.percentile_ns(50);
  stats.write_ns_p99 = times.percentile_ns(99);
  stats.write_ns_p999 = times.percentile_ns(99.9);
  stats.write_ns_max = times.max_ns();
  stats.let_go = let_go_;
  return stats;
}

Result<void> JournalCore::close() noexcept {
  if (!disk_) return {};
  closing_ = true;
  auto drained = wait_until([](const JournalCore& core) {
    return core.writer_.durable() == core.writer_.submitted() && !core.writer_.preparing();
  });
  if (drained) {
    drained = write_manifest(manifests_.now().first_live, writer_.durable());
  }
  // The lock goes with the disk, in every case: who could not close in good order has to reopen.
  disk_.reset();
  return drained;
}

}  // namespace millrace
