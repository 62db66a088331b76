// millrace bench: the rows of the speed table, on this machine.
#include "bench_rivals.hpp"
#include "millrace/bench/rows.hpp"
#include "report.hpp"
#include "signals.hpp"
#include "verbs.hpp"

#include <CLI/App.hpp>
#include <cstdio>
#include <memory>
#include <unistd.h>

namespace millrace::tools {
namespace {

struct BenchArguments {
  bench::RowsRequest request;
  bool list = false;
  bool quick = false;
  bool smoke = false;
};

bool go_on(std::uint32_t number, std::uint32_t restarts) {
  if (isatty(STDERR_FILENO) != 0)
    (void)std::fprintf(stderr, "\rrestart %u of %u ", number + 1, restarts);
  return !end_requested();
}

int run_bench_verb(BenchArguments& arguments) {
  if (arguments.list) {
    bench::print_rows(stdout);
    return kGood;
  }
  bench::RowsRequest& request = arguments.request;
  if (arguments.quick) {
    request.restarts = 3;
    request.seconds = 12;
    request.counted = 200'000;
  }
  if (arguments.smoke) {
    request.restarts = 2;
    request.seconds = 0.2;
    request.counted = 50'000;
  }
  request.go_on = go_on;
  const auto ended = bench::run_rows(request, stdout);
  if (isatty(STDERR_FILENO) != 0) (void)std::fprintf(stderr, "\r%40s\r", "");
  if (!ended) return report(ended.error(), request.json);
  return *ended == 0 ? kGood : kCheckFailed;
}

}  // namespace

void add_bench(CLI::App& app, int& exit_code) {
  const auto arguments = std::make_shared<BenchArguments>();
  bench::RowsRequest& request = arguments->request;
  CLI::App& verb =
      *app.add_subcommand("bench", "Measure speed, beside bare memory and other rings");
  verb.add_option("row", request.rows, "rows (stream/32) or kinds of rows (stream); default: all");
  verb.add_flag("--list", arguments->list, "say which rows there are");
  verb.add_option("--seconds", request.seconds,
                  "time of measuring in slices, over all restarts: 10 of them, more beyond 40 s")
      ->capture_default_str()
      ->check(CLI::Range(0.2, 36'000.0));
  verb.add_option("--restarts", request.restarts, "so many restarts, that share the seconds")
      ->check(CLI::Range(1U, 10'000U));
  verb.add_option("--counted", request.counted, "messages of the rows that count")
      ->capture_default_str()
      ->check(CLI::Range(std::uint64_t{1000}, std::uint64_t{100'000'000}));
  verb.add_option("--cpus", request.cpus, "two processors, A,B (default: the first two allowed)");
  verb.add_option("--dir", request.directory, "where to make the domains (default: shared memory)");
  verb.add_flag("--quick", arguments->quick, "3 restarts of 4 s: shows, but judges nothing");
  verb.add_flag("--smoke", arguments->smoke, "every row once, as short as can be: judges nothing");
  verb.add_flag("--json", request.json, "one JSON object instead of the table");
  verb.footer(
      "Keep the machine idle meanwhile. bench/README.md says what the figures mean.\n"
      "Exit codes: 0 good, 1 a goal was missed, 2 bad usage or environment.");
  add_bench_rivals(verb, exit_code);
  verb.callback([arguments, &verb, &exit_code] {
    if (verb.get_subcommands().empty()) exit_code = run_bench_verb(*arguments);
  });
}

}  // namespace millrace::tools
