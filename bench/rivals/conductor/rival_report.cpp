#include "rival_report.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

namespace millrace::rivals {

namespace {

using nlohmann::json;

std::string interval_text(const bench::Estimate& estimate) {
  char text[32] = "-";
  if (std::isfinite(estimate.high)) {
    (void)std::snprintf(text, sizeof text, "%.3f-%.3f", estimate.low, estimate.high);
  }
  return text;
}

const char* head_of(const RowInfo& row) {
  switch (row.kind) {
    case OrderKind::round_trip: return "ratio: times as long as bare";
    case OrderKind::wake: return "ratio: times as long as a bare futex";
    default: return "ratio: times as fast as Millrace in the adjacent slices";
  }
}

void print_line(const RivalRow& row, std::FILE* to) {
  const bool rate = row.row->is_rate();
  (void)std::fprintf(
      to, "  %-52s %9.*f %4s %8.3f  %-13s %8.3f %6zu %4zu", std::string(row.rival->title).c_str(),
      rate ? 2 : 1, rate ? row.millions() : row.ns, rate ? "M/s" : "ns", row.kept.ratio,
      interval_text(row.kept).c_str(), row.all.ratio, row.kept.slices, row.kept.restarts);
  if (row.row->kind == OrderKind::fan_out) {
    (void)std::fprintf(to, "  publish %.1f ns (Millrace beside it %.1f)", row.publish_ns,
                       row.base_publish_ns);
  }
  if (row.is_null()) (void)std::fprintf(to, "  = 1.00 +- 0.02: %s", to_string(row.met));
  (void)std::fputc('\n', to);
}

void print_rows(const RivalReport& report, std::FILE* to) {
  const RowInfo* last_row = nullptr;
  double last_state = 0;
  for (const RivalRow& row : report.rows) {
    if (row.row != last_row || row.state_bare_ns != last_state) {
      (void)std::fprintf(to, "\n%s, placement with a bare round trip of %.0f ns (%s)\n",
                         std::string(row.row->name).c_str(), row.state_bare_ns, head_of(*row.row));
      (void)std::fprintf(to, "  %-52s %14s %8s  %-13s %8s %6s %4s\n", "", "median", "ratio",
                         "interval", "all", "slices", "runs");
    }
    last_row = row.row;
    last_state = row.state_bare_ns;
    print_line(row, to);
  }
}

void print_kills(const RivalReport& report, std::FILE* to) {
  const RowInfo* last_row = nullptr;
  for (const KillRow& kill : report.kills) {
    if (kill.row != last_row) {
      (void)std::fprintf(to, "\n%s: longest time without a message after %s\n",
                         std::string(kill.row->name).c_str(), std::string(kill.row->says).c_str());
      (void)std::fprintf(to, "  %-52s %12s %12s %12s %6s\n", "", "median ms", "longest ms",
                         "before, ms", "kills");
    }
    last_row = kill.row;
    (void)std::fprintf(to, "  %-52s %12.2f %12.2f %12.2f %6zu",
                       std::string(kill.rival->title).c_str(), kill.median_ms(), kill.longest_ms(),
                       kill.quiet_ms(), kill.samples.size());
    if (kill.waiting() != 0) {
      (void)std::fprintf(to, "  %zu times they had not gone on when we gave up", kill.waiting());
    }
    (void)std::fputc('\n', to);
  }
}

json finite(double value) {
  return std::isfinite(value) ? json(value) : json(nullptr);
}

json to_json(const RivalRow& row) {
  return {{"name", row.row->name},
          {"rival", row.rival->key},
          {"title", row.rival->title},
          {"in_process", row.rival->in_process},
          {"state", std::to_string(std::lround(row.state_bare_ns)) + " ns"},
          {"state_bare_ns", row.state_bare_ns},
          {"ratio", row.kept.ratio},
          {"low", row.kept.low},
          {"high", finite(row.kept.high)},
          {"all", row.all.ratio},
          {"slices", row.kept.slices},
          {"restarts", row.kept.restarts},
          {"ns", row.ns},
          {"millions_per_second", row.millions()},
          {"publish_ns", row.row->kind == OrderKind::fan_out ? json(row.publish_ns) : json()},
          {"goal", row.is_null() ? json(1.0) : json()},
          {"met", row.is_null() ? json(to_string(row.met)) : json()}};
}

json to_json(const KillRow& kill) {
  return {{"name", kill.row->name},          {"rival", kill.rival->key},
          {"title", kill.rival->title},      {"median_ms", kill.median_ms()},
          {"longest_ms", kill.longest_ms()}, {"before_ms", kill.quiet_ms()},
          {"kills", kill.samples.size()},    {"still_waiting", kill.waiting()}};
}

}  // namespace

int RivalReport::exit_code() const noexcept {
  const bool leans = std::any_of(rows.begin(), rows.end(), [](const RivalRow& row) {
    return row.is_null() && row.met == bench::Met::no;
  });
  return leans ? 1 : 0;
}

void print_table(const RivalReport& report, std::FILE* to) {
  (void)std::fprintf(
      to, "CPUs %d and %d of %s, kernel %s, governor %s; stolen by the host: %.1f %%\n",
      report.cpus.first, report.cpus.second, report.machine.processor.c_str(),
      report.machine.kernel.c_str(), report.machine.governor.c_str(), report.stolen_percent);
  (void)std::fprintf(to, "%u restarts of %.1f s; 98 %% intervals over restarts\n", report.restarts,
                     report.seconds);
  print_rows(report, to);
  print_kills(report, to);
  if (!report.missing.empty()) (void)std::fprintf(to, "\nNOT MEASURED\n");
  for (const Missing& one : report.missing) {
    (void)std::fprintf(to, "  %-14s %-52s %s\n", std::string(one.row->name).c_str(),
                       std::string(one.rival->title).c_str(), one.why.c_str());
  }
}

void print_json(const RivalReport& report, std::FILE* to) {
  json rows = json::array();
  for (const RivalRow& row : report.rows)
    rows.push_back(to_json(row));
  for (const KillRow& kill : report.kills)
    rows.push_back(to_json(kill));
  json missing = json::array();
  for (const Missing& one : report.missing) {
    missing.push_back({{"name", one.row->name}, {"rival", one.rival->key}, {"why", one.why}});
  }
  const json whole = {{"cpus", {report.cpus.first, report.cpus.second}},
                      {"machine",
                       {{"kernel", report.machine.kernel},
                        {"processor", report.machine.processor},
                        {"governor", report.machine.governor},
                        {"clock", report.machine.clock},
                        {"stolen_percent", report.stolen_percent}}},
                      {"restarts", report.restarts},
                      {"seconds", report.seconds},
                      {"rows", rows},
                      {"missing", missing},
                      {"ok", report.exit_code() == 0}};
  (void)std::fprintf(to, "%s\n",
                     whole.dump(-1, ' ', false, json::error_handler_t::replace).c_str());
}

}  // namespace millrace::rivals
