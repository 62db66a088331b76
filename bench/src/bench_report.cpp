#include "bench_report.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

namespace millrace::bench {

namespace {

using nlohmann::json;

// JSON knows no infinity, and a ratio that was not measured is none.
json number(double value) {
  return std::isfinite(value) && value > 0 ? json(value) : json(nullptr);
}

json to_json(const Estimate& estimate) {
  const bool interval = estimate.ratio > 0 && estimate.restarts >= 2;
  return {{"ratio", number(estimate.ratio)},
          {"low", interval ? number(estimate.low) : json(nullptr)},
          {"high", interval ? number(estimate.high) : json(nullptr)},
          {"slices", estimate.slices},
          {"restarts", estimate.restarts}};
}

// true, false, or null where nobody can say or there is no goal.
json met_of(const Row& row) {
  if (row.met == Met::inconclusive || !row.invalid.empty()) return nullptr;
  return row.met == Met::yes;
}

json to_json(const Row& row) {
  const bool judged = row.has_goal || row.role == Role::null;
  json made = to_json(row.kept);
  made["name"] = row.name;
  made["text"] = row.text;
  made["state"] = row.state;
  made["state_bare_ns"] = number(row.state_bare_ns);
  made["baseline"] = row.baseline.empty() ? json(nullptr) : json(row.baseline);
  made["better"] = row.better == Better::lower ? "lower" : "higher";
  made["value"] = row.invalid.empty() ? json(row.value) : json(nullptr);
  made["unit"] = row.unit;
  made["all"] = to_json(row.all);
  made["goal"] = row.has_goal ? json(row.goal) : json(nullptr);
  made["met"] = judged ? met_of(row) : json(nullptr);
  made["verdict"] = !row.invalid.empty() ? json("invalid")
                    : judged             ? json(to_string(row.met))
                                         : json(nullptr);
  if (!row.invalid.empty()) made["why"] = row.invalid;
  if (!row.marks.empty()) made["marks"] = row.marks;
  if (row.to_best) made["to_best_ring"] = to_json(*row.to_best);
  for (const auto& [name, value] : row.more)
    made[name] = value;
  return made;
}

std::string ratio_text(double ratio) {
  char text[16] = "-";  // too few slices for one
  if (ratio > 0) (void)std::snprintf(text, sizeof text, "%.3f", ratio);
  return text;
}

std::string interval_text(const Estimate& estimate) {
  char text[32] = "-";
  if (std::isfinite(estimate.high) && estimate.restarts >= 2)
    (void)std::snprintf(text, sizeof text, "%.3f-%.3f", estimate.low, estimate.high);
  return text;
}

std::string goal_text(const Row& row) {
  char text[64] = "";
  const char* const sign = row.role == Role::null ? "=" : row.better == Better::lower ? "<=" : ">=";
  if (row.has_goal) {
    (void)std::snprintf(text, sizeof text, "%s %.4g: %s", sign, row.goal, to_string(row.met));
  }
  return text;
}

std::string value_text(const Row& row) {
  char text[48];
  (void)std::snprintf(text, sizeof text, row.value >= 1e6 ? "%.0f" : "%.1f", row.value);
  return std::string(text) + " " + row.unit;
}

void print_more(const Row& row, std::FILE* to) {
  if (row.more.empty() && row.marks.empty()) return;
  std::string line;
  for (const auto& [name, value] : row.more) {
    char text[96];
    (void)std::snprintf(text, sizeof text, "%s%s %.4g", line.empty() ? "" : ", ", name.c_str(),
                        value);
    line += text;
  }
  for (const std::string& mark : row.marks)
    line += (line.empty() ? "" : "; ") + mark;
  std::replace(line.begin(), line.end(), '_', ' ');
  (void)std::fprintf(to, "  %-24s   %s\n", "", line.c_str());
}

void print_row(const Row& row, std::FILE* to) {
  if (!row.invalid.empty()) {
    (void)std::fprintf(to, "  %-24s not measured: %s\n", row.name.c_str(), row.invalid.c_str());
    return;
  }
  (void)std::fprintf(to, "  %-24s %14s %7s  %-13s %7s %6zu %4zu  %-22s %s\n", row.name.c_str(),
                     value_text(row).c_str(), ratio_text(row.kept.ratio).c_str(),
                     interval_text(row.kept).c_str(), ratio_text(row.all.ratio).c_str(),
                     row.kept.slices, row.kept.restarts, goal_text(row).c_str(), row.text.c_str());
  print_more(row, to);
}

void print_solo(const Report& report, std::FILE* to) {
  bool first = true;
  for (const Row& row : report.summary.rows) {
    if (row.state_bare_ns > 0) continue;
    if (first) (void)std::fprintf(to, "\nIN ANY PLACEMENT\n");
    first = false;
    if (!row.invalid.empty()) {
      print_row(row, to);
      continue;
    }
    (void)std::fprintf(to, "  %-24s %14s %7s  %-22s %s\n", row.name.c_str(),
                       value_text(row).c_str(),
                       row.kept.ratio > 0 ? ratio_text(row.kept.ratio).c_str() : "",
                       goal_text(row).c_str(), row.text.c_str());
    print_more(row, to);
  }
}

void print_header(const Report& report, std::FILE* to) {
  const Machine& machine = report.machine;
  std::string cpus;
  for (const int cpu : report.cpus)
    cpus += (cpus.empty() ? "" : ", ") + std::to_string(cpu);
  (void)std::fprintf(to, "CPUs %s of %s, kernel %s, governor %s, clock %s\n", cpus.c_str(),
                     machine.processor.c_str(), machine.kernel.c_str(), machine.governor.c_str(),
                     machine.clock.c_str());
  (void)std::fprintf(to, "%s; rings of %llu KiB on pages of %s; stolen by the host: %.1f %%\n",
                     machine.compiler.c_str(), static_cast<unsigned long long>(kRingBytes >> 10),
                     machine.pages.c_str(), report.stolen_percent);
  if (report.restarts != 0) {
    (void)std::fprintf(to,
                       "%u restarts of %.1f s, %zu slices, %zu of them between agreeing bare "
                       "slices; 98 %% intervals over restarts\n",
                       report.restarts, report.seconds, report.summary.slices, report.summary.kept);
  }
  for (const std::string& note : report.notes)
    (void)std::fprintf(to, "note: %s\n", note.c_str());
}

}  // namespace

void print_table(const Report& report, std::FILE* to) {
  print_header(report, to);
  std::vector<std::string> states;
  for (const Row& row : report.summary.rows) {
    const bool known = std::find(states.begin(), states.end(), row.state) != states.end();
    if (row.state_bare_ns > 0 && !known) states.push_back(row.state);
  }
  for (const std::string& state : states) {
    (void)std::fprintf(to, "\nPLACEMENT with a bare round trip of %s\n", state.c_str());
    (void)std::fprintf(to, "  %-24s %14s %7s  %-13s %7s %6s %4s  %s\n", "", "median", "ratio",
                       "interval", "all", "slices", "runs", "goal");
    for (const Row& row : report.summary.rows) {
      if (row.state == state) print_row(row, to);
    }
  }
  print_solo(report, to);
}

json to_json(const Report& report) {
  json rows = json::array();
  json beside = json::array();
  for (const Row& row : report.summary.rows)
    (report.choice.asked_for(row.name) ? rows : beside).push_back(to_json(row));
  const Machine& machine = report.machine;
  return {{"cpus", report.cpus},
          {"pinned", report.pinned},
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
          {"slices", report.summary.slices},
          {"kept", report.summary.kept},
          {"notes", report.notes},
          {"rows", rows},
          {"beside", beside},
          {"ok", report.exit_code() == 0}};
}

}  // namespace millrace::bench
