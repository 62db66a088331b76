// From a disk to an open log: lock, recover or create, a new epoch.
#include "item_shape.hpp"
#include "journal_core.hpp"
#include "manifest_read.hpp"
#include "open_disk.hpp"

#include <algorithm>
#include <cstring>

namespace millrace {
namespace {

constexpr std::uint64_t kSegmentLeast = std::uint64_t{64} << 10;
constexpr std::uint64_t kSegmentMost = std::uint64_t{1} << 30;
constexpr std::uint64_t kItemLeast = std::uint64_t{8} << 10;
constexpr std::uint64_t kItemMost = std::uint64_t{1} << 20;
constexpr std::uint64_t kItemsLeast = 8;  // a segment holds so many of the largest
constexpr std::uint32_t kSparesMost = 64;

Result<void> check(const JournalOptions& options) {
  if (options.segment_bytes < kSegmentLeast || options.segment_bytes > kSegmentMost) {
    return fail(Errc::bad_argument, "a segment of a journal has 64 KiB to 1 GiB, not %llu bytes",
                static_cast<unsigned long long>(options.segment_bytes));
  }
  if (options.item_bytes < kItemLeast || options.item_bytes > kItemMost) {
    return fail(Errc::bad_argument, "an item of a journal has 8 KiB to 1 MiB, not %llu bytes",
                static_cast<unsigned long long>(options.item_bytes));
  }
  if (options.depth < 1 || options.depth > LogWriter::kDepthMost) {
    return fail(Errc::bad_argument, "a journal has 1 to %u items in flight, not %u",
                LogWriter::kDepthMost, options.depth);
  }
  if (options.spares < 1 || options.spares > kSparesMost) {
    return fail(Errc::bad_argument, "a journal keeps 1 to %u slots ready, not %u", kSparesMost,
                options.spares);
  }
  return {};
}

// Segments and items are whole blocks of this device.
Result<layout::Manifest> fresh_manifest(const JournalOptions& options, const Disk& disk) {
  const std::uint64_t block = disk.facts().block_bytes;
  const std::uint64_t segment = options.segment_bytes / block * block;
  if (segment < 2 * kItemsLeast * block) {
    return fail(Errc::bad_argument,
                "a segment of %llu bytes is too short for blocks of %llu: ask for %llu or more",
                static_cast<unsigned long long>(options.segment_bytes),
                static_cast<unsigned long long>(block),
                static_cast<unsigned long long>(2 * kItemsLeast * block));
  }
  const std::uint64_t item = std::min(options.item_bytes, segment / kItemsLeast) / block * block;
  const Disk::Now now = disk.now();
  const Uuid uuid = random_uuid();
  const Uuid key = random_uuid();
  const Uuid salt = random_uuid();
  layout::Manifest manifest{};
  manifest.magic = layout::kManifestMagic;
  manifest.version = layout::kJournalVersion;
  std::memcpy(manifest.uuid, uuid.data(), uuid.size());
  std::memcpy(manifest.key, key.data(), key.size());
  std::memcpy(&manifest.salt, salt.data(), sizeof manifest.salt);
  manifest.depth = options.depth;
  manifest.block_bytes = static_cast<std::uint32_t>(block);
  manifest.segment_bytes = segment;
  manifest.item_bytes = static_cast<std::uint32_t>(std::max(item, 2 * block));
  manifest.durability = static_cast<std::uint32_t>(disk.facts().durability);
  manifest.first_live = 1;
  std::memcpy(manifest.boot_id, now.boot_id, sizeof manifest.boot_id);
  manifest.created_ns = now.wall_ns;
  return manifest;
}

// Only a manifest yet. Whoever dies before the first segment's head is durable leaves a log that
// says nothing, and the next one goes on from there.
Result<RecoveredLog> create(const JournalOptions& options, Disk& disk) {
  auto manifest = fresh_manifest(options, disk);
  if (!manifest) return Failure(manifest.error());
  auto slots = disk.slots();
  if (!slots) return Failure(slots.error());
  ManifestStore store(disk, *manifest, true);
  if (auto written = store.write(*manifest); !written) return Failure(written.error());
  RecoveredLog log;
  log.manifest = store.now();
  log.manifest_is_b = false;
  log.report.created = true;
  // Files of somebody who died before his manifest was whole.
  for (const Disk::Slot& slot : *slots)
    log.unprepared.push_back(slot.file);
  return log;
}

// A log that holds nothing of what is durable elsewhere is not damaged, it is another one. Where
// there is none at all (`here` is null), none is made in its place.
Result<void> check_log(const std::string& directory, const Uuid& here,
                       const std::vector<DurableWitness>& witnesses) {
  for (const DurableWitness& witness : witnesses) {
    if (witness.log == Uuid{} || witness.durable == 0 || witness.log == here) continue;
    return fail(Errc::bad_argument,
                "%s in %.160s, and producer \"%s\" is durable in another log: put that one back, "
                "or take it away from its channel with `millrace journal detach`",
                here == Uuid{} ? "there is no journal" : "there is a journal", directory.c_str(),
                witness.producer.c_str());
  }
  return {};
}

Result<RecoveredLog> recover_or_create(const JournalOptions& options, Disk& disk) {
  std::vector<DurableWitness> witnesses;
  if (options.witnesses) {
    auto asked = options.witnesses();
    if (!asked) return Failure(asked.error());
    witnesses = std::move(*asked);
  }
  if (const ManifestPair pair = read_manifests(disk); pair.state == ManifestState::good) {
    Uuid here{};
    std::memcpy(here.data(), pair.newest.uuid, here.size());
    auto same = check_log(options.directory, here, witnesses);
    if (!same) return Failure(same.error());
  }
  auto log = recover(disk, RecoverAs::writer, witnesses);
  if (log || log.error().code() != Errc::not_found || !options.create) return log;
  auto vacant = check_log(options.directory, {}, witnesses);
  if (!vacant) return Failure(vacant.error());
  return create(options, disk);
}

// What is kept by default is a share of what is free or already ours.
Result<JournalOptions> with_retention(const JournalOptions& options, Disk& disk,
                                      const layout::Manifest& manifest) {
  JournalOptions complete = options;
  if (options.retain.bytes == 0) {
    auto slots = disk.slots();
    if (!slots) return Failure(slots.error());
    const std::uint64_t ours = slots->size() * manifest.segment_bytes;
    complete.retain.bytes = default_retention(disk.free_bytes() + ours, manifest.segment_bytes);
  }
  const std::uint64_t least = RetentionRule::kSegmentsLeast * manifest.segment_bytes;
  if (complete.retain.bytes < least) {
    return fail(Errc::bad_argument,
                "the journal in %s cannot keep as little as %llu bytes: three segments take %llu",
                options.directory.c_str(), static_cast<unsigned long long>(complete.retain.bytes),
                static_cast<unsigned long long>(least));
  }
  return complete;
}

Result<void> check_blocks(const JournalOptions& options, const Disk& disk,
                          const layout::Manifest& manifest) {
  if (disk.facts().block_bytes <= manifest.block_bytes) return {};
  return fail(Errc::unsupported,
              "the journal in %s was made for blocks of %u bytes, and this device writes %u at "
              "once; replay it into one that is made here",
              options.directory.c_str(), manifest.block_bytes, disk.facts().block_bytes);
}

bool keep_waiting(void* /*context*/, const Error& /*why*/) {
  return true;
}

bool give_up(void* /*context*/, const Error& /*why*/) {
  return false;
}

// A writer that died over and over right after it began leaves one segment with nothing but a head
// each time. The next head takes the number and the predecessor of the last such one, and its slot
// is free again: no report rests on that item, and nothing came after it.
std::optional<Disk::File> drop_empty_segment(RecoveredLog& log, Disk& disk) {
  if (log.segments.size() < 2) return std::nullopt;
  const SegmentInfo empty = log.segments.back();
  if (empty.first_item != empty.last_item || !empty.lane_ends.empty()) return std::nullopt;
  AlignedBlock block(log.manifest.block_bytes, log.manifest.block_bytes);
  if (!disk.read(empty.slot, 0, block.span())) return std::nullopt;
  layout::ItemHeader header;
  std::memcpy(&header, block.span().data(), sizeof header);
  if (header.item != empty.first_item || log.end != empty.last_item) return std::nullopt;
  log.segments.pop_back();
  log.end = empty.first_item - 1;
  log.end_crc = header.previous_crc;
  return empty.slot;
}

}  // namespace

Result<Journal> Journal::open(const JournalOptions& options, std::unique_ptr<Disk> disk) {
  if (auto checked = check(options); !checked) return Failure(checked.error());
  auto locked = disk->lock(options.wait_for_lock ? keep_waiting : give_up, nullptr);
  if (!locked) return Failure(locked.error());
  auto log = recover_or_create(options, *disk);
  if (!log) return Failure(log.error());
  if (auto same = check_blocks(options, *disk, log->manifest); !same) {
    return Failure(same.error());
  }
  auto complete = with_retention(options, *disk, log->manifest);
  if (!complete) return Failure(complete.error());
  const std::optional<Disk::File> replaced = drop_empty_segment(*log, *disk);
  auto core = std::make_unique<JournalCore>(*complete, std::move(disk), std::move(*log));
  if (replaced) core->replaces(*replaced);
  if (auto begun = core->begin(); !begun) return Failure(begun.error());
  return Journal(std::move(core));
}

Result<Journal> Journal::open(const JournalOptions& options) {
  auto disk = open_disk({.directory = options.directory,
                         .create = options.create,
                         .allow_volatile = options.allow_volatile,
                         .trust_file_system = options.trust_file_system,
                         .durability = options.durability,
                         .depth = options.depth});
  if (!disk) return Failure(disk.error());
  return open(options, std::move(*disk));
}

}  // namespace millrace
