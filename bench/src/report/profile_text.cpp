// The first page, in the order in which a reader needs it (anchors/profiler.md section 6).
#include "millrace/bench/profile_report.hpp"
#include "report_words.hpp"

#include <cstdio>
#include <string>

namespace millrace::bench {

namespace {

using nlohmann::json;

std::string padded(std::string text, std::size_t width, bool right = false) {
  if (text.size() >= width) return text;
  const std::string space(width - text.size(), ' ');
  return right ? space + text : text + space;
}

class FirstPage {
 public:
  explicit FirstPage(const json& report) : report_(report) {}

  std::string fit() {
    machine();
    return std::move(text_);
  }

  std::string text() {
    line("millrace profile " + word("load") + ", handler " + word("handler") + ", " +
         report_["restarts"].dump() + " restarts of " + report_["seconds_per_restart"].dump() +
         " s, seed " + report_["seed"].dump() + " (" + word("mode") + ")");
    machine();
    latency();
    highest_rate();
    integrity();
    checks();
    slowest();
    durable();
    line("\noutages     none were injected here: millrace crashtest kills processes");
    curve();
    parts();
    for (const json& note : report_["notes"])
      line("\nnote        " + note.get<std::string>());
    line("\nverdict     " + word("verdict"));
    return std::move(text_);
  }

 private:
  void line(const std::string& text) { text_ += text + "\n"; }

  [[nodiscard]] std::string word(const char* key) const { return report_[key].get<std::string>(); }

  void machine() {
    const json& fit = report_["machine_fit"];
    line("\nmachine     " + fit["score"].dump() + " of 100: " + fit["sentence"].get<std::string>());
    line("            away " + share_text(fit["stolen_share"]) + " of the time, gap p99.9 " +
         time_text(fit["gap_p999_ns"]) + ", longest " + time_text(fit["gap_max_ns"]));
    std::string places;
    for (const json& place : fit["placements"]) {
      places += (places.empty() ? "" : ", ") + place["name"].get<std::string>() + " (" +
                share_text(place["share"]) + ")";
    }
    line("            bare round trip " + (places.empty() ? "not played" : places) + ", " +
         fit["cores"].dump() + " processors");
    const json& clock = fit["clock"];
    if (clock.is_null()) return;
    line("            clock " + clock["source"].get<std::string>() + ", steps of " +
         time_text(clock["granularity_ns"]) + ", a stamp costs " +
         time_text(clock["stamp_cost_ns"]) +
         (clock["within_bounds"].get<bool>() ? "" : ", and it STEPPED"));
  }

  void latency() {
    const json& all = report_["latency"];
    line("\nlatency     at " + rate_text(all["rate"]) + " messages a second, from the moment " +
         "intended");
    line("            " + padded("", 16) + padded("p50", 12, true) + padded("p99", 12, true) +
         padded("p99.9", 12, true) + padded("max", 12, true));
    const auto row = [&](const char* name, const json& figures) {
      line("            " + padded(name, 16) + padded(time_text(figures["p50_ns"]), 12, true) +
           padded(time_text(figures["p99_ns"]), 12, true) +
           padded(time_text(figures["p999_ns"]), 12, true) +
           padded(time_text(figures["max_ns"]), 12, true));
    };
    row("measured", all["from_intended"]);
    row("from the publish", all["from_publish"]);
    row("on a quiet core", all["quiet_core"]);
    const json& host = all["host_share"];
    line("            " + padded("of which host", 16) + padded(share_text(host["p50"]), 12, true) +
         padded(share_text(host["p99"]), 12, true) + padded(share_text(host["p999"]), 12, true));
    line("            the generator's own slip, p99: " + time_text(all["slip"]["own_p99_ns"]) +
         " (all " + time_text(all["slip"]["p99_ns"]) + ")");
  }

  void highest_rate() {
    const json& rate = report_["highest_rate"];
    if (rate.is_null()) return line("\nhighest     not searched for");
    line("\nhighest     peak " + rate_text(rate["peak"]) + ", sustainable " +
         rate_text(rate["sustainable"]) + " a second: " + rate["cause"].get<std::string>());
    for (const json& goal : rate["goals"]) {
      line("            " + goal["slo"].get<std::string>() + " up to " + rate_text(goal["rate"]) +
           " a second: " + goal["cause"].get<std::string>());
    }
  }

