#include "durable_report.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace millrace::bench {

int DurableReport::exit_code() const noexcept {
  return std::any_of(rows.begin(), rows.end(),
                     [](const RowFigures& row) { return row.goal != 0 && row.met == Met::no; })
             ? 1
             : 0;
}

namespace {

void print_entrant(const RowFigures& row, const EntrantFigures& entrant, std::FILE* out) {
  if (!entrant.absent.empty()) {
    (void)std::fprintf(out, "  %-34s %s\n", entrant.name.c_str(), entrant.absent.c_str());
    return;
  }
  (void)std::fprintf(out, "  %-34s %12.4g  %10.4g - %-10.4g", entrant.name.c_str(), entrant.median,
                     entrant.lowest, entrant.highest);
  for (std::size_t which = 0; which < row.more.size(); ++which) {
    (void)std::fprintf(out, "  %s %.4g", row.more[which].c_str(), entrant.more[which]);
  }
  (void)std::fputc('\n', out);
}

void print_row(const RowFigures& row, std::FILE* out) {
  (void)std::fprintf(out, "\n%s (%s): %s\n", row.name.c_str(), row.unit.c_str(), row.what.c_str());
  for (const EntrantFigures& entrant : row.entrants)
    print_entrant(row, entrant, out);
  if (row.ratio.restarts == 0) return;
  (void)std::fprintf(out,
                     "  ratio of the first two: %.3f, 98 %% interval %.3f - %.3f over %zu rounds",
                     row.ratio.ratio, row.ratio.low, row.ratio.high, row.ratio.restarts);
  if (row.goal != 0) (void)std::fprintf(out, "; goal %.2f: %s", row.goal, to_string(row.met));
  (void)std::fputc('\n', out);
}

nlohmann::ordered_json to_json(const EntrantFigures& entrant, const RowFigures& row) {
  nlohmann::ordered_json json{{"name", entrant.name}};
  if (!entrant.absent.empty()) {
    json["absent"] = entrant.absent;
    return json;
  }
  json["median"] = entrant.median;
  json["lowest"] = entrant.lowest;
  json["highest"] = entrant.highest;
  for (std::size_t which = 0; which < row.more.size(); ++which)
    json[row.more[which]] = entrant.more[which];
  return json;
}

}  // namespace

void print_table(const DurableReport& report, std::FILE* out) {
  (void)std::fprintf(out, "disk     %s (%s), kernel %s\n", report.directory.c_str(),
                     report.file_system.c_str(), report.kernel.c_str());
  (void)std::fprintf(out, "rounds   %u, in each every entrant for %.1f s, in changing order\n",
                     report.rounds, report.seconds);
  (void)std::fprintf(out, "repeat   %s\n", report.repeat.c_str());
  (void)std::fprintf(out, "columns  median of the rounds, lowest - highest\n");
  for (const RowFigures& row : report.rows)
    print_row(row, out);
}

void print_json(const DurableReport& report, std::FILE* out) {
  nlohmann::ordered_json json{{"directory", report.directory}, {"file_system", report.file_system},
                              {"kernel", report.kernel},       {"rounds", report.rounds},
                              {"seconds", report.seconds},     {"repeat", report.repeat}};
  json["rows"] = nlohmann::ordered_json::array();
  for (const RowFigures& row : report.rows) {
    nlohmann::ordered_json one{{"name", row.name},
                               {"unit", row.unit},
                               {"state", "disk"},
                               {"ratio", row.ratio.ratio},
                               {"low", row.ratio.low},
                               {"high", row.ratio.high},
                               {"slices", row.ratio.slices},
                               {"restarts", row.ratio.restarts},
                               {"goal", row.goal},
                               {"met", to_string(row.met)}};
    for (const EntrantFigures& entrant : row.entrants)
      one["entrants"].push_back(to_json(entrant, row));
    json["rows"].push_back(std::move(one));
  }
  (void)std::fprintf(out, "%s\n", json.dump(2).c_str());
}

}  // namespace millrace::bench
