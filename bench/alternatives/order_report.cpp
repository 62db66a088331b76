#include "order_report.hpp"

#include <array>
#include <cmath>
#include <cstdio>

namespace millrace::alternatives {

namespace {

// DESIGN section 11: with two producers.
std::optional<double> goal_of(const Contest& contest, Log log) {
  if (log == Log::again || log == Log::plain || contest.producers != 2) return std::nullopt;
  return log == Log::lanes && contest.batch == 1 ? 0.5 : 0.8;
}

bench::Placements placements_of(const std::vector<std::vector<Slice>>& restarts) {
  std::vector<double> bare;
  for (const auto& slices : restarts) {
    for (const Slice& slice : slices)
      bare.push_back(slice.bare_ns);
  }
  return bench::Placements::find(bare);
}

struct Kept {
  std::vector<double> logs;   // of the ratio of rates
  std::vector<double> rates;  // messages a second
};

Kept keep(const std::vector<Slice>& slices, Log log, const bench::Placements& placements,
          std::optional<std::size_t> placement) {
  Kept kept;
  for (const Slice& slice : slices) {
    if (slice.log != log || !slice.whole || !bench::agree(slice.before_ns, slice.after_ns))
      continue;
    if (placement && placements.of(slice.bare_ns) != placement) continue;
    kept.logs.push_back(-bench::log_ratio(slice.ns, slice.before_ns, slice.after_ns));
    kept.rates.push_back(1e9 / slice.ns);
  }
  return kept;
}

Row row_of(const Contest& contest, const std::vector<std::vector<Slice>>& restarts, Log log,
           const bench::Placements& placements, std::optional<std::size_t> placement) {
  constexpr std::size_t kSlicesOfARestart = 3;
  Row row;
  row.name = "total/" + std::to_string(contest.producers);
  if (contest.batch != 1) row.name += "x" + std::to_string(contest.batch);
  row.log = log;
  row.bare_ns = placement ? placements.bare_ns(*placement) : 0;
  row.goal = goal_of(contest, log);
  std::vector<double> logs;
  std::vector<double> rates;
  std::size_t slices = 0;
  for (const auto& restart : restarts) {
    const Kept kept = keep(restart, log, placements, placement);
    if (kept.logs.size() < kSlicesOfARestart) continue;
    slices += kept.logs.size();
    logs.push_back(bench::median(kept.logs));
    rates.insert(rates.end(), kept.rates.begin(), kept.rates.end());
  }
  row.rate = bench::median(rates);
  row.ratio = bench::estimate(logs, slices);
  return row;
}

}  // namespace

std::vector<Row> rows_of(const Contest& contest, const std::vector<std::vector<Slice>>& restarts) {
  std::vector<Row> rows;
  const bench::Placements placements = placements_of(restarts);
  const std::size_t count = contest.producers == 1 ? 1 : placements.count();
  for (std::size_t at = 0; at < count; ++at) {
    const auto placement = contest.producers == 1 ? std::nullopt : std::optional(at);
    for (const Log log : {Log::again, Log::lanes, Log::intent}) {
      Row row = row_of(contest, restarts, log, placements, placement);
      if (row.ratio.restarts != 0) rows.push_back(std::move(row));
    }
  }
  return rows;
}

std::string to_text(const std::vector<Row>& rows) {
  std::string text =
      "| row | log | bare ns | M/s | ratio | 98 % interval | slices | restarts | goal | met |\n"
      "|---|---|--:|--:|--:|---|--:|--:|--:|---|\n";
  for (const Row& row : rows) {
    std::array<char, 200> line{};
    std::snprintf(
        line.data(), line.size(), "| %s | %s | %.0f | %.1f | %.3f | %.3f to %.3f | %zu | %zu |",
        row.name.c_str(), kLogNames[static_cast<std::size_t>(row.log)], row.bare_ns, row.rate / 1e6,
        row.ratio.ratio, row.ratio.low, row.ratio.high, row.ratio.slices, row.ratio.restarts);
    text += line.data();
    if (row.goal) {
      std::snprintf(line.data(), line.size(), " %.1f | %s |\n", *row.goal, to_string(row.met()));
      text += line.data();
    } else {
      text += " | |\n";
    }
  }
  return text;
}

nlohmann::json to_json(const std::vector<Row>& rows) {
  nlohmann::json all = nlohmann::json::array();
  for (const Row& row : rows) {
    // No interval from one restart: an infinity is no JSON.
    const bool bounded = std::isfinite(row.ratio.high);
    all.push_back(
        {{"name", row.name},
         {"log", kLogNames[static_cast<std::size_t>(row.log)]},
         {"bare_ns", row.bare_ns},
         {"messages_per_second", row.rate},
         {"ratio", row.ratio.ratio},
         {"low", row.ratio.low},
         {"high", bounded ? nlohmann::json(row.ratio.high) : nlohmann::json(nullptr)},
         {"slices", row.ratio.slices},
         {"restarts", row.ratio.restarts},
         {"goal", row.goal ? nlohmann::json(*row.goal) : nlohmann::json(nullptr)},
         {"met", row.goal ? nlohmann::json(to_string(row.met())) : nlohmann::json(nullptr)}});
  }
  return {{"rows", all}};
}

}  // namespace millrace::alternatives