  void integrity() {
    const json& counts = report_["integrity"];
    line("\nmessages    " + counts["sent"].dump() + " sent, lost " + counts["lost"].dump() +
         ", duplicated " + counts["duplicated"].dump() + ", reordered " +
         counts["reordered"].dump() + ", blocked " + counts["blocked"].dump() + ", evicted " +
         counts["evicted"].dump());
  }

  void checks() {
    line("\nchecks      " + padded("row", 18) + padded("at", 9) + padded("verdict", 14) +
         "smallest visible defect");
    for (const json& row : report_["checks"]) {
      const std::string defect = row["smallest_defect"].is_number()
                                     ? share_text(row["smallest_defect"])
                                     : std::string("none");
      line("            " + padded(row["name"].get<std::string>(), 18) +
           padded(row["placement"].get<std::string>(), 9) +
           padded(row["verdict"].get<std::string>(), 14) + padded(defect, 9) + " " +
           row["why"].get<std::string>());
    }
    std::string models;
    for (const auto& [model, verdict] : report_["models"].items())
      models += (models.empty() ? "" : ", ") + model + " " +
                (verdict["rows"] == 0 ? "not measured" : verdict["verdict"].get<std::string>());
    line("models      " + models);
  }

  void slowest() {
    line("\nslowest");
    for (const json& one : report_["slowest"]) {
      line("            " + padded(time_text(one["total_ns"]), 10, true) + "  message " +
           one["number"].dump() + " of restart " + one["restart"].dump() + ": " +
           one["cause"].get<std::string>());
    }
  }

  void durable() {
    const json& lag = report_["durable_lag"];
    if (lag.is_null()) return line("\ndurable     no journal: nothing survives a power cut");
    line("\ndurable     lag p50 " + time_text(lag["p50_ns"]) + ", p99 " + time_text(lag["p99_ns"]) +
         ", worst " + time_text(lag["max_ns"]) + " (" + lag["engine"].get<std::string>() + ")");
  }

  void curve() {
    if (report_["curve"].empty()) return;
    line("\ncurve       " + padded("load", 8, true) + padded("a second", 12, true) +
         padded("p50", 12, true) + padded("p99", 12, true) + padded("quiet p99", 12, true) +
         padded("replay p99", 12, true));
    for (const json& point : report_["curve"]) {
      line("            " + padded(share_text(point["load"]), 8, true) +
           padded(rate_text(point["rate"]), 12, true) +
           padded(time_text(point["measured"]["p50_ns"]), 12, true) +
           padded(time_text(point["measured"]["p99_ns"]), 12, true) +
           padded(time_text(point["quiet_core"]["p99_ns"]), 12, true) +
           padded(time_text(point["replay"]["p99_ns"]), 12, true));
    }
  }

  void parts() {
    line("\nparts       " + padded("", 10) + padded("mean", 12, true) + padded("p50", 12, true) +
         padded("p99", 12, true));
    for (const json& part : report_["parts"]) {
      line("            " + padded(part["name"].get<std::string>(), 10) +
           padded(time_text(part["mean_ns"]), 12, true) +
           padded(time_text(part["p50_ns"]), 12, true) +
           padded(time_text(part["p99_ns"]), 12, true));
    }
  }

  const json& report_;
  std::string text_;
};

}  // namespace

Result<std::string> fit_text(std::string_view text) {
  const auto report = parse_report(text);
  if (!report) return Failure(report.error());
  return FirstPage(*report).fit();
}

bool is_fit(std::string_view text) {
  constexpr int kFitScore = 50;
  const auto report = parse_report(text);
  return report && (*report)["machine_fit"]["score"].get<int>() >= kFitScore;
}

Result<std::string> profile_text(std::string_view text) {
  const auto report = parse_report(text);
  if (!report) return Failure(report.error());
  return FirstPage(*report).text();
}

}  // namespace millrace::bench
