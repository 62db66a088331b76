// `millrace compare`: two reports of `millrace profile` beside each other.
#include "millrace/bench/profile_compare.hpp"
#include "report.hpp"
#include "small_file.hpp"
#include "verbs.hpp"

#include <CLI/App.hpp>
#include <cstdio>
#include <memory>
#include <string>

namespace millrace::tools {
namespace {

struct CompareArguments {
  std::string a;
  std::string b;
  bool json = false;
};

Result<bench::Comparison> compare(const CompareArguments& arguments) {
  const auto a = read_small_file(arguments.a);
  if (!a) return fail(Errc::not_found, "cannot read %s", arguments.a.c_str());
  const auto b = read_small_file(arguments.b);
  if (!b) return fail(Errc::not_found, "cannot read %s", arguments.b.c_str());
  return bench::compare_profiles(*a, *b);
}

int run_compare(const CompareArguments& arguments) {
  const auto comparison = compare(arguments);
  if (!comparison) return report(comparison.error(), arguments.json);
  const std::string text =
      arguments.json ? bench::compare_json(*comparison) + "\n" : bench::compare_text(*comparison);
  std::fwrite(text.data(), 1, text.size(), stdout);
  return bench::exit_code(*comparison);
}

}  // namespace

void add_compare(CLI::App& app, int& exit_code) {
  const auto arguments = std::make_shared<CompareArguments>();
  CLI::App& verb = *app.add_subcommand("compare", "Say whether one profile is slower than another");
  verb.add_option("A", arguments->a, "JSON of the first profile")->required()->type_name("FILE");
  verb.add_option("B", arguments->b, "JSON of the second")->required()->type_name("FILE");
  verb.add_flag("--json", arguments->json, "Speak JSON");
  verb.footer("Exit codes: 0 nothing is slower, 1 something is, 2 bad usage, 3 it cannot be told.");
  verb.callback([arguments, &exit_code] { exit_code = run_compare(*arguments); });
}

}  // namespace millrace::tools
