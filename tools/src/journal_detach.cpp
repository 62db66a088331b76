// millrace journal detach: an administrator takes the journal away from a durable channel.
#include "channel_argument.hpp"
#include "domain_argument.hpp"
#include "journal_verbs.hpp"
#include "millrace/transport/detach_journal.hpp"
#include "report.hpp"

#include <CLI/App.hpp>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

namespace millrace::tools {
namespace {

struct DetachArguments {
  DomainArgument domain;
  std::string channel;
  bool yes = false;
};

int run_detach(const DetachArguments& arguments) {
  const bool json = arguments.domain.json;
  const auto domain = observe(arguments.domain);
  if (!domain) return report(domain.error(), json);
  if (!arguments.yes) {
    return report(Error(Errc::bad_argument, 0,
                        "without its journal nothing that channel " + arguments.channel +
                            " holds or gets becomes durable, until it is recorded again, with a "
                            "gap; if that is meant, say --yes"),
                  json);
  }
  const auto detached = detach_journal(*domain, arguments.channel);
  if (!detached) return report(detached.error(), json);
  if (json) {
    print_json({{"ok", true}, {"channel", arguments.channel}, {"state", "detached"}});
  } else {
    std::printf(
        "channel %s goes on in memory alone; `millrace record %s --journal DIR` takes it up "
        "again\n",
        arguments.channel.c_str(), arguments.channel.c_str());
  }
  return kGood;
}

}  // namespace

void add_journal_detach(CLI::App& journal, int& exit_code) {
  const auto arguments = std::make_shared<DetachArguments>();
  CLI::App& verb = *journal.add_subcommand(
      "detach", "Let a durable channel go on in memory when its journal cannot come back");
  add_channel_name(verb, arguments->channel);
  verb.add_flag("--yes", arguments->yes, "Do it");
  add_domain_options(verb, arguments->domain);
  verb.footer(
      "For publishers that are blocked because the journal is down or poisoned and nobody will\n"
      "start a recorder. It is refused while a recorder lives.\n"
      "Exit codes: 0 detached, 2 refused, bad usage or environment.");
  verb.callback([arguments, &exit_code] { exit_code = run_detach(*arguments); });
}

}  // namespace millrace::tools
