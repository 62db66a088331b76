#include "trace_text.hpp"

#include "table.hpp"

#include <array>
#include <cinttypes>
#include <cstdio>

namespace millrace::tools {

namespace {

std::string nanoseconds(double ns) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), ns < 100 ? "%.1f" : "%.0f", ns);
  return text.data();
}

std::string who(const RecorderTrace& recorder) {
  std::string text = recorder.owner.pid != 0 ? "pid " + std::to_string(recorder.owner.pid)
                                             : "participant " + std::to_string(recorder.owner.id);
  if (!recorder.owner.name.empty()) text += " \"" + recorder.owner.name + "\"";
  return text;
}

std::string state(const RecorderTrace& recorder) {
  if (recorder.left) return "left";
  return recorder.owner.alive ? "alive" : "dead";
}

std::string recorders_text(const ChannelTrace& trace) {
  Table table({"#", "RECORDER", "OWNER", "STATE", "ONE IN", "RECORDS", "OF", "TORN"});
  for (std::size_t i = 0; i < trace.recorders.size(); ++i) {
    const RecorderTrace& recorder = trace.recorders[i];
    table.add({std::to_string(i), to_string(recorder.role), who(recorder), state(recorder),
               std::to_string(recorder.every), std::to_string(recorder.records.size()),
               std::to_string(recorder.kept), std::to_string(recorder.torn)});
  }
  return table.text();
}

// One row for each passage but the publisher's, whose spans stand in every row; alone if nobody
// else has stamped the message.
void add_rows(Table& table, const ChannelTrace& trace, const MessageTrace& message,
              const Clock& clock) {
  const MessageTimes times(trace, message, clock);
  for (const Passage& passage : message.passages) {
    const StampRole role = trace.recorders[passage.recorder].role;
    if (role == StampRole::publisher && message.passages.back().recorder != passage.recorder)
      continue;
    std::vector<std::string> cells{std::to_string(message.lane), std::to_string(message.sequence),
                                   std::to_string(message.length),
                                   std::to_string(passage.recorder)};
    for (const SpanKind& kind : span_kinds()) {
      const auto from = times.at(kind.from, passage);
      const auto to = times.at(kind.to, passage);
      cells.push_back(from && to ? std::to_string(static_cast<std::int64_t>(*to - *from))
                                 : std::string("-"));
    }
    cells.push_back(std::to_string(times.latency_ns()));
    table.add(std::move(cells));
  }
}

std::string messages_text(const TraceReport& report, const Clock& clock) {
  Table table({"LANE", "SEQUENCE", "BYTES", "BY", "SLIP", "CLAIM", "FILL", "TRANSFER", "DEQUEUE",
               "HANDLER", "RELEASE", "TO JOURNAL", "GATHER", "WRITE", "FLUSH", "LATENCY"});
  for (const MessageTrace& message : report.messages)
    add_rows(table, report.trace, message, clock);
  return table.text();
}

std::string spans_text(const std::vector<SpanSummary>& spans) {
  Table table({"SPAN", "FROM", "TO", "COUNT", "MEAN", "P50", "P99", "MAX", "RESOLVED"});
  for (const SpanSummary& span : spans) {
    const bool single = span.resolved == Resolved::fully || span.resolved == Resolved::unknown;
    const bool any = span.resolved != Resolved::not_resolved;
    table.add({span.kind.name, to_string(span.kind.from), to_string(span.kind.to),
               std::to_string(span.count), any ? nanoseconds(span.mean_ns) : "-",
               single ? nanoseconds(span.p50_ns) : "-", single ? nanoseconds(span.p99_ns) : "-",
               single ? nanoseconds(span.max_ns) : "-", to_string(span.resolved)});
  }
  return table.text();
}

}  // namespace

std::string to_text(const TraceReport& report, const Clock& clock) {
  std::string text = to_text(report.clock_line) + "\n";
  if (report.trace.recorders.empty()) {
    return text + "nobody stamps messages in channel " + report.trace.channel +
           "; make it with --stamps sampled or all\n";
  }
  text += "\n" + recorders_text(report.trace);
  text += "\n" + std::to_string(report.messages.size()) + " of " + std::to_string(report.stamped) +
          " stamped messages, nanoseconds:\n" + messages_text(report, clock);
  text += "\nall of them, nanoseconds:\n" + spans_text(report.spans);
  for (const SpanSummary& span : report.spans) {
    if (span.backwards == 0) continue;
    text += std::to_string(span.backwards) + " " + span.kind.name +
            " spans end before they begin: the clocks disagree by more than they are long\n";
  }
  for (const std::string& sentence : report.trace.refused)
    text += "not read: " + sentence + "\n";
  return text;
}

}  // namespace millrace::tools
