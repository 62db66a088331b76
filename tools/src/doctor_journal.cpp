#include "duration_argument.hpp"
#include "finding.hpp"
#include "journal_argument.hpp"
#include "millrace/core/headroom.hpp"
#include "millrace/persist/survey.hpp"
#include "size_argument.hpp"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <string>
#include <system_error>
#include <unistd.h>
#include <vector>

namespace millrace::tools {
namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;
constexpr std::uint64_t kTightBytes = 1024 * kMiB;
constexpr std::uint64_t kTooTightBytes = 192 * kMiB;

void examine_place(const std::string& directory, Findings& findings) {
  const auto disk = judge_directory(directory);
  if (!disk) {
    findings.push_back({"journal", Health::fail, std::string(disk.error().sentence()),
                        "take a directory on a local ext4 or xfs"});
    return;
  }
  Finding found{"journal", Health::ok, directory + " is on " + disk->file_system};
  if (disk->copy_on_write) {
    found.health = Health::warn;
    found.what += ", which copies on write: every flush is slow, and a full disk can poison";
    found.advice = "take ext4 or xfs, or another disk, for journals";
  }
  findings.push_back(std::move(found));
}

void examine_space(const std::string& directory, Findings& findings) {
  std::error_code refused;
  const auto space = std::filesystem::space(directory, refused);
  if (refused) return;
  Finding found{"journal space", Health::ok,
                format_size(space.available) + " free of " + format_size(space.capacity)};
  if (space.available < kTightBytes) {
    found.health = space.available < kTooTightBytes ? Health::fail : Health::warn;
    found.advice =
        "a journal keeps the smaller of 10 GiB and a quarter of the free space, and "
        "needs three segments (--segment, 64 MiB each)";
  }
  findings.push_back(std::move(found));
}

void examine_device(const std::string& directory, Findings& findings) {
  const auto device = device_facts(directory);
  if (!device) return;
  Finding found{"journal device", Health::ok, describe(*device)};
  if (device->number.empty()) {
    found.what = "no block device can be seen from here";
  } else if (device->write_cache == "write back" && device->fua && !*device->fua) {
    found.advice =
        "every durable write flushes the device's whole cache; a device with FUA or "
        "power-loss protection is faster";
  }
  findings.push_back(std::move(found));
}

// Whoever spins on the CPU that the disk interrupts makes every flush wait for its time slice.
void examine_interrupts(const std::string& directory, Findings& findings) {
  const auto device = device_facts(directory);
  if (!device || device->interrupt_cpus.empty()) return;
  const auto online = static_cast<std::size_t>(std::max(1L, sysconf(_SC_NPROCESSORS_ONLN)));
  Finding found{"disk interrupts", Health::ok, ""};
  for (const unsigned cpu : device->interrupt_cpus)
    found.what += (found.what.empty() ? "on CPU " : ", ") + std::to_string(cpu);
  if (device->interrupt_cpus.size() < online) {
    found.advice =
        "keep publishers and subscribers that spin off these CPUs (taskset, --wait "
        "park): a spinner there makes flushes 25 times slower";
  }
  findings.push_back(std::move(found));
}

void examine_writes(const std::string& directory, Findings& findings) {
  const auto times = measure_directory(directory);
  if (!times) {
    findings.push_back({"durable writes", Health::warn, std::string(times.error().sentence())});
    return;
  }
  const auto each = [](std::uint64_t p50, std::uint64_t p99) {
    return "p50 " + format_duration(std::chrono::nanoseconds(p50)) + ", p99 " +
           format_duration(std::chrono::nanoseconds(p99));
  };
  const bool dsync = times->better == Durability::dsync;
  findings.push_back(
      {"durable writes", Health::ok,
       "4 KiB at once " + each(times->dsync_p50, times->dsync_p99) + "; with a flush after it " +
           each(times->flush_p50, times->flush_p99) +
           (dsync ? "; a new journal takes the first" : "; a new journal takes the second")});
}

// What is there already.
void examine_log(const std::string& directory, Findings& findings) {
  const auto survey = survey_journal(directory);
  if (!survey && survey.error().code() == Errc::not_found) {
    findings.push_back({"log", Health::ok, "none is there yet"});
    return;
  }
  if (!survey) {
    findings.push_back({"log", Health::fail, std::string(survey.error().sentence()),
                        "millrace journal verify " + directory + " says more"});
    return;
  }
  Finding found{"log", Health::ok,
                std::to_string(survey->segments.size()) + " segments, " + describe(survey->disk)};
  if (survey->holder) {
    found.what += ", held by pid " + std::to_string(survey->holder->pid);
  }
  if (survey->unreadable != 0) {
    found.health = Health::warn;
    found.what += "; " + std::to_string(survey->unreadable) + " slots cannot be read";
    found.advice = "look at the disk; move the journal";
  }
  findings.push_back(std::move(found));
}

}  // namespace

void examine_journal(const std::string& path, Findings& findings) {
  const auto directory = absolute_journal(path);
  if (!directory) {
    findings.push_back({"journal", Health::fail, std::string(directory.error().sentence())});
    return;
  }
  const std::string nearest = nearest_directory(*directory);
  examine_place(*directory, findings);
  const bool believed = findings.back().health != Health::fail;
  examine_space(nearest, findings);
  examine_device(nearest, findings);
  examine_interrupts(nearest, findings);
  if (believed) examine_writes(nearest, findings);
  examine_log(*directory, findings);
}

}  // namespace millrace::tools
