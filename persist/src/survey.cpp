#include "millrace/persist/survey.hpp"

#include "calibration.hpp"
#include "file_system.hpp"
#include "log_lock.hpp"
#include "millrace/core/descriptor.hpp"
#include "millrace/core/headroom.hpp"
#include "millrace/core/kernel_text.hpp"
#include "open_disk.hpp"
#include "recovered_log.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

namespace millrace {
namespace {

// Whether the process that wrote this into the lock file still is that process.
bool is_alive(const LogLockHolder& holder) {
  const std::string boot = detail::read_text("/proc/sys/kernel/random/boot_id");
  const std::string stat = "/proc/" + std::to_string(holder.pid) + "/stat";
  return boot.starts_with(holder.boot) && detail::start_ticks(stat) == holder.start_ticks;
}

// A read lock could be had: nobody holds it for writing. What cannot be asked counts as free.
bool is_free(int fd) noexcept {
  struct flock whole {};

  whole.l_type = F_RDLCK;
  whole.l_whence = SEEK_SET;
  return fcntl(fd, F_OFD_GETLK, &whole) != 0 || whole.l_type == F_UNLCK;
}

void take_manifest(const layout::Manifest& manifest, JournalSurvey& survey) {
  std::memcpy(survey.log.data(), manifest.uuid, survey.log.size());
  survey.created_ns = manifest.created_ns;
  survey.generation = manifest.generation;
  survey.epoch = manifest.epoch;
  survey.boots = manifest.boot + 1;  // ordinals count from 0
  survey.depth = manifest.depth;
  survey.tombstones = manifest.tombstones;
  survey.segment_bytes = manifest.segment_bytes;
  survey.item_bytes = manifest.item_bytes;
  survey.block_bytes = manifest.block_bytes;
  survey.durability = static_cast<Durability>(manifest.durability);
  survey.clean = manifest.clean_end != 0;
}

void take_log(const RecoveredLog& log, JournalSurvey& survey) {
  survey.end = log.end;
  survey.unproven_bytes = log.report.cut_bytes;
  survey.spares = log.spares.size();
  survey.unprepared = log.unprepared.size();
  survey.unreadable = log.quarantined.size();
  for (const SegmentInfo& each : log.segments) {
    survey.segments.push_back(
        {each.segment, each.slot, each.first_item, each.last_item, each.end, each.wall_ns});
  }
  survey.lanes = log.catalog.lanes();
  for (const auto& [key, before] : log.catalog.acknowledgements())
    survey.remembered.push_back({key.first, key.second, before});
}

}  // namespace

std::optional<JournalHolder> holder_of_journal(const std::string& directory) {
  const std::string path = directory + "/lock";
  constexpr int kFlags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK;
  const Descriptor lock(open(path.c_str(), kFlags));
  if (!lock.valid() || is_free(lock.get())) return std::nullopt;
  std::array<char, 256> content{};
  const ssize_t got = pread(lock.get(), content.data(), content.size(), 0);
  const auto said =
      parse_holder(std::string_view(content.data(), got > 0 ? static_cast<std::size_t>(got) : 0));
  if (!said) return JournalHolder{0, "", true};
  return JournalHolder{said->pid, said->name, is_alive(*said)};
}

Result<JournalSurvey> survey_journal(const std::string& directory) {
  DiskOptions options;
  options.directory = directory;
  options.read_only = options.allow_volatile = options.trust_file_system = true;
  auto disk = open_disk(options);
  if (!disk) return Failure(disk.error());
  JournalSurvey survey;
  survey.disk = (*disk)->facts();
  survey.disk.engine.clear();  // ours, not the writer's
  survey.free_bytes = (*disk)->free_bytes();
  const auto log = recover(**disk, RecoverAs::reader);
  if (!log) return Failure(log.error());
  take_manifest(log->manifest, survey);
  take_log(*log, survey);
  if (auto device = device_facts(directory)) survey.device = std::move(*device);
  survey.holder = holder_of_journal(directory);
  return survey;
}

Result<WriteTimes> measure_directory(const std::string& directory) {
  const Descriptor opened(open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!opened.valid()) return fail_os(errno, "cannot open %s", directory.c_str());
  constexpr std::uint32_t kBlockBytes = 4096;
  const auto measured = calibrate(opened.get(), directory, kBlockBytes);
  if (!measured) return Failure(measured.error());
  return WriteTimes{measured->better, measured->dsync_ns_p50, measured->dsync_ns_p99,
                    measured->flush_ns_p50, measured->flush_ns_p99};
}

Result<DiskFacts> judge_directory(const std::string& directory) {
  const std::string path = nearest_directory(directory);
  const Descriptor opened(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!opened.valid() || access(path.c_str(), W_OK | X_OK) != 0) {
    return fail_os(errno, "no journal can be made in %s", path.c_str());
  }
  const auto system = file_system_of(opened.get(), path);
  if (!system) return Failure(system.error());
  if (auto accepted = accept_file_system(*system, path, false, false); !accepted) {
    return Failure(accepted.error());
  }
  DiskFacts facts;
  facts.file_system = system->name;
  facts.copy_on_write = system->trust == Trust::copy_on_write;
  return facts;
}

}  // namespace millrace
