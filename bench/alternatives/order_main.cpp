// What a total order costs: the order ring over lanes and its contender beside a plain fetch_add
// ring that is not crash-safe.
//
// Exit codes: 0 good, also where a goal is missed (the table says so); 2 bad usage or environment.
#include "order_contest.hpp"
#include "order_report.hpp"
#include "pinning.hpp"

#include <CLI/CLI.hpp>
#include <cstdio>

namespace {

using namespace millrace;
using namespace millrace::alternatives;

struct Arguments {
  std::vector<std::uint32_t> producers{1, 2};
  std::vector<std::uint32_t> batches{1, 16};
  std::uint32_t restarts = 10;
  double seconds = 1;
  std::string cpus;
  bool json = false;
};

int refuse(const Error& error) {
  std::fprintf(stderr, "millrace-bench-order: %s\n", std::string(error.sentence()).c_str());
  return 2;
}

int run(const Arguments& arguments) {
  const auto cpus = bench::choose_cpus(arguments.cpus);
  if (!cpus) return refuse(cpus.error());
  const std::pair pair(cpus->front(), cpus->back());
  std::vector<Row> rows;
  for (const std::uint32_t producers : arguments.producers) {
    for (const std::uint32_t batch : arguments.batches) {
      const Contest contest{producers, batch, pair, arguments.seconds};
      std::vector<std::vector<Slice>> restarts;
      for (std::uint32_t each = 0; each < arguments.restarts; ++each) {
        auto slices = run_contest(contest, each + 1);
        if (!slices) return refuse(slices.error());
        restarts.push_back(std::move(*slices));
      }
      for (Row& row : rows_of(contest, restarts))
        rows.push_back(std::move(row));
    }
  }
  const std::string text = arguments.json ? to_json(rows).dump() + "\n" : to_text(rows);
  std::fwrite(text.data(), 1, text.size(), stdout);
  return 0;
}

}  // namespace

int main(int count, char** words) {
  Arguments arguments;
  CLI::App app("What a total order costs beside a plain fetch_add ring", "millrace-bench-order");
  app.add_option("--producers", arguments.producers, "How many, each its own rows (1 2)")
      ->check(CLI::Range(1U, 8U));
  app.add_option("--batch", arguments.batches, "Messages a publish (1 16)")
      ->check(CLI::Range(1U, 16U));
  app.add_option("--restarts", arguments.restarts, "New processes and memory so often (10)")
      ->check(CLI::Range(1U, 100U));
  app.add_option("--seconds", arguments.seconds, "Of each restart (1)")
      ->check(CLI::Range(0.01, 60.0));
  app.add_option("--cpus", arguments.cpus, "A,B (the first two allowed)");
  app.add_flag("--json", arguments.json, "One JSON object");
  try {
    app.parse(count, words);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  return run(arguments);
}
