// `millrace whatif`: asks the model behind a report what something else would do.
#include "millrace/bench/load_schedule.hpp"
#include "millrace/bench/profile_whatif.hpp"
#include "report.hpp"
#include "small_file.hpp"
#include "verbs.hpp"

#include <CLI/App.hpp>
#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>

namespace millrace::tools {
namespace {

struct WhatifArguments {
  std::string report;
  std::string arrivals;
  std::string ring = "1x";
  std::string slower = "0%";
  double seconds = 1;
  bool json = false;
};

Result<std::vector<bench::PlacedAnswer>> ask(const WhatifArguments& arguments) {
  const auto text = read_small_file(arguments.report);
  if (!text) return fail(Errc::not_found, "cannot read %s", arguments.report.c_str());
  const auto ring = bench::parse_factor(arguments.ring);
  if (!ring) return Failure(ring.error());
  const auto slower = bench::parse_share(arguments.slower);
  if (!slower) return Failure(slower.error());
  const auto shape = bench::parse_load(arguments.arrivals);
  if (!shape) return Failure(shape.error());
  std::vector<std::uint64_t> recorded;
  if (shape->kind == bench::LoadShape::Kind::replay) {
    auto read = bench::read_arrivals(*shape);
    if (!read) return Failure(read.error());
    recorded = std::move(*read);
  }
  const auto duration_ns = static_cast<std::uint64_t>(arguments.seconds * 1e9);
  auto arrivals = bench::make_schedule(*shape, recorded, duration_ns, 1);
  if (!arrivals) return Failure(arrivals.error());
  std::sort(arrivals->begin(), arrivals->end());
  return bench::ask_profile(*text, *arrivals, *ring, *slower);
}

int run_whatif(const WhatifArguments& arguments) {
  const auto answers = ask(arguments);
  if (!answers) return report(answers.error(), arguments.json);
  const std::string text =
      arguments.json ? bench::whatif_json(*answers) + "\n" : bench::whatif_text(*answers);
  std::fwrite(text.data(), 1, text.size(), stdout);
  const bool all = std::all_of(answers->begin(), answers->end(),
                               [](const auto& one) { return one.answer.supported; });
  return all ? kGood : kNothingShown;
}

}  // namespace

void add_whatif(CLI::App& app, int& exit_code) {
  const auto arguments = std::make_shared<WhatifArguments>();
  CLI::App& verb = *app.add_subcommand(
      "whatif", "Ask the model of a profile: other arrivals, a larger ring, a slower reader");
  verb.add_option("REPORT", arguments->report, "JSON of millrace profile")
      ->required()
      ->type_name("FILE");
  verb.add_option("--arrivals", arguments->arrivals, "As --load of millrace profile")
      ->required()
      ->type_name("LOAD");
  verb.add_option("--ring", arguments->ring, "Times as large: 2x, 0.5x")->type_name("TIMES");
  verb.add_option("--reader-slower", arguments->slower, "By so much: 20%")->type_name("PERCENT");
  verb.add_option("--seconds", arguments->seconds, "Of arrivals (1)")
      ->check(CLI::Range(0.001, 3600.0));
  verb.add_flag("--json", arguments->json, "Speak JSON");
  verb.footer(
      "Exit codes: 0 the model passed its check in every placement, 2 bad usage, 3 it did not (the "
      "answer says where).");
  verb.callback([arguments, &exit_code] { exit_code = run_whatif(*arguments); });
}

}  // namespace millrace::tools
