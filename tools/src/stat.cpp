// millrace stat: everything that can be seen of one channel. It only reads, so it works while every
// process of the domain hangs.
#include "channel_argument.hpp"
#include "channel_sample.hpp"
#include "domain_argument.hpp"
#include "duration_argument.hpp"
#include "lock_keepers.hpp"
#include "report.hpp"
#include "signals.hpp"
#include "stats_json.hpp"
#include "stats_text.hpp"
#include "verbs.hpp"

#include <CLI/App.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace millrace::tools {
namespace {

struct StatArguments {
  DomainArgument domain;
  std::string channel;
  std::chrono::nanoseconds interval = std::chrono::milliseconds(200);
};

nlohmann::json list_of(const std::vector<LockKeeper>& keepers) {
  nlohmann::json list = nlohmann::json::array();
  for (const LockKeeper& keeper : keepers) {
    list.push_back({{"participant", to_json(keeper.participant)},
                    {"pid", keeper.holder.pid},
                    {"command", keeper.holder.command},
                    {"dumping", keeper.holder.dumping}});
  }
  return list;
}

void print(const StatArguments& arguments, const ChannelSample& sample,
           const std::optional<ChannelSample>& before, const std::vector<LockKeeper>& keepers) {
  const ChannelSample* const first = before ? &*before : nullptr;
  if (arguments.domain.json) {
    nlohmann::json object = to_json(sample, first);
    object["ok"] = true;
    object["held_by_others"] = list_of(keepers);
    print_json(object);
    return;
  }
  std::fputs(to_text(sample, first).c_str(), stdout);
  for (const LockKeeper& keeper : keepers) {
    std::printf("%s has ended, but pid %u (%s) keeps its place: %s\n",
                describe(keeper.participant).c_str(), keeper.holder.pid,
                keeper.holder.command.c_str(),
                keeper.holder.dumping ? "it writes a core dump; wait for it"
                                      : "a child that inherited its lock; end it");
  }
}

int run_stat(const StatArguments& arguments) {
  const bool json = arguments.domain.json;
  const auto domain = observe(arguments.domain);
  if (!domain) return report(domain.error(), json);
  const auto channel = domain->find(arguments.channel);
  if (!channel) return report(channel.error(), json);
  std::optional<ChannelSample> before;
  if (arguments.interval.count() != 0) {
    auto first = ChannelSample::take(*channel);
    if (!first) return report(first.error(), json);
    before = std::move(*first);
    nap(arguments.interval);
  }
  const auto sample = ChannelSample::take(*channel);
  if (!sample) return report(sample.error(), json);
  print(arguments, *sample, before, find_lock_keepers(domain->path(), sample->stats));
  return kGood;
}

}  // namespace

void add_stat(CLI::App& app, int& exit_code) {
  const auto arguments = std::make_shared<StatArguments>();
  CLI::App& verb = *app.add_subcommand("stat", "Show one channel: lanes, readers, who blocks whom");
  add_channel_name(verb, arguments->channel);
  add_duration_option(verb, "--interval", arguments->interval,
                      "Time between the two looks that give the rates; 0: no rates (0.2)");
  add_domain_options(verb, arguments->domain);
  verb.callback([arguments, &exit_code] { exit_code = run_stat(*arguments); });
}

}  // namespace millrace::tools
