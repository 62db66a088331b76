#include "open_disk.hpp"

#include "calibration.hpp"
#include "direct_disk.hpp"
#include "direct_io.hpp"
#include "file_system.hpp"
#include "journal_directory.hpp"
#include "millrace/persist/device_facts.hpp"
#include "uring_disk.hpp"

#include <cinttypes>
#include <cstring>

namespace millrace {
namespace {

constexpr std::uint32_t kDepthMax = 32;
constexpr std::uint64_t kNanosecondsPerMicrosecond = 1000;

void add_note(DiskFacts& facts, const std::string& what) {
  if (!facts.note.empty()) facts.note += "; ";
  facts.note += what;
}

std::string microseconds(std::uint64_t ns) {
  return std::to_string(ns / kNanosecondsPerMicrosecond) + " us";
}

// Of a journal that nobody has measured yet.
void calibrate_into(DiskFacts& facts, const JournalDirectory& journal, const std::string& path) {
  const auto measured = calibrate(journal.directory.get(), path, facts.block_bytes);
  if (!measured) {
    add_note(facts, "the disk was not measured, writes are durable one by one: " +
                        std::string(measured.error().sentence()));
    return;
  }
  facts.durability = measured->better;
  if (measured->better == Durability::dsync) return;
  add_note(facts, "a write and a flush take " + microseconds(measured->flush_ns_p50) +
                      ", a durable write " + microseconds(measured->dsync_ns_p50) +
                      ": writes are flushed in groups");
}

void choose_durability(const DiskOptions& options, const JournalDirectory& journal,
                       const FileSystem& system, bool direct, DiskFacts& facts) {
  if (!direct) {
    facts.durability = Durability::buffered;
    add_note(facts,
             system.name +
                 " has no O_DIRECT, so writes go through the page cache, which may forget an "
                 "error: use ext4 or XFS");
    return;
  }
  if (facts.copy_on_write) {
    add_note(facts, system.name +
                        " copies on write: each write costs an allocation, and on a full disk it "
                        "fails and stops the journal; use ext4 or XFS");
  }
  if (options.durability) {
    facts.durability = *options.durability;
  } else if (facts.copy_on_write) {
    facts.durability = Durability::flush;
  } else if (journal.recorded) {
    facts.durability = *journal.recorded;
  } else if (!options.read_only && !facts.volatile_memory) {
    calibrate_into(facts, journal, options.directory);
  }
}

Result<DiskPlace> look_around(const DiskOptions& options) {
  auto journal = open_journal_directory(options.directory, options.create && !options.read_only);
  if (!journal) return std::unexpected(journal.error());
  const auto system = file_system_of(journal->directory.get(), options.directory);
  if (!system) return std::unexpected(system.error());
  // Reading promises nothing, so a journal may be read wherever it lies.
  const bool accept_all = options.read_only;
  const auto accepted =
      accept_file_system(*system, options.directory, accept_all || options.allow_volatile,
                         accept_all || options.trust_file_system);
  if (!accepted) return std::unexpected(accepted.error());
  const auto direct =
      direct_io_of(*journal, options.directory, facts_of_device(system->device).physical_block);
  if (!direct) return std::unexpected(direct.error());
  DiskPlace place;
  place.facts.block_bytes = direct->block_bytes;
  place.facts.file_system = system->name;
  place.facts.copy_on_write = system->trust == Trust::copy_on_write;
  place.facts.volatile_memory = system->trust == Trust::volatile_memory;
  if (place.facts.volatile_memory) {
    add_note(place.facts, system->name + " is memory: nothing survives power loss");
  }
  choose_durability(options, *journal, *system, direct->possible, place.facts);
  place.rights.read_only = options.read_only;
  place.rights.direct = place.facts.durability != Durability::buffered;
  place.directory = std::move(journal->directory);
  place.path = options.directory;
  return place;
}

void note_refused_ring(DiskFacts& facts, const Error& why) {
  const char* remedy = "see why the kernel refuses it";
  if (why.os_error() == ENOSYS) remedy = "Linux 5.11 or later has what it takes";
  if (why.os_error() == EPERM) {
    remedy = "allow it in the container's seccomp profile, or set kernel.io_uring_disabled to 0";
  }
  if (why.os_error() == ENOMEM) remedy = "raise the limit of locked memory (ulimit -l)";
  add_note(facts, std::string(why.sentence()) + ", so threads write with pwritev2: " + remedy);
}

}  // namespace

Result<std::unique_ptr<Disk>> open_disk(const DiskOptions& options) {
  if (options.depth == 0 || options.depth > kDepthMax) {
    return fail(Errc::bad_argument, "a disk has 1 to %" PRIu32 " writes in flight, not %" PRIu32,
                kDepthMax, options.depth);
  }
  auto place = look_around(options);
  if (!place) return std::unexpected(place.error());
  auto done = DoneQueue::make();
  if (!done) return std::unexpected(done.error());
  if (options.read_only) {
    place->facts.engine = "pread";
    return std::make_unique<DirectDisk>(std::move(*place), std::move(*done), options.depth);
  }
  if (options.use_io_uring) {
    auto ring = UringDisk::make_ring();
    if (ring) {
      place->facts.engine = "io_uring";
      return std::make_unique<UringDisk>(std::move(*place), std::move(*done), std::move(*ring));
    }
    note_refused_ring(place->facts, ring.error());
  }
  place->facts.engine = "pwritev2";
  return std::make_unique<DirectDisk>(std::move(*place), std::move(*done), options.depth);
}

Result<std::unique_ptr<Disk>> open_disk_to_read(const std::string& directory) {
  return open_disk({.directory = directory,
                    .create = false,
                    .read_only = true,
                    .allow_volatile = true,
                    .trust_file_system = true,
                    .durability = {}});
}

}  // namespace millrace
