// millrace top: rates, lags and blockages of all channels, again and again. Only reads.
#include "channel_sample.hpp"
#include "domain_argument.hpp"
#include "duration_argument.hpp"
#include "number_argument.hpp"
#include "report.hpp"
#include "size_argument.hpp"
#include "stats_json.hpp"
#include "table.hpp"
#include "terminal.hpp"
#include "verbs.hpp"

#include <CLI/App.hpp>
#include <CLI/Error.hpp>
#include <algorithm>
#include <array>
#include <ctime>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace millrace::tools {
namespace {

struct TopArguments {
  DomainArgument domain;
  std::chrono::nanoseconds interval = std::chrono::seconds(1);
  std::uint64_t count = 0;  // screens; 0: until asked to end
};

using Samples = std::map<std::string, ChannelSample>;

// Channels come, go and may be damaged; those that can be read are shown, the rest is counted.
Result<Samples> sample_all(const Domain& domain, std::size_t& unreadable) {
  const auto names = domain.channels();
  if (!names) return Failure(names.error());
  Samples samples;
  for (const std::string& name : *names) {
    const auto channel = domain.find(name);
    auto sample = channel ? ChannelSample::take(*channel) : Failure(channel.error());
    if (sample) {
      samples.emplace(name, std::move(*sample));
    } else if (sample.error().code() != Errc::not_found) {
      ++unreadable;
    }
  }
  return samples;
}

const ChannelSample* before_of(const Samples& before, const std::string& name) {
  const auto found = before.find(name);
  return found == before.end() ? nullptr : &found->second;
}

std::uint64_t longest_lag(const LaneStats& lane) {
  std::uint64_t longest = 0;
  for (const ReaderPlace& place : lane.readers) {
    if (place.reader.alive && !place.left) longest = std::max(longest, place.lag_messages);
  }
  return longest;
}

std::uint64_t lost_in(const LaneStats& lane) {
  std::uint64_t lost = 0;
  for (const ReaderPlace& place : lane.readers)
    lost += place.lost;
  return lost;
}

// What the disk lacks; "-" where none is asked for.
std::string not_durable(const ChannelStats& stats, const LaneStats& lane) {
  if (!stats.options.durable) return "-";
  if (stats.journal.health == JournalHealth::ok) return std::to_string(lane.journal.lag_messages);
  return std::to_string(lane.journal.lag_messages) + " " + to_string(stats.journal.health);
}

void add_row(Table& table, const ChannelStats& stats, const LaneStats& lane,
             const std::optional<LaneRate>& rate) {
  std::string blocked;
  if (lane.blocked_on.incarnation != 0) {
    blocked = describe(lane.blocked_on) + " for " +
              format_duration(std::chrono::nanoseconds(lane.blocked_for_ns));
  }
  const std::string who = lane.producer.empty() ? describe(lane.publisher) : lane.producer;
  table.add({stats.name, std::to_string(lane.lane),
             lane.poisoned ? "poisoned" : to_string(lane.life), who,
             rate ? short_number(rate->messages_per_second) : "-",
             rate ? short_number(rate->bytes_per_second) : "-", std::to_string(lane.readers.size()),
             std::to_string(longest_lag(lane)), std::to_string(lost_in(lane)),
             not_durable(stats, lane), blocked});
}

std::string time_of_day() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  localtime_r(&now, &parts);
  std::array<char, 16> text{};
  std::strftime(text.data(), text.size(), "%H:%M:%S", &parts);
  return text.data();
}

std::string draw(const Domain& domain, const Samples& before, const Samples& now,
                 std::size_t unreadable) {
  Table table({"CHANNEL", "LANE", "STATE", "PUBLISHER", "MSG/S", "BYTES/S", "READERS", "BEHIND",
               "LOST", "NOT DURABLE", "BLOCKED BY"});
  std::uint64_t memory = 0;
  for (const auto& [name, sample] : now) {
    memory += sample.stats.shared_bytes;
    const ChannelSample* const first = before_of(before, name);
    for (const LaneStats& lane : sample.stats.lanes) {
      add_row(table, sample.stats, lane,
              first != nullptr ? rate_between(*first, sample, lane.lane) : std::nullopt);
    }
  }
  std::string title = time_of_day() + "  " + domain.path() + "  " + std::to_string(now.size()) +
                      " channels, " + format_size(memory) + " of shared memory";
  if (unreadable != 0) title += ", " + std::to_string(unreadable) + " unreadable (millrace ls)";
  return title + "\n" + table.text();
}

nlohmann::json to_json(const Samples& before, const Samples& now, std::size_t unreadable) {
  nlohmann::json channels = nlohmann::json::array();
  for (const auto& [name, sample] : now)
    channels.push_back(to_json(sample, before_of(before, name)));
  return {{"ok", unreadable == 0}, {"unreadable", unreadable}, {"channels", std::move(channels)}};
}

Result<void> watch(const TopArguments& arguments, const Domain& domain) {
  // Rates need two looks; the first screen does not wait for the whole interval.
  constexpr std::chrono::nanoseconds kFirst = std::chrono::milliseconds(200);
  std::size_t unreadable = 0;
  auto before = sample_all(domain, unreadable);
  if (!before) return Failure(before.error());
  Terminal terminal(!arguments.domain.json);
  std::chrono::nanoseconds wait = std::min(kFirst, arguments.interval);
  for (std::uint64_t screen = 0; arguments.count == 0 || screen < arguments.count; ++screen) {
    if (!terminal.wait(wait) || !stdout_open()) break;
    wait = arguments.interval;
    unreadable = 0;
    auto now = sample_all(domain, unreadable);
    if (!now) return Failure(now.error());
    if (arguments.domain.json) {
      print_json(to_json(*before, *now, unreadable));
    } else {
      terminal.show(draw(domain, *before, *now, unreadable));
    }
    before = std::move(now);
  }
  return {};
}

int run_top(const TopArguments& arguments) {
  const auto domain = observe(arguments.domain);
  if (!domain) return report(domain.error(), arguments.domain.json);
  const auto watched = watch(arguments, *domain);
  return watched ? kGood : report(watched.error(), arguments.domain.json);
}

}  // namespace

void add_top(CLI::App& app, int& exit_code) {
  const auto arguments = std::make_shared<TopArguments>();
  CLI::App& verb = *app.add_subcommand("top", "Watch all channels: rates, lags, who blocks whom");
  const auto take = [raw = arguments.get()](const std::string& text) {
    const auto parsed = parse_duration(text);
    if (!parsed) throw CLI::ValidationError("--interval", std::string(parsed.error().sentence()));
    if (parsed->count() == 0) throw CLI::ValidationError("--interval", "take more than 0");
    raw->interval = *parsed;
  };
  verb.add_option_function<std::string>("--interval", take, "Time between two screens (1)")
      ->type_name("SECONDS");
  add_count_option(verb, "--count", arguments->count, 1, "End after N screens");
  add_domain_options(verb, arguments->domain);
  verb.footer(std::string("q or Ctrl-C ends it.\n") + kExitCodes);
  verb.callback([arguments, &exit_code] { exit_code = run_top(*arguments); });
}

}  // namespace millrace::tools
