// The result of a run for people and for programs.
#include "duration_argument.hpp"
#include "millrace/core/histogram.hpp"
#include "run_figures.hpp"
#include "run_result.hpp"
#include "size_argument.hpp"
#include "table.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>

namespace millrace::tools {
namespace {

double per_second(std::uint64_t amount, const RunResult& result) {
  return result.seconds > 0 ? static_cast<double>(amount) / result.seconds : 0;
}

// The smaller of both games: what these processors can do when nothing is in the way.
std::uint64_t bare_ns(const RunResult& result) {
  if (result.bare_before_ns == 0 || result.bare_after_ns == 0) {
    return std::max(result.bare_before_ns, result.bare_after_ns);
  }
  return std::min(result.bare_before_ns, result.bare_after_ns);
}

std::string counted(std::uint64_t number, const char* what) {
  return std::to_string(number) + " " + what + (number == 1 ? "" : "s");
}

std::string title(const RunOptions& options, const RunResult& result) {
  std::string text = "run of " + (options.telemetry() ? "this host's telemetry" : options.input) +
                     ": " + counted(options.publishers, "publisher") + ", " +
                     counted(options.subscribers, "subscriber") + ", policy " +
                     to_string(options.policy) +
                     (options.order == Order::total ? ", one order" : "") + ", rings of " +
                     format_size(options.ring_bytes) + ", wait " + to_string(options.wait);
  text +=
      result.pinned ? ", a processor each" : ", more processes than processors: none has its own";
  return text + (result.interrupted ? ", ended early" : "") + "\n\n";
}

std::string lanes_text(const RunResult& result) {
  Table table({"publisher", "published", "bytes", "checksum"});
  for (const RunLane& lane : result.lanes) {
    table.add({std::to_string(lane.publisher), grouped(lane.published), grouped(lane.bytes),
               lane.complete ? checksum_text(lane.checksum) : "unknown"});
  }
  return table.text() + "\n";
}

std::string readers_text(const RunResult& result) {
  if (result.readers.empty()) return "nobody subscribed: the messages were heard by nobody\n\n";
  Table table({"subscriber", "received", "lost", "checksums"});
  for (std::size_t each = 0; each < result.readers.size(); ++each) {
    const RunReader& reader = result.readers[each];
    const char* verdict = "DIFFER";
    if (!reader.complete || !reader.compared) verdict = "unknown";
    if (reader.checksum_ok) verdict = reader.lost == 0 ? "equal" : "good one by one";
    table.add({std::to_string(each), grouped(reader.received), grouped(reader.lost), verdict});
  }
  return table.text() + "\n";
}

std::string speed_text(const RunResult& result) {
  std::array<char, 160> text{};
  std::snprintf(
      text.data(), text.size(), "speed    %s messages/s, %s/s, over %s\n",
      grouped(static_cast<std::uint64_t>(per_second(result.published, result))).c_str(),
      format_size(static_cast<std::uint64_t>(per_second(result.bytes, result))).c_str(),
      format_duration(std::chrono::nanoseconds(static_cast<std::int64_t>(result.seconds * 1e9)))
          .c_str());
  return text.data();
}

std::string latency_text(const RunResult& result) {
  const HistogramView latency(*result.latency);
  const auto at = [&](double percent) {
    return format_duration(std::chrono::nanoseconds(latency.percentile_ns(percent)));
  };
  std::string text;
  if (const std::uint64_t count = latency.count(); count != 0) {
    text += "latency  p50 " + at(50) + ", p90 " + at(90) + ", p99 " + at(99) + ", p99.9 " +
            at(99.9) + ", max " + format_duration(std::chrono::nanoseconds(latency.max_ns())) +
            (result.journal ? " from publish to handler once DURABLE ("
                            : " from publish to handler (") +
            grouped(count) + " stamped)\n";
  }
  if (const std::uint64_t bare = bare_ns(result); bare != 0) {
    text += "bare     p50 " + format_duration(std::chrono::nanoseconds(bare)) +
            " for a round trip of two bare words on the same processors (before " +
            format_duration(std::chrono::nanoseconds(result.bare_before_ns)) + ", after " +
            format_duration(std::chrono::nanoseconds(result.bare_after_ns)) + ")\n";
  }
  return text;
}

nlohmann::json nothing_or(std::uint64_t value, bool there) {
  return there ? nlohmann::json(value) : nlohmann::json(nullptr);
}

nlohmann::json lanes_json(const RunResult& result) {
  auto lanes = nlohmann::json::array();
  for (const RunLane& lane : result.lanes) {
    lanes.push_back({{"publisher", lane.publisher},
                     {"lane", nothing_or(lane.lane, lane.lane != kNoLane)},
                     {"published", lane.published},
                     {"bytes", lane.bytes},
                     {"complete", lane.complete},
                     {"checksum", lane.complete ? nlohmann::json(checksum_text(lane.checksum))
                                                : nlohmann::json(nullptr)}});
  }
  return lanes;
}

nlohmann::json readers_json(const RunResult& result) {
  auto readers = nlohmann::json::array();
  for (const RunReader& reader : result.readers) {
    readers.push_back({{"received", reader.received},
                       {"lost", reader.lost},
                       {"checksum_ok", reader.checksum_ok},
                       {"complete", reader.complete}});
  }
  return readers;
}

// The leg through memory alone: its figures are what the rings can do.
std::string memory_text(const RunResult& memory) {
  return "the same through memory alone, " + grouped(memory.published) + " messages:\n" +
         speed_text(memory) + latency_text(memory);
}

nlohmann::json memory_json(const RunResult& memory) {
  return {{"ok", memory.ok},
          {"published", memory.published},
          {"seconds", memory.seconds},
          {"messages_per_second", per_second(memory.published, memory)},
          {"latency_ns", latency_json(memory)}};
}

// Of memory, as it always was; nulls where nothing went through memory alone.
nlohmann::json memory_latency(const RunResults& results) {
  if (results.memory) return latency_json(*results.memory);
  if (!results.main.journal) return latency_json(results.main);
  RunResult nothing;
  nothing.latency = std::make_unique<layout::HistogramBytes>();
  return latency_json(nothing);
}

}  // namespace

nlohmann::json latency_json(const RunResult& result) {
  const HistogramView latency(*result.latency);
  const std::uint64_t count = latency.count();
  const auto at = [&](double percent) {
    return nothing_or(latency.percentile_ns(percent), count != 0);
  };
  return {{"p50", at(50)},
          {"p90", at(90)},
          {"p99", at(99)},
          {"p999", at(99.9)},
          {"max", nothing_or(latency.max_ns(), count != 0)},
          {"count", count}};
}

std::string to_text(const RunOptions& options, const RunResults& results) {
  const RunResult& result = results.main;
  std::string text = title(options, result) + lanes_text(result) + readers_text(result) +
                     speed_text(result) + latency_text(result) + journal_text(result) + "\n";
  if (results.memory) text += memory_text(*results.memory) + "\n";
  for (const std::string& error : result.errors)
    text += "DIFFERS: " + error + "\n";
  if (results.memory) {
    for (const std::string& error : results.memory->errors)
      text += "DIFFERS (memory alone): " + error + "\n";
  }
  return text + (results.ok() ? "OK\n" : "NOT OK\n");
}

nlohmann::json to_json(const RunOptions& options, const RunResults& results) {
  const RunResult& result = results.main;
  const RunResult& bare = results.memory ? *results.memory : result;
  std::vector<std::string> errors = result.errors;
  if (results.memory) {
    for (const std::string& error : results.memory->errors)
      errors.push_back("memory alone: " + error);
  }
  return {{"ok", results.ok()},
          {"published", result.published},
          {"bytes", result.bytes},
          {"seconds", result.seconds},
          {"messages_per_second", per_second(result.published, result)},
          {"bytes_per_second", per_second(result.bytes, result)},
          {"checksum", checksum_text(result.checksum)},
          {"lanes", lanes_json(result)},
          {"subscribers", readers_json(result)},
          {"latency_ns", memory_latency(results)},
          {"memory", results.memory ? memory_json(*results.memory) : nlohmann::json(nullptr)},
          {"journal", journal_json(result)},
          {"bare_pingpong_ns",
           {{"p50", nothing_or(bare_ns(bare), bare_ns(bare) != 0)},
            {"before", nothing_or(bare.bare_before_ns, bare.bare_before_ns != 0)},
            {"after", nothing_or(bare.bare_after_ns, bare.bare_after_ns != 0)}}},
          {"input", options.input},
          {"policy", to_string(options.policy)},
          {"order", to_string(options.order)},
          {"wait", to_string(options.wait)},
          {"ring_bytes", options.ring_bytes},
          {"pinned", result.pinned},
          {"interrupted", result.interrupted},
          {"errors", errors}};
}

}  // namespace millrace::tools
