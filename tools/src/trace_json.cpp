#include "stats_json.hpp"
#include "trace_text.hpp"

#include <nlohmann/json.hpp>

namespace millrace::tools {

using nlohmann::json;

namespace {

json clock_json(const ClockLine& line) {
  std::string why;
  json object = {{"source", line.clock.source == ClockSource::tsc ? "tsc" : "monotonic"},
                 {"granularity_ns", line.clock.granularity_ns},
                 {"stamp_cost_ns", line.clock.stamp_cost_ns},
                 {"uncertainty_ppm", line.clock.uncertainty_ppm},
                 {"offset", nullptr},
                 {"valid", !invalid(line, &why)},
                 {"line", to_text(line)}};
  if (line.offset && line.offset->slices() != 0) {
    const OffsetInterval& interval = line.offset->interval();
    object["offset"] = {{"low_ns", interval.low_ns},
                        {"high_ns", interval.high_ns},
                        {"half_width_ns", interval.half_width_ns()},
                        {"slices", line.offset->slices()},
                        {"changes", line.offset->changes()}};
  }
  return object;
}

json recorder_json(const RecorderTrace& recorder) {
  return {{"role", millrace::to_string(recorder.role)},
          {"owner", to_json(recorder.owner)},
          {"left", recorder.left},
          {"every", recorder.every},
          {"kept", recorder.kept},
          {"records", recorder.records.size()},
          {"torn", recorder.torn},
          {"wrong", recorder.wrong}};
}

json message_json(const ChannelTrace& trace, const MessageTrace& message, const Clock& clock) {
  const MessageTimes times(trace, message, clock);
  json passages = json::array();
  for (const Passage& passage : message.passages) {
    const StampRole role = trace.recorders[passage.recorder].role;
    json stamps = json::object();
    for (std::size_t which = 0; which < passage.stamps.size(); ++which) {
      const Stage stage = stage_of(role, which);
      if (const auto time = times.at(stage, passage)) stamps[millrace::to_string(stage)] = *time;
    }
    passages.push_back({{"recorder", passage.recorder}, {"stamps_ns", std::move(stamps)}});
  }
  return {{"lane", message.lane},
          {"epoch", message.epoch},
          {"sequence", message.sequence},
          {"bytes", message.length},
          {"latency_ns", times.latency_ns()},
          {"passages", std::move(passages)}};
}

json span_json(const SpanSummary& span) {
  return {{"span", span.kind.name},
          {"from", millrace::to_string(span.kind.from)},
          {"to", millrace::to_string(span.kind.to)},
          {"one_way", span.kind.one_way},
          {"count", span.count},
          {"backwards", span.backwards},
          {"mean_ns", span.mean_ns},
          {"p50_ns", span.p50_ns},
          {"p99_ns", span.p99_ns},
          {"max_ns", span.max_ns},
          {"resolved", millrace::to_string(span.resolved)}};
}

}  // namespace

json to_json(const TraceReport& report, const Clock& clock) {
  json object = {{"ok", true},
                 {"channel", report.trace.channel},
                 {"clock", clock_json(report.clock_line)},
                 {"stamped", report.stamped},
                 {"recorders", json::array()},
                 {"messages", json::array()},
                 {"spans", json::array()},
                 {"refused", report.trace.refused}};
  for (const RecorderTrace& recorder : report.trace.recorders)
    object["recorders"].push_back(recorder_json(recorder));
  for (const MessageTrace& message : report.messages)
    object["messages"].push_back(message_json(report.trace, message, clock));
  for (const SpanSummary& span : report.spans)
    object["spans"].push_back(span_json(span));
  return object;
}

}  // namespace millrace::tools
