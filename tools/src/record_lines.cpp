#include "record_lines.hpp"

#include "duration_argument.hpp"
#include "run_figures.hpp"
#include "size_argument.hpp"
#include "table.hpp"

#include <array>
#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>

namespace millrace::tools {
namespace {

std::string duration(std::uint64_t ns) {
  return format_duration(std::chrono::nanoseconds(ns));
}

std::string flushes_text(const JournalStats& journal) {
  if (journal.write_ns_max == 0) return "nothing written yet";
  return "p50 " + duration(journal.write_ns_p50) + ", p99 " + duration(journal.write_ns_p99);
}

double per_second(std::uint64_t before, std::uint64_t now, double seconds) {
  return seconds > 0 && now > before ? static_cast<double>(now - before) / seconds : 0;
}

}  // namespace

const char* to_string(LogState state) noexcept {
  switch (state) {
    case LogState::ok: return "ok";
    case LogState::full: return "full";
    case LogState::poisoned: return "poisoned";
  }
  return "unknown";
}

std::string status_line(const RecordMoment& before, const RecordMoment& now,
                        std::uint64_t began_ns) {
  const double seconds = static_cast<double>(now.at_ns - before.at_ns) / 1e9;
  const double messages = per_second(before.stats.messages, now.stats.messages, seconds);
  const double bytes = per_second(before.stats.bytes, now.stats.bytes, seconds);
  std::array<char, 16> since{};
  std::snprintf(since.data(), since.size(), "%4.0f s  ",
                static_cast<double>(now.at_ns - began_ns) / 1e9);
  std::string text = since.data() + short_number(messages) + " messages/s, " +
                     format_size(static_cast<std::uint64_t>(bytes)) + "/s  behind " +
                     grouped(now.lag.messages) + " messages, " + format_size(now.lag.bytes) +
                     "  flush " + flushes_text(now.stats.journal);
  if (now.stats.journal.state == LogState::full) text += "  DISK FULL: waiting for room";
  if (now.stats.gaps != 0) text += "  " + grouped(now.stats.gaps) + " messages missed";
  return text;
}

std::string final_text(const RecorderStats& stats, double seconds) {
  const JournalStats& journal = stats.journal;
  std::string text =
      "recorded " + grouped(stats.messages) + " messages, " + format_size(stats.bytes) + ", of " +
      grouped(stats.lanes) + " producers in " +
      format_duration(std::chrono::nanoseconds(static_cast<std::int64_t>(seconds * 1e9))) + "\n";
  text += "written  " + format_size(journal.written_bytes) + " in " + grouped(journal.items) +
          " batches; flush " + flushes_text(journal);
  if (journal.write_ns_max != 0) {
    text +=
        ", p99.9 " + duration(journal.write_ns_p999) + ", max " + duration(journal.write_ns_max);
  }
  text += "\nkept     " + format_size(journal.live_bytes) + " in " +
          grouped(journal.segments_live) + " segments\n";
  if (stats.gaps != 0) {
    text += "MISSED   " + grouped(stats.gaps) +
            " messages were overwritten before they could be recorded\n";
  }
  for (const std::string& refused : stats.refused)
    text += "REFUSED  " + refused + "\n";
  return text;
}

nlohmann::json to_json(const RecorderStats& stats) {
  const JournalStats& journal = stats.journal;
  return {{"messages", stats.messages},
          {"bytes", stats.bytes},
          {"producers", stats.lanes},
          {"missed", stats.gaps},
          {"refused", stats.refused},
          {"state", to_string(journal.state)},
          {"batches", journal.items},
          {"payload_bytes", journal.payload_bytes},
          {"bytes_written", journal.written_bytes},
          {"flushes", journal.flushes},
          {"live_bytes", journal.live_bytes},
          {"segments", journal.segments_live},
          {"spares", journal.spares},
          {"epoch", journal.epoch},
          {"flush_ns",
           {{"p50", journal.write_ns_p50},
            {"p99", journal.write_ns_p99},
            {"p999", journal.write_ns_p999},
            {"max", journal.write_ns_max}}}};
}

nlohmann::json to_json(const RecoveryReport& recovery) {
  return {{"created", recovery.created},     {"clean", recovery.clean},
          {"segments", recovery.segments},   {"last_item", recovery.end},
          {"cut_bytes", recovery.cut_bytes}, {"cut_items", recovery.cut_items},
          {"window", recovery.window},       {"unreadable_slots", recovery.unreadable_slots},
          {"ns", recovery.nanoseconds}};
}

nlohmann::json to_json(const DiskFacts& disk) {
  return {{"file_system", disk.file_system},
          {"engine", disk.engine},
          {"block_bytes", disk.block_bytes},
          {"durability", millrace::to_string(disk.durability)},
          {"copy_on_write", disk.copy_on_write},
          {"volatile", disk.volatile_memory},
          {"note", disk.note}};
}

}  // namespace millrace::tools
