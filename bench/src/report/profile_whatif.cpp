#include "millrace/bench/profile_whatif.hpp"

#include "millrace/core/record_layout.hpp"
#include "report_words.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>

namespace millrace::bench {

namespace {

using nlohmann::json;

// A number and exactly this behind it.
Result<double> number_before(std::string_view text, std::string_view unit, double least) {
  double value = 0;
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, value);
  if (error == std::errc{} && std::string_view(stopped, end) == unit && std::isfinite(value) &&
      value >= least) {
    return value;
  }
  return fail(Errc::bad_argument, "\"%.*s\": write a number and %.*s (%s)",
              static_cast<int>(text.size()), text.data(), static_cast<int>(unit.size()),
              unit.data(), unit == "x" ? "2x, 0.5x" : "20%, -10%");
}

std::size_t ring_messages(const json& report) {
  const double mean =
      (report["payload_bytes"][0].get<double>() + report["payload_bytes"][1].get<double>()) / 2;
  const auto record = layout::record_bytes(static_cast<std::uint64_t>(mean));
  return std::max<std::size_t>(1, report["ring_bytes"].get<std::size_t>() / record);
}

Verdict curve_verdict(const json& report, const std::string& placement) {
  for (const json& row : report["checks"]) {
    const std::string name = row["name"];
    if (!name.starts_with("curve") || row["placement"] != placement) continue;
    for (const Verdict verdict :
         {Verdict::pass, Verdict::inconclusive, Verdict::invalid, Verdict::fail}) {
      if (row["verdict"] == to_string(verdict)) return verdict;
    }
  }
  return Verdict::inconclusive;
}

WhatIfBase base_of(const json& report, const json& place) {
  WhatIfBase base;
  const json& calibration = report["calibration"];
  base.calibration.service_ns = calibration["service_samples_ns"].get<std::vector<double>>();
  base.calibration.hand_over_ns = calibration["hand_over_ns"];
  double nearest = 1.3;  // what is further apart is another placement
  const double bare_ns = place["bare_ns"];
  for (const json& one : calibration["places"]) {
    const double there = one["bare_ns"];
    const double apart = std::max(there / bare_ns, bare_ns / there);
    if (apart >= nearest) continue;
    nearest = apart;
    base.calibration.hand_over_ns = one["hand_over_ns"];
  }
  const std::string handler = report["handler"];
  base.calibration.handling = handler.starts_with("deadline") ? Handling::deadline : Handling::work;
  base.ring_messages = ring_messages(report);
  base.curve = curve_verdict(report, place["name"]);
  const json& host = report["host_gaps"];
  if (host.is_null()) return base;
  base.vacations_span_ns = host["span_ns"];
  for (const json& gap : host["gaps"])
    base.vacations.push_back({gap[0].get<double>(), gap[1].get<double>(), true});
  return base;
}

json to_json(const WhatIfLatency& latency) {
  const auto known = [](double ns) { return ns > 0 ? json(ns) : json(nullptr); };
  return {{"mean_ns", known(latency.mean_ns)},
          {"p50_ns", known(latency.p50_ns)},
          {"p99_ns", known(latency.p99_ns)},
          {"p999_ns", known(latency.p999_ns)}};
}

std::string latency_line(const char* name, const WhatIfLatency& latency) {
  const json figures = to_json(latency);
  std::array<char, 128> line{};
  std::snprintf(line.data(), line.size(), "  %-18s p50 %s, p99 %s, p99.9 %s\n", name,
                time_text(figures["p50_ns"]).c_str(), time_text(figures["p99_ns"]).c_str(),
                time_text(figures["p999_ns"]).c_str());
  return line.data();
}

}  // namespace

Result<double> parse_factor(std::string_view text) {
  return number_before(text, "x", 1e-3);
}

Result<double> parse_share(std::string_view text) {
  const auto percent = number_before(text, "%", -99);
  if (!percent) return Failure(percent.error());
  return *percent / 100;
}

Result<std::vector<PlacedAnswer>> ask_profile(std::string_view text,
                                              const std::vector<std::uint64_t>& arrivals_ns,
                                              double ring, double slower) {
  const auto parsed = parse_report(text);
  if (!parsed) return Failure(parsed.error());
  WhatIfQuestion question;
  question.arrivals_ns.assign(arrivals_ns.begin(), arrivals_ns.end());
  question.ring = ring;
  question.reader_slower = slower;
  std::vector<PlacedAnswer> answers;
  try {
    for (const json& place : (*parsed)["machine_fit"]["placements"])
      answers.push_back({place["name"], what_if(base_of(*parsed, place), question)});
  } catch (const json::exception&) {
    return fail(Errc::format, "the report lacks what the model needs; measure it anew");
  }
  if (answers.empty()) {
    return fail(Errc::format,
                "the report knows no placement of the two processors (it was oversubscribed, or "
                "the host never rested): the model has nothing to answer with");
  }
  return answers;
}

std::string whatif_text(const std::vector<PlacedAnswer>& answers) {
  std::string text;
  std::array<char, 200> line{};
  for (const auto& [placement, answer] : answers) {
    std::snprintf(line.data(), line.size(),
                  "placement %s: the reader is busy %.1f %% of the time\n", placement.c_str(),
                  answer.load * 100);
    text += line.data();
    if (!answer.supported) text += "  NOT SUPPORTED: " + answer.why + "\n";
    text += latency_line("with this host", answer.host);
    text += latency_line("on a quiet core", answer.quiet);
    std::snprintf(
        line.data(), line.size(),
        "  publisher blocked  %.2f %% of messages, %s at most; backlog up to %zu messages\n",
        answer.blocked_share * 100, time_text(answer.blocked_max_ns).c_str(), answer.backlog_max);
    text += line.data();
    if (answer.time_to_full_ns > 0)
      text += "  the ring is full after " + time_text(answer.time_to_full_ns) + "\n";
  }
  return text;
}

std::string whatif_json(const std::vector<PlacedAnswer>& answers) {
  json list = json::array();
  for (const auto& [placement, answer] : answers) {
    list.push_back({{"placement", placement},
                    {"supported", answer.supported},
                    {"why", answer.why},
                    {"load", answer.load},
                    {"host", to_json(answer.host)},
                    {"quiet_core", to_json(answer.quiet)},
                    {"blocked_share", answer.blocked_share},
                    {"blocked_max_ns", answer.blocked_max_ns},
                    {"backlog_max", answer.backlog_max},
                    {"time_to_full_ns", answer.time_to_full_ns}});
  }
  return json{{"schema", "millrace-whatif/1"}, {"answers", list}}.dump();
}

}  // namespace millrace::bench
