// The millrace command: finds the verb, and turns whatever was typed wrong into one sentence.
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
  const auto chosen = app.get_subcommands();
  if (chosen.empty()) {
    const auto rest = app.remaining(true);
    const std::string word = rest.empty() ? std::string() : rest.front();
    if (word.empty()) return error.what();
    const char* const what = word.front() == '-' ? "option" : "verb";
    return std::string("there is no ") + what + " \"" + word + "\"; the verbs are " +
           names_of_verbs(app);
  }
  const std::string help = "; see millrace " + chosen.front()->get_name() + " --help";
  if (error.get_name() == "ExtrasError") {
    const auto rest = app.remaining(true);
    if (!rest.empty()) return "\"" + rest.front() + "\" is not known here" + help;
  }
  return error.what() + help;
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
  add_pub(app, exit_code);
  add_sub(app, exit_code);
  add_ls(app, exit_code);
  add_stat(app, exit_code);
  add_top(app, exit_code);
  add_doctor(app, exit_code);
  add_clean(app, exit_code);
  for (CLI::App* verb : app.get_subcommands([](CLI::App*) { return true; })) {
    if (verb->get_footer().empty()) verb->footer(kExitCodes);
  }
  install_end_signals();
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
