// millrace clean: removes what is proven dead, and says what stays and why.
#include "channel_argument.hpp"
#include "domain_argument.hpp"
#include "report.hpp"
#include "verbs.hpp"

#include <CLI/App.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

namespace millrace::tools {
namespace {

struct CleanArguments {
  DomainArgument domain;
  CleanOptions options;
  std::string channel;  // only this one, all of it
};

void print_count(std::size_t count, const char* one, const char* many) {
  if (count != 0) std::printf("removed %zu %s\n", count, count == 1 ? one : many);
}

void print_text(const CleanReport& cleaned) {
  print_count(cleaned.participants, "dead participant", "dead participants");
  print_count(cleaned.readers, "reader of a dead process", "readers of dead processes");
  print_count(cleaned.recorders, "flight recorder whose owner is gone",
              "flight recorders whose owners are gone");
  print_count(cleaned.lanes, "lane that was read to its end", "lanes that were read to their ends");
  print_count(cleaned.unfinished, "unfinished channel", "unfinished channels");
  print_count(cleaned.channels, "channel that nobody used", "channels that nobody used");
  const std::size_t removed = cleaned.participants + cleaned.readers + cleaned.recorders +
                              cleaned.lanes + cleaned.unfinished + cleaned.channels;
  if (removed == 0) std::puts("nothing was dead");
  for (const std::string& sentence : cleaned.kept)
    std::printf("kept %s\n", sentence.c_str());
}

int remove_one(Domain& domain, const CleanArguments& arguments) {
  const auto removed = domain.remove(arguments.channel);
  if (!removed) return report(removed.error(), arguments.domain.json);
  if (arguments.domain.json) {
    print_json({{"ok", true}, {"removed", {{"channels", 1}}}, {"kept", nlohmann::json::array()}});
  } else {
    std::printf("removed channel %s\n", arguments.channel.c_str());
  }
  return kGood;
}

int run_clean(const CleanArguments& arguments) {
  auto domain = observe(arguments.domain);
  if (!domain) return report(domain.error(), arguments.domain.json);
  if (!arguments.channel.empty()) return remove_one(*domain, arguments);
  const auto cleaned = domain->clean(arguments.options);
  if (!cleaned) return report(cleaned.error(), arguments.domain.json);
  const bool good = cleaned->kept.empty();
  if (arguments.domain.json) {
    print_json({{"ok", good},
                {"removed",
                 {{"participants", cleaned->participants},
                  {"readers", cleaned->readers},
                  {"recorders", cleaned->recorders},
                  {"lanes", cleaned->lanes},
                  {"unfinished", cleaned->unfinished},
                  {"channels", cleaned->channels}}},
                {"kept", cleaned->kept}});
  } else {
    print_text(*cleaned);
  }
  return good ? kGood : kCheckFailed;
}

}  // namespace

void add_clean(CLI::App& app, int& exit_code) {
  const auto arguments = std::make_shared<CleanArguments>();
  CLI::App& verb = *app.add_subcommand("clean", "Remove what is proven dead, nothing else");
  add_channel_name(verb, arguments->channel)
      ->required(false)
      ->description("Remove this channel with its messages, if nobody uses it");
  verb.add_flag("--channels", arguments->options.channels_too,
                "Also every channel that nobody uses, with its messages");
  add_domain_options(verb, arguments->domain);
  verb.footer(
      "Exit codes: 0 good, 1 something dead could not be removed, 2 bad usage or environment.");
  verb.callback([arguments, &exit_code] { exit_code = run_clean(*arguments); });
}

}  // namespace millrace::tools
