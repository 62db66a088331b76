#include "journal_argument.hpp"

#include "duration_argument.hpp"
#include "millrace/core/clock.hpp"
#include "millrace/persist/survey.hpp"
#include "number_argument.hpp"
#include "retain_argument.hpp"
#include "signals.hpp"
#include "size_argument.hpp"

#include <CLI/Error.hpp>
#include <algorithm>
#include <chrono>
#include <climits>
#include <cstdio>
#include <filesystem>
#include <poll.h>
#include <string_view>

namespace millrace::tools {
namespace {

constexpr int kBetweenMs = 20;
// So long is not worth a word.
constexpr std::uint64_t kQuietNs = 200'000'000;
constexpr std::uint64_t kSegmentsLeast = 3;

void add_segment_option(CLI::App& verb, JournalOptions& options) {
  const auto take = [&options](const std::string& text) {
    const auto parsed = parse_size(text);
    if (!parsed) throw CLI::ValidationError("--segment", std::string(parsed.error().sentence()));
    constexpr std::uint64_t kLeast = std::uint64_t{1} << 20;
    constexpr std::uint64_t kMost = std::uint64_t{1} << 30;
    if (*parsed < kLeast || *parsed > kMost) {
      throw CLI::ValidationError("--segment",
                                 "segments of " + text + " are not possible; take 1M to 1G");
    }
    options.segment_bytes = *parsed;
  };
  verb.add_option_function<std::string>(
          "--segment", take, "Bytes of a segment, if the journal is made now: 1M to 1G (64M)")
      ->type_name("BYTES");
}

void add_depth_option(CLI::App& verb, JournalOptions& options) {
  const auto take = [&options](const std::string& text) {
    const auto parsed = parse_count(text);
    if (!parsed || *parsed < 1 || *parsed > 4) {
      throw CLI::ValidationError("--depth", "take 1, 2, 3 or 4");
    }
    options.depth = static_cast<std::uint32_t>(*parsed);
  };
  verb.add_option_function<std::string>(
          "--depth", take, "Writes in flight at most, if the journal is made now: 1 to 4 (4)")
      ->type_name("N");
}

const char* describe(Durability mode) {
  switch (mode) {
    case Durability::dsync: return "each write durable by itself (O_DIRECT, RWF_DSYNC)";
    case Durability::flush: return "a flush after the writes (O_DIRECT, fdatasync)";
    case Durability::buffered: return "through the page cache, then fdatasync";
  }
  return "unknown";
}

std::string cpus_text(const DeviceFacts& device) {
  if (device.interrupt_cpus.empty()) return "unknown";
  std::string text;
  for (const unsigned cpu : device.interrupt_cpus)
    text += (text.empty() ? "" : ", ") + std::to_string(cpu);
  return text;
}

}  // namespace

void add_journal_option(CLI::App& verb, std::string& directory, bool required) {
  verb.add_option("--journal", directory, "Directory of the journal")
      ->type_name("DIR")
      ->required(required);
}

void add_journal_options(CLI::App& verb, JournalOptions& options) {
  add_retain_option(verb, options.retain);
  add_segment_option(verb, options);
  add_depth_option(verb, options);
  verb.add_flag("--compress", options.compress, "lz4, where it saves anything");
  verb.add_flag("--volatile", options.allow_volatile,
                "Accept a file system in memory, which survives no power loss");
  verb.add_flag("--trust-fs", options.trust_file_system,
                "Accept nfs, cifs or fuse, whose flush has to be taken on trust");
}

Result<std::string> absolute_journal(const std::string& directory) {
  std::error_code refused;
  const auto path = std::filesystem::absolute(directory, refused).lexically_normal();
  std::string text = path.string();
  while (text.size() > 1 && text.ends_with('/'))
    text.pop_back();
  if (directory.empty() || refused || text.size() >= PATH_MAX) {
    return fail(Errc::bad_argument, "\"%.100s\" is no directory for a journal; write --journal DIR",
                directory.c_str());
  }
  return text;
}

Result<void> check_journal_options(const JournalOptions& options) {
  std::error_code ignored;
  const std::filesystem::path directory = options.directory;
  const bool there = std::filesystem::exists(directory / "manifest.a", ignored) ||
                     std::filesystem::exists(directory / "manifest.b", ignored);
  const std::uint64_t least = kSegmentsLeast * options.segment_bytes;
  // The segments of a journal that is there have the length that they have.
  if (there) return {};
  const std::filesystem::path nearest =
      std::filesystem::is_directory(directory, ignored) ? directory : directory.parent_path();
  const auto space = std::filesystem::space(nearest, ignored);
  if (!ignored && space.available < least) {
    return fail(Errc::no_space,
                "%.200s has only %s free, and a new journal needs three segments of %s; free some "
                "space, or take smaller segments (--segment)",
                nearest.c_str(), format_size(space.available).c_str(),
                format_size(options.segment_bytes).c_str());
  }
  if (options.retain.bytes == 0 || options.retain.bytes >= least) return {};
  return fail(Errc::bad_argument,
              "--retain %s is less than the three segments of %s that a journal needs; keep more, "
              "or take smaller segments (--segment)",
              format_size(options.retain.bytes).c_str(),
              format_size(options.segment_bytes).c_str());
}

Retention effective_retention(const JournalOptions& options) {
  Retention retain = options.retain;
  if (retain.bytes != 0) return retain;
  constexpr std::uint64_t kMost = std::uint64_t{10} << 30;
  std::error_code refused;
  std::uint64_t ours = 0;
  for (const auto& entry : std::filesystem::directory_iterator(options.directory, refused)) {
    const auto bytes = entry.file_size(refused);
    if (!refused) ours += bytes;
  }
  const auto space = std::filesystem::space(options.directory, refused);
  if (!refused) retain.bytes = std::min(kMost, (space.available + ours) / 4);
  return retain;
}

Result<void> wait_while_busy(const std::string& directory, bool wait,
                             const std::function<Result<void>()>& open) {
  const std::uint64_t began_ns = monotonic_ns();
  for (bool told = false;;) {
    auto opened = open();
    if (opened || opened.error().code() != Errc::busy) return opened;
    if (!wait) {
      const auto holder = holder_of_journal(directory);
      if (holder && holder->alive) return opened;
    }
    if (!told && monotonic_ns() - began_ns > kQuietNs) {
      std::fprintf(stderr, "millrace: waiting: %.*s\n",
                   static_cast<int>(opened.error().sentence().size()),
                   opened.error().sentence().data());
      told = true;
    }
    pollfd end{end_descriptor(), POLLIN, 0};
    poll(&end, 1, kBetweenMs);
    if (end_requested()) return fail(Errc::closed, "asked to end while waiting for the journal");
  }
}

std::string describe(const RecoveryReport& recovery) {
  if (recovery.created) return "a new journal was made";
  std::string text = (recovery.clean ? "opened " : "recovered ") +
                     std::to_string(recovery.segments) + " segments in " +
                     format_duration(std::chrono::nanoseconds(recovery.nanoseconds));
  text += recovery.clean ? "; it had been closed in good order" : "; it had not been closed";
  if (recovery.cut_bytes != 0 || recovery.cut_items != 0) {
    text += "\na torn end of " + format_size(recovery.cut_bytes) +
            " was cut off: writes that never completed, so nobody had been told that they were "
            "durable";
    if (recovery.cut_items != 0) {
      text += "; " + std::to_string(recovery.cut_items) + " readable items lay behind it";
    }
  }
  if (recovery.window) {
    text +=
        "\nafter a power loss, damage to the very last messages that were reported durable would "
        "look just like this cut: nothing later was readable to prove them";
  }
  if (recovery.unreadable_slots != 0) {
    text += "\n" + std::to_string(recovery.unreadable_slots) +
            " slots could not be read and were set aside; look at the disk";
  }
  return text;
}

std::string describe(const DiskFacts& disk) {
  std::string text = disk.file_system + (disk.engine.empty() ? "" : ", " + disk.engine) +
                     ", blocks of " + format_size(disk.block_bytes) + ", " +
                     describe(disk.durability);
  if (disk.volatile_memory) text += ", IN MEMORY: survives no power loss";
  if (disk.copy_on_write) text += ", copy-on-write: a full disk can poison the journal";
  if (!disk.note.empty()) text += " (" + disk.note + ")";
  return text;
}

std::string describe(const DeviceFacts& device) {
  if (device.number.empty()) return "no block device can be seen";
  return device.name + " (" + device.number + "), write cache " + device.write_cache + ", FUA " +
         (device.fua ? (*device.fua ? "yes" : "no") : "unknown") + ", physical block " +
         (device.physical_block == 0 ? "unknown" : format_size(device.physical_block)) +
         ", interrupts on CPU " + cpus_text(device);
}

}  // namespace millrace::tools
