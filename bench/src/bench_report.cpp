#include "bench_report.hpp"

#include "allocation_count.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

namespace millrace::bench {

namespace {

using nlohmann::json;

// JSON knows no infinity.
json finite(double value) {
  return std::isfinite(value) ? json(value) : json(nullptr);
}

json to_json(const Estimate& estimate) {
  return {{"ratio", estimate.ratio > 0 ? json(estimate.ratio) : json(nullptr)},
          {"low", estimate.low},
          {"high", finite(estimate.high)},
          {"slices", estimate.slices},
          {"restarts", estimate.restarts}};
}

json to_json(const Row& row) {
  json made = to_json(row.kept);
  made["key"] = row.key;
  made["name"] = row.name;
  made["kind"] = row.is_stream ? "stream" : "round_trip";
  made["better"] = row.better == Better::lower ? "lower" : "higher";
  made["state"] = row.state;
  made["state_bare_ns"] = row.state_bare_ns;
  made["all"] = to_json(row.all);
  made["ns"] = row.ns;
  made["millions_per_second"] = row.millions();
  made["goal"] = row.goal > 0 ? json(row.goal) : json(nullptr);
  made["met"] = row.goal > 0 ? json(to_string(row.met)) : json(nullptr);
  return made;
}

json to_json(const Counted& counted) {
  json rows = json::array();
  for (const CountedRow& row : counted.rows) {
    rows.push_back({{"name", row.name},
                    {"messages", row.messages},
                    {"allocations", row.allocations},
                    {"system_calls", row.system_calls},
                    {"page_faults", row.page_faults},
                    {"death_checks", row.death_checks},
                    {"calls", row.calls}});
  }
  return {{"rows", rows},
          {"refused", counted.refused.empty() ? json(nullptr) : json(counted.refused)},
          {"allocations_counted", allocations_counted()},
          {"control_ok", counted.control_ok}};
}

void print_header(const Report& report, std::FILE* to) {
  const Machine& machine = report.machine;
  (void)std::fprintf(to, "CPUs %d and %d of %s, kernel %s, governor %s, clock %s\n",
                     report.leader_cpu, report.follower_cpu, machine.processor.c_str(),
                     machine.kernel.c_str(), machine.governor.c_str(), machine.clock.c_str());
  (void)std::fprintf(to, "%s; rings of %llu KiB on pages of %s; stolen by the host: %.1f %%\n",
                     machine.compiler.c_str(), static_cast<unsigned long long>(kRingBytes >> 10),
                     machine.pages.c_str(), report.stolen_percent);
  (void)std::fprintf(to,
                     "%u restarts of %.1f s, %zu slices, %zu of them between agreeing bare "
                     "slices; 98 %% intervals over restarts\n",
                     report.restarts, report.seconds, report.summary.slices, report.summary.kept);
  if (report.plant != Plant::none) {
    (void)std::fprintf(to, "A DEFECT IS PLANTED: %s\n", to_string(report.plant));
  }
}

std::string ratio_text(double ratio) {
  char text[16] = "-";  // too few slices for one
  if (ratio > 0) (void)std::snprintf(text, sizeof text, "%.3f", ratio);
  return text;
}

std::string interval_text(const Estimate& estimate) {
  char text[32] = "-";
  if (std::isfinite(estimate.high)) {
    (void)std::snprintf(text, sizeof text, "%.3f-%.3f", estimate.low, estimate.high);
  }
  return text;
}

std::string goal_text(const Row& row) {
  char text[48] = "";
  const char* const sign = row.is_null ? "=" : row.better == Better::lower ? "<=" : ">=";
  if (row.goal > 0) {
    (void)std::snprintf(text, sizeof text, "%s %.2f: %s", sign, row.goal, to_string(row.met));
  }
  return text;
}

void print_row(const Row& row, std::FILE* to) {
  const bool baseline = row.kept.restarts == 0 && row.kept.ratio == 1;
  (void)std::fprintf(to, "  %-52s %7.1f %4s %7s  %-13s %7s %6zu %4zu  %s\n", row.name.c_str(),
                     row.is_stream ? row.millions() : row.ns, row.is_stream ? "M/s" : "ns",
                     ratio_text(row.kept.ratio).c_str(),
                     baseline ? "" : interval_text(row.kept).c_str(),
                     ratio_text(row.all.ratio).c_str(), row.kept.slices, row.kept.restarts,
                     goal_text(row).c_str());
}

void print_group(const Report& report, const std::string& state, bool streams, std::FILE* to) {
  (void)std::fprintf(to, "  %-52s %12s %7s  %-13s %7s %6s %4s\n",
                     streams ? "STREAMS of 32 B (ratio: times as fast as fixed slots)"
                             : "ROUND TRIPS (ratio: times as long as bare)",
                     "median", "ratio", "interval", "all", "slices", "runs");
  for (const Row& row : report.summary.rows) {
    if (row.state == state && row.is_stream == streams) print_row(row, to);
  }
}

void print_counted(const Counted& counted, std::FILE* to) {
  (void)std::fprintf(to, "\nCOUNTED, both processes, spinning\n");
  if (!counted.refused.empty()) {
    (void)std::fprintf(to, "  not counted: %s\n", counted.refused.c_str());
    return;
  }
  (void)std::fprintf(to, "  %-52s %11s %12s %12s %12s\n", "", "messages", "allocations",
                     "system calls", "page faults");
  for (const CountedRow& row : counted.rows) {
    (void)std::fprintf(to, "  %-52s %11llu %12llu %12llu %12llu", row.name.c_str(),
                       static_cast<unsigned long long>(row.messages),
                       static_cast<unsigned long long>(row.allocations),
                       static_cast<unsigned long long>(row.system_calls),
                       static_cast<unsigned long long>(row.page_faults));
    if (row.messages != 0 && !row.calls.empty()) {
      (void)std::fprintf(to, "  (%s; %llu in death checks)", row.calls.c_str(),
                         static_cast<unsigned long long>(row.death_checks));
    }
    (void)std::fputc('\n', to);
  }
  if (!allocations_counted()) (void)std::fprintf(to, "  allocations: not counted in this build\n");
  if (!counted.control_ok) {
    (void)std::fprintf(to, "  THE CONTROL IS WRONG: do not believe these counts\n");
  }
}

}  // namespace

const char* to_string(Plant plant) noexcept {
  switch (plant) {
    case Plant::fence: return "a fence per publish";
    case Plant::line: return "a second shared line per message";
    case Plant::none: break;
  }
  return "none";
}

int Report::exit_code() const noexcept {
  if (summary.missed()) return 1;
  if (!counted.refused.empty()) return 0;
  if (!counted.control_ok) return 1;
  return std::all_of(counted.rows.begin(), counted.rows.end(), clean) ? 0 : 1;
}

void print_table(const Report& report, std::FILE* to) {
  print_header(report, to);
  std::vector<std::string> states;
  for (const Row& row : report.summary.rows) {
    if (std::find(states.begin(), states.end(), row.state) == states.end()) {
      states.push_back(row.state);
    }
  }
  for (const std::string& state : states) {
    (void)std::fprintf(to, "\nPLACEMENT with a bare round trip of %s\n", state.c_str());
    print_group(report, state, false, to);
    print_group(report, state, true, to);
  }
  if (states.empty()) {
    (void)std::fprintf(to, "\nNo two bare slices agreed: the machine is too busy to measure on.\n");
  }
  print_counted(report.counted, to);
}

void print_json(const Report& report, std::FILE* to) {
  json rows = json::array();
  for (const Row& row : report.summary.rows)
    rows.push_back(to_json(row));
  const Machine& machine = report.machine;
  const json whole = {{"cpus", {report.leader_cpu, report.follower_cpu}},
                      {"machine",
                       {{"kernel", machine.kernel},
                        {"processor", machine.processor},
                        {"governor", machine.governor},
                        {"clock", machine.clock},
                        {"compiler", machine.compiler},
                        {"pages", machine.pages},
                        {"ring_bytes", kRingBytes},
                        {"stolen_percent", report.stolen_percent}}},
                      {"restarts", report.restarts},
                      {"seconds", report.seconds},
                      {"plant", to_string(report.plant)},
                      {"slices", report.summary.slices},
                      {"kept", report.summary.kept},
                      {"rows", rows},
                      {"counted", to_json(report.counted)},
                      {"ok", report.exit_code() == 0}};
  (void)std::fprintf(to, "%s\n",
                     whole.dump(-1, ' ', false, json::error_handler_t::replace).c_str());
}

}  // namespace millrace::bench
