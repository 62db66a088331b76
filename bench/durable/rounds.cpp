#include "rounds.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>
#include <random>
#include <unistd.h>

namespace millrace::bench {

namespace {

using Runs = std::vector<std::vector<Run>>;  // per entrant, per round

Result<Runs> take_turns(const Row& row, std::uint32_t rounds) {
  Runs runs(row.entrants.size());
  std::vector<std::size_t> order(row.entrants.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::mt19937 shuffle(rounds);
  for (std::uint32_t round = 0; round < rounds; ++round) {
    std::shuffle(order.begin(), order.end(), shuffle);
    for (const std::size_t each : order) {
      const Entrant& entrant = row.entrants[each];
      if (!entrant.absent.empty()) continue;
      if (isatty(STDERR_FILENO) != 0) {
        (void)std::fprintf(stderr, "\r%-60s", (row.name + ": " + entrant.name).c_str());
      }
      auto run = entrant.run();
      if (!run) return Failure(run.error());
      runs[each].push_back(std::move(*run));
    }
  }
  if (isatty(STDERR_FILENO) != 0) (void)std::fprintf(stderr, "\r%60s\r", "");
  return runs;
}

EntrantFigures figures_of(const Entrant& entrant, const std::vector<Run>& runs,
                          std::size_t further) {
  EntrantFigures figures{.name = entrant.name, .absent = entrant.absent};
  if (runs.empty()) return figures;
  std::vector<double> values;
  for (const Run& run : runs)
    values.push_back(run.value);
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  figures.lowest = *low;
  figures.highest = *high;
  figures.median = median(values);
  for (std::size_t which = 0; which < further; ++which) {
    std::vector<double> some;
    for (const Run& run : runs)
      some.push_back(which < run.more.size() ? run.more[which] : 0);
    figures.more.push_back(median(some));
  }
  return figures;
}

Met met(const Estimate& ratio, double goal, Better better) {
  if (goal == 0 || ratio.restarts < kRestartsMin) return Met::inconclusive;
  const bool lower = better == Better::lower;
  if (lower ? ratio.high <= goal : ratio.low >= goal) return Met::yes;
  if (lower ? ratio.low > goal : ratio.high < goal) return Met::no;
  return Met::inconclusive;
}

}  // namespace

Result<RowFigures> run_rounds(const Row& row, std::uint32_t rounds) {
  auto runs = take_turns(row, rounds);
  if (!runs) return Failure(runs.error());
  RowFigures figures{.name = row.name, .unit = row.unit, .what = row.what, .more = row.more};
  for (std::size_t each = 0; each < row.entrants.size(); ++each) {
    figures.entrants.push_back(figures_of(row.entrants[each], (*runs)[each], row.more.size()));
  }
  figures.goal = row.goal;
  if (row.entrants.size() < 2 || (*runs)[0].empty() || (*runs)[1].empty()) return figures;
  std::vector<double> logs;
  for (std::size_t round = 0; round < (*runs)[0].size(); ++round) {
    logs.push_back(std::log((*runs)[0][round].value / (*runs)[1][round].value));
  }
  figures.ratio = estimate(logs, logs.size());
  figures.met = met(figures.ratio, row.goal, row.better);
  return figures;
}

}  // namespace millrace::bench
