// millrace journal repair: the only way past damage, and only for who accepts what it costs.
#include "journal_damage.hpp"
#include "journal_verbs.hpp"
#include "progress.hpp"
#include "report.hpp"
#include "run_figures.hpp"
#include "signals.hpp"

#include <CLI/App.hpp>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

namespace millrace::tools {
namespace {

struct RepairArguments {
  JournalArgument journal;
  bool accept_loss = false;
};

// Messages that are known to be lost.
std::uint64_t cost_of(const VerifyReport& report) {
  std::uint64_t messages = 0;
  for (const Damage& damage : report.damages) {
    for (const Damage::Range& range : damage.sequences)
      messages += range.to - range.from;
  }
  return messages;
}

void print_damages(const VerifyReport& report) {
  for (const Damage& damage : report.damages)
    std::printf("DAMAGED  %s\n", describe(damage).c_str());
}

// Without --accept-loss: says what it would cost, and does nothing.
int refuse(const RepairArguments& arguments) {
  const bool json = arguments.journal.json;
  Progress progress("verify", Progress::Unit::bytes, !json);
  VerifyOptions options;
  options.directory = arguments.journal.directory;
  options.progress = [&progress](std::uint64_t done, std::uint64_t all) {
    progress.show(done, all);
    return !end_requested();
  };
  const auto found = verify_journal(options);
  progress.clear();
  if (!found) return report(found.error(), json);
  if (found->damages.empty()) {
    return report(Error(Errc::bad_argument, 0,
                        "nothing in " + arguments.journal.directory +
                            " is damaged: there is nothing to repair"),
                  json);
  }
  const std::uint64_t cost = cost_of(*found);
  const std::string sentence = "repairing gives up " +
                               (cost == 0 ? std::string("messages that cannot be counted")
                                          : "at least " + grouped(cost) + " messages") +
                               " in " + std::to_string(found->damages.size()) +
                               " places; if no copy of them is better, say --accept-loss";
  if (json) {
    nlohmann::json object = to_json(*found);
    object["ok"] = false;
    object["error"] = {{"code", to_string(Errc::damaged)}, {"sentence", sentence}};
    print_json(object);
    return kBadEnvironment;
  }
  print_damages(*found);
  return report(Error(Errc::damaged, 0, sentence), json);
}

int run_repair(const RepairArguments& arguments) {
  if (!arguments.accept_loss) return refuse(arguments);
  const auto repaired = repair_journal(arguments.journal.directory);
  if (!repaired) return report(repaired.error(), arguments.journal.json);
  if (arguments.journal.json) {
    nlohmann::json object = to_json(*repaired);
    object["ok"] = true;
    object["messages_lost"] = cost_of(*repaired);
    print_json(object);
    return kGood;
  }
  for (const Damage& damage : repaired->damages)
    std::printf("GIVEN UP %s\n", describe(damage).c_str());
  std::printf("repaired: the journal opens again; readers of what is lost are told so\n");
  return kGood;
}

}  // namespace

void add_journal_repair(CLI::App& journal, int& exit_code) {
  const auto arguments = std::make_shared<RepairArguments>();
  CLI::App& verb =
      *journal.add_subcommand("repair", "Give up what is damaged, so that a journal opens again");
  add_journal_argument(verb, arguments->journal);
  verb.add_flag("--accept-loss", arguments->accept_loss,
                "Do it; without this it only says what would be lost, and ends with 2");
  verb.footer(
      "Copy the directory first: what repair gives up, nothing brings back. It marks the damaged\n"
      "places as lost, for ever, and rebuilds the manifests; it never touches a journal in use.\n"
      "Exit codes: 0 repaired, 2 refused, bad usage or environment.");
  verb.callback([arguments, &exit_code] { exit_code = run_repair(*arguments); });
}

}  // namespace millrace::tools
