// The millrace command: finds the verb, and turns whatever was typed wrong into one sentence.
#include "millrace/persist/use_journals.hpp"
#include "report.hpp"
#include "signals.hpp"
#include "verbs.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::tools {
namespace {

std::string names_of_verbs(const CLI::App& app) {
  std::string names;
  for (const CLI::App* verb : app.get_subcommands([](const CLI::App*) { return true; })) {
    names += (names.empty() ? "" : ", ") + verb->get_name();
  }
  return names;
}

// CLI11 explains for programmers; this is for who typed it.
std::string sentence_for(const CLI::App& app, const CLI::ParseError& error) {
  const std::string what = error.what();
  const std::size_t colon = what.find(": ");
  const std::string before = what.substr(0, colon);
  const std::string after = colon == std::string::npos ? what : what.substr(colon + 2);
  const bool unknown = dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr;
  const CLI::App* chosen = &app;
  std::string path;
  while (!chosen->get_subcommands().empty()) {
    chosen = chosen->get_subcommands().front();
    path += (path.empty() ? "" : " ") + chosen->get_name();
  }
  const bool has_verbs = !chosen->get_subcommands([](const CLI::App*) { return true; }).empty();
  if (has_verbs) {
    if (!unknown) return what;
    // CLI11 lists them backwards.
    const std::string word = after.substr(after.rfind(' ') + 1);
    return std::string("there is no ") + (word.starts_with('-') ? "option" : "verb") + " \"" +
           word + "\"; the verbs " + (path.empty() ? "" : "of " + path + " ") + "are " +
           names_of_verbs(*chosen);
  }
  const std::string help = "; see millrace " + path + " --help";
  if (unknown) return "\"" + after + "\" is not known here" + help;
  if (dynamic_cast<const CLI::ArgumentMismatch*>(&error) != nullptr) {
    return before + " needs a value" + help;
  }
  return what + help;
}

// An option that is given twice counts as it was given last, as everywhere, unless it says that all
// count. The same for the verbs below.
void settle(CLI::App& verb) {
  for (CLI::Option* option : verb.get_options([](CLI::Option*) { return true; })) {
    const bool all = option->get_multi_option_policy() == CLI::MultiOptionPolicy::TakeAll;
    if (!option->get_positional() && !all) option->take_last();
  }
  if (verb.get_footer().empty()) verb.footer(kExitCodes);
  for (CLI::App* below : verb.get_subcommands([](CLI::App*) { return true; }))
    settle(*below);
}

bool asks_for_json(int argc, char** argv) {
  for (int each = 1; each < argc; ++each) {
    if (std::string_view(argv[each]) == "--json") return true;
  }
  return false;
}

int run(int argc, char** argv) {
  CLI::App app("Brokerless messages between the processes of one Linux host", "millrace");
  app.set_version_flag("--version", "millrace " MILLRACE_VERSION);
  app.require_subcommand(0, 1);
  app.footer(kExitCodes);
  int exit_code = kGood;
  add_run(app, exit_code);
  add_pub(app, exit_code);
  add_sub(app, exit_code);
  add_record(app, exit_code);
  add_replay(app, exit_code);
  add_journal(app, exit_code);
  add_crashtest(app, exit_code);
  add_storm(app, exit_code);
  add_ls(app, exit_code);
  add_stat(app, exit_code);
  add_top(app, exit_code);
  add_trace(app, exit_code);
  add_doctor(app, exit_code);
  add_profile(app, exit_code);
  add_compare(app, exit_code);
  add_whatif(app, exit_code);
  add_clean(app, exit_code);
#if defined(MILLRACE_HAS_BENCH)
  add_bench(app, exit_code);
#endif
  for (CLI::App* verb : app.get_subcommands([](CLI::App*) { return true; }))
    settle(*verb);
  install_end_signals();
  use_journals();  // subscribers may ask for the past
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);
    return report_usage(sentence_for(app, error), asks_for_json(argc, argv));
  }
  if (app.get_subcommands().empty()) {
    std::fputs(app.help().c_str(), stderr);
    return kBadEnvironment;
  }
  return exit_code;
}

}  // namespace
}  // namespace millrace::tools

int main(int argc, char** argv) {
  return millrace::tools::run(argc, argv);
}
