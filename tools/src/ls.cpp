// millrace ls: the channels of a domain.
#include "channel_sample.hpp"
#include "domain_argument.hpp"
#include "report.hpp"
#include "size_argument.hpp"
#include "table.hpp"
#include "verbs.hpp"

#include <CLI/App.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace millrace::tools {
namespace {

struct Row {
  std::string name;
  Result<ChannelStats> stats;
};

Result<std::vector<Row>> read_all(const Domain& domain) {
  const auto names = domain.channels();
  if (!names) return Failure(names.error());
  std::vector<Row> rows;
  for (const std::string& name : *names) {
    const auto channel = domain.find(name);
    // It may have been removed since its name was read.
    if (!channel && channel.error().code() == Errc::not_found) continue;
    rows.push_back({name, channel ? channel->stats() : Failure(channel.error())});
  }
  return rows;
}

nlohmann::json to_json(const Row& row) {
  if (!row.stats) {
    return {{"name", row.name},
            {"error",
             {{"code", to_string(row.stats.error().code())},
              {"sentence", std::string(row.stats.error().sentence())}}}};
  }
  const ChannelStats& stats = *row.stats;
  return {{"name", row.name},
          {"ring_bytes", stats.options.ring_bytes},
          {"policy", to_string(stats.options.policy)},
          {"durable", stats.options.durable},
          {"journal", stats.options.journal},
          {"schema", stats.schema},
          {"lanes", stats.lanes.size()},
          {"publishers", living_publishers(stats)},
          {"readers", living_readers(stats)},
          {"messages", messages_published(stats)},
          {"shared_bytes", stats.shared_bytes}};
}

void print_table(const Domain& domain, const std::vector<Row>& rows) {
  if (rows.empty()) {
    std::printf("no channels in %s\n", domain.path().c_str());
    return;
  }
  Table table({"CHANNEL", "RING", "POLICY", "LANES", "PUBLISHERS", "READERS", "MESSAGES", "MEMORY",
               "JOURNAL"});
  for (const auto& [name, stats] : rows) {
    if (!stats) continue;
    table.add({name, format_size(stats->options.ring_bytes), to_string(stats->options.policy),
               std::to_string(stats->lanes.size()), std::to_string(living_publishers(*stats)),
               std::to_string(living_readers(*stats)), std::to_string(messages_published(*stats)),
               format_size(stats->shared_bytes),
               stats->options.durable ? to_string(stats->journal.health) : "-"});
  }
  std::fputs(table.text().c_str(), stdout);
}

int run_ls(const DomainArgument& arguments) {
  const auto domain = observe(arguments);
  if (!domain) return report(domain.error(), arguments.json);
  const auto rows = read_all(*domain);
  if (!rows) return report(rows.error(), arguments.json);
  bool good = true;
  for (const Row& row : *rows)
    good = good && row.stats.has_value();
  if (arguments.json) {
    nlohmann::json list = nlohmann::json::array();
    for (const Row& row : *rows)
      list.push_back(to_json(row));
    print_json({{"ok", good}, {"dir", domain->path()}, {"channels", std::move(list)}});
    return good ? kGood : kCheckFailed;
  }
  print_table(*domain, *rows);
  for (const Row& row : *rows) {
    if (row.stats) continue;
    const std::string_view sentence = row.stats.error().sentence();
    std::fprintf(stderr, "millrace: channel %s: %.*s\n", row.name.c_str(),
                 static_cast<int>(sentence.size()), sentence.data());
  }
  return good ? kGood : kCheckFailed;
}

}  // namespace

void add_ls(CLI::App& app, int& exit_code) {
  const auto arguments = std::make_shared<DomainArgument>();
  CLI::App& verb = *app.add_subcommand("ls", "List the channels of a domain");
  add_domain_options(verb, *arguments);
  verb.footer("Exit codes: 0 good, 1 a channel cannot be read, 2 bad usage or environment.");
  verb.callback([arguments, &exit_code] { exit_code = run_ls(*arguments); });
}

}  // namespace millrace::tools
