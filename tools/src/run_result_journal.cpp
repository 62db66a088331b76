// What a run says of its journal.
#include "duration_argument.hpp"
#include "run_figures.hpp"
#include "run_result.hpp"
#include "size_argument.hpp"

#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>

namespace millrace::tools {
namespace {

std::string duration(std::uint64_t ns) {
  return format_duration(std::chrono::nanoseconds(ns));
}

}  // namespace

std::string journal_text(const RunResult& result) {
  if (!result.journal) {
    return result.no_journal.empty() ? "" : "journal  none: " + result.no_journal + "\n";
  }
  const RunJournal& journal = *result.journal;
  std::string text = "journal  " + grouped(journal.messages) + " messages, " +
                     (journal.ok            ? "exactly what was published"
                      : journal.checksum_ok ? "checksums equal"
                                            : "NOT what was published");
  text += journal.kept ? "; kept in " + journal.directory + "\n" : "; removed again\n";
  if (journal.batches == 0) return text;
  std::array<char, 32> times{};
  std::snprintf(times.data(), times.size(), "%.2f", journal.amplification());
  text += "disk     " + format_size(journal.written_bytes) + " in " + grouped(journal.batches) +
          " batches, " + times.data() + " bytes for each byte of a message; flush p50 " +
          duration(journal.flush_ns[0]) + ", p99 " + duration(journal.flush_ns[1]) + ", p99.9 " +
          duration(journal.flush_ns[2]) + ", max " + duration(journal.flush_ns[3]) + "\n";
  return text + "         " + journal.device + "\n";
}

nlohmann::json journal_json(const RunResult& result) {
  if (!result.journal && result.no_journal.empty()) return nullptr;
  if (!result.journal) return {{"ok", nullptr}, {"messages", 0}, {"note", result.no_journal}};
  const RunJournal& journal = *result.journal;
  return {{"ok", journal.ok},
          {"messages", journal.messages},
          {"checksum_ok", journal.checksum_ok},
          {"durable_latency_ns", latency_json(result)},
          {"bytes", journal.bytes},
          {"bytes_written", journal.written_bytes},
          {"batches", journal.batches},
          {"flushes", journal.flushes},
          {"write_amplification", journal.amplification()},
          {"flush_ns",
           {{"p50", journal.flush_ns[0]},
            {"p99", journal.flush_ns[1]},
            {"p999", journal.flush_ns[2]},
            {"max", journal.flush_ns[3]}}},
          {"device", journal.device},
          {"directory", journal.directory},
          {"kept", journal.kept}};
}

}  // namespace millrace::tools
