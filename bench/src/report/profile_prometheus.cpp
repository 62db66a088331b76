#include "millrace/bench/profile_report.hpp"
#include "report_words.hpp"

#include <cstdio>
#include <string>

namespace millrace::bench {

namespace {

using nlohmann::json;

class Exposition {
 public:
  void begin(const char* name, const char* type, const char* help) {
    name_ = name;
    text_ += std::string("# HELP ") + name + " " + help + "\n# TYPE " + name + " " + type + "\n";
  }

  void add(const std::string& labels, const json& value, double scale = 1) {
    if (!value.is_number()) return;
    char number[40];
    std::snprintf(number, sizeof number, "%.9g", value.get<double>() * scale);
    text_ += name_ + (labels.empty() ? "" : "{" + labels + "}") + " " + number + "\n";
  }

  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  std::string name_;
  std::string text_;
};

std::string label(const std::string& key, const std::string& value) {
  std::string escaped;
  for (const char c : value) {
    if (c == '"' || c == '\\') escaped += '\\';
    escaped += c;
  }
  return key + "=\"" + escaped + "\"";
}

void add_latency(const json& latency, Exposition& out) {
  out.begin("millrace_profile_latency_seconds", "gauge", "Latency by origin and quantile.");
  for (const char* from : {"from_intended", "from_publish", "quiet_core"}) {
    const std::string origin = label("origin", from);
    const json& figures = latency[from];
    out.add(origin + "," + label("quantile", "0.5"), figures["p50_ns"], 1e-9);
    out.add(origin + "," + label("quantile", "0.99"), figures["p99_ns"], 1e-9);
    out.add(origin + "," + label("quantile", "0.999"), figures["p999_ns"], 1e-9);
    out.add(origin + "," + label("quantile", "1"), figures["max_ns"], 1e-9);
  }
}

void add_checks(const json& checks, Exposition& out) {
  out.begin("millrace_profile_check", "gauge",
            "1 for the verdict that a check came to, by name and placement.");
  for (const json& row : checks) {
    out.add(label("name", row["name"]) + "," + label("placement", row["placement"]) + "," +
                label("verdict", row["verdict"]),
            1);
  }
}

}  // namespace

Result<std::string> profile_prometheus(std::string_view text) {
  const auto parsed = parse_report(text);
  if (!parsed) return Failure(parsed.error());
  const json& report = *parsed;
  Exposition out;
  add_latency(report["latency"], out);
  out.begin("millrace_profile_rate", "gauge", "Messages a second of the measured load.");
  out.add("", report["latency"]["rate"]);
  if (const json& highest = report["highest_rate"]; !highest.is_null()) {
    out.begin("millrace_profile_highest_rate", "gauge", "Messages a second, by what limits them.");
    out.add(label("kind", "peak"), highest["peak"]);
    out.add(label("kind", "sustainable"), highest["sustainable"]);
    for (const json& goal : highest["goals"])
      out.add(label("kind", goal["slo"]), goal["rate"]);
  }
  out.begin("millrace_profile_messages_total", "counter", "Messages of the load, by their fate.");
  for (const char* fate :
       {"sent", "received", "lost", "duplicated", "reordered", "blocked", "evicted", "wrong"}) {
    out.add(label("fate", fate), report["integrity"][fate]);
  }
  out.begin("millrace_profile_machine_score", "gauge", "Fitness of the machine, 0 to 100.");
  out.add("", report["machine_fit"]["score"]);
  out.begin("millrace_profile_stolen_ratio", "gauge", "Share of the time the loop did not run.");
  out.add("", report["machine_fit"]["stolen_share"]);
  add_checks(report["checks"], out);
  return out.take();
}

}  // namespace millrace::bench
