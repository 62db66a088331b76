// millrace replay: reads messages out of a journal again, to standard output or into a channel.
#include "channel_argument.hpp"
#include "domain_argument.hpp"
#include "duration_argument.hpp"
#include "journal_argument.hpp"
#include "loss_notes.hpp"
#include "message_print.hpp"
#include "millrace/core/clock.hpp"
#include "millrace/persist/journal_reader.hpp"
#include "millrace/persist/replayer.hpp"
#include "number_argument.hpp"
#include "progress.hpp"
#include "replay_target.hpp"
#include "report.hpp"
#include "run_figures.hpp"
#include "signals.hpp"
#include "size_argument.hpp"
#include "time_argument.hpp"
#include "verbs.hpp"

#include <CLI/App.hpp>
#include <CLI/Error.hpp>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace millrace::tools {
namespace {

constexpr std::chrono::nanoseconds kSlice = std::chrono::milliseconds(100);

struct ReplayArguments {
  DomainArgument domain;
  ReplayOptions options;
  ChannelArgument into;
  std::optional<OutputFormat> format;
  std::uint64_t count = 0;  // 0: all

  [[nodiscard]] bool to_channel() const { return !into.name.empty(); }

  [[nodiscard]] std::FILE* summary() const { return to_channel() ? stdout : stderr; }
};

struct Tally {
  std::uint64_t messages = 0;
  std::uint64_t bytes = 0;
  std::uint64_t lost = 0;
  std::uint64_t began_ns = monotonic_ns();

  [[nodiscard]] double seconds() const {
    return static_cast<double>(monotonic_ns() - began_ns) / 1e9;
  }
};

// How many messages lie in the range, for the progress bar; 0: cannot be told.
std::uint64_t messages_in(const ReplayArguments& arguments) {
  const ReplayOptions& options = arguments.options;
  if (options.follow || options.from_ns || options.to_ns) return 0;
  const auto reader = JournalReader::open(options.directory);
  if (!reader) return 0;
  std::uint64_t all = 0;
  for (const JournalLane& lane : reader->lanes()) {
    if (!options.channel.empty() && lane.channel_name != options.channel) continue;
    if (!options.producer.empty() && lane.producer != options.producer) continue;
    const Sequence from = std::max(lane.first, options.from.value_or(0));
    const Sequence to = std::min(lane.end, options.to.value_or(lane.end));
    all += to > from ? to - from : 0;
  }
  return arguments.count == 0 ? all : std::min(all, arguments.count);
}

class Replaying {
 public:
  Replaying(const ReplayArguments& arguments, Replayer& replayer, ReplayTarget& target)
      : arguments_(arguments),
        replayer_(replayer),
        target_(target),
        notes_(arguments.domain.json),
        progress_("replay", Progress::Unit::messages,
                  arguments.to_channel() && !arguments.domain.json),
        all_(arguments.to_channel() ? messages_in(arguments) : 0) {}

  // Errors: those after which nothing can follow.
  Result<void> run() {
    while (!end_requested() && !done()) {
      auto message = replayer_.next(kSlice);
      if (!message) {
        if (auto again = lost(message.error()); !again) return finish(again);
        continue;
      }
      if (!*message) {
        auto wanted = target_.settle();
        if (!wanted) return finish(Failure(wanted.error()));
        if (replayer_.done() || !*wanted) break;
        continue;
      }
      tell_gap(**message);
      const auto taken = target_.take(**message);
      if (!taken) return finish(Failure(taken.error()));
      if (!*taken) break;
      count(**message);
    }
    const auto settled = target_.settle();
    return finish(settled ? Result<void>() : Failure(settled.error()));
  }

  [[nodiscard]] const Tally& tally() const { return tally_; }

  // A place that had been given up was met.
  [[nodiscard]] bool damaged() const { return !damage_.empty(); }

 private:
  [[nodiscard]] bool done() const {
    return arguments_.count != 0 && tally_.messages >= arguments_.count;
  }

  void count(const ReplayedMessage& message) {
    ++tally_.messages;
    tally_.bytes += message.bytes.size();
    if (tally_.messages % 1024 == 0) progress_.show(tally_.messages, all_);
  }

  // What was never journaled, because publishers went on without the journal.
  void tell_gap(const ReplayedMessage& message) {
    if (message.gap_from >= message.gap_to) return;
    const std::uint64_t missing = message.gap_to - message.gap_from;
    const std::string sentence = "producer " + std::string(message.producer) + ": messages " +
                                 std::to_string(message.gap_from) + " to " +
                                 std::to_string(message.gap_to - 1) + " were never journaled";
    progress_.clear();
    notes_.add(Error(Errc::gap, 0, sentence).with_lost(missing));
    tally_.lost += missing;
  }

  // Retention may be faster than we are, and a place that was given up by repair is told once;
  // damage that nobody has given up is told again, and ends it as everything else does.
  Result<void> lost(const Error& error) {
    const bool given_up = error.code() == Errc::damaged && error.sentence() != damage_;
    if (given_up) damage_ = error.sentence();
    if (!given_up && error.code() != Errc::trimmed && error.code() != Errc::gap) {
      return Failure(error);
    }
    progress_.clear();
    notes_.add(error);
    tally_.lost += error.lost();
    return {};
  }

  Result<void> finish(Result<void> result) {
    progress_.clear();
    notes_.flush();
    return result;
  }

  const ReplayArguments& arguments_;
  Replayer& replayer_;
  ReplayTarget& target_;
  LossNotes notes_;
  Progress progress_;
  const std::uint64_t all_;
  Tally tally_;
  std::string damage_;  // told last
};

int say_summary(const ReplayArguments& arguments, const Tally& tally, bool damaged) {
  const double seconds = tally.seconds();
  const double rate = seconds > 0 ? static_cast<double>(tally.bytes) / seconds : 0;
  const bool good = tally.lost == 0 && !damaged;
  if (arguments.domain.json) {
    print_json({{"ok", good},
                {"journal", arguments.options.directory},
                {"into", arguments.to_channel() ? nlohmann::json(arguments.into.name)
                                                : nlohmann::json(nullptr)},
                {"replayed", tally.messages},
                {"bytes", tally.bytes},
                {"lost", tally.lost},
                {"seconds", seconds},
                {"bytes_per_second", rate},
                {"interrupted", end_requested()}},
               arguments.summary());
  } else {
    std::fprintf(stderr, "replayed %s messages, %s, in %.3f s (%s/s)%s%s\n",
                 grouped(tally.messages).c_str(), format_size(tally.bytes).c_str(), seconds,
                 format_size(static_cast<std::uint64_t>(rate)).c_str(),
                 arguments.to_channel() ? " into channel " : "", arguments.into.name.c_str());
  }
  return good ? kGood : kCheckFailed;
}

int replay_to(const ReplayArguments& arguments, ReplayTarget& target) {
  const bool json = arguments.domain.json;
  auto replayer = Replayer::open(arguments.options);
  if (!replayer) return report(replayer.error(), json, arguments.summary());
  Replaying replaying(arguments, *replayer, target);
  const auto done = replaying.run();
  if (done) return say_summary(arguments, replaying.tally(), replaying.damaged());
  if (replaying.tally().messages != 0 && !json) {
    std::fprintf(stderr, "replayed %s messages before this:\n",
                 grouped(replaying.tally().messages).c_str());
  }
  const int code = report(done.error(), json, arguments.summary());
  return done.error().code() == Errc::damaged ? kCheckFailed : code;
}

int replay_to_channel(const ReplayArguments& arguments) {
  const bool json = arguments.domain.json;
  // A wrong journal must not leave a channel behind.
  if (auto there = Replayer::open(arguments.options); !there) return report(there.error(), json);
  auto domain = join(arguments.domain);
  if (!domain) return report(domain.error(), json);
  auto opened = open_or_make(*domain, arguments.into);
  if (!opened) return report(opened.error(), json);
  if (opened->channel.options().durable &&
      opened->channel.options().journal == arguments.options.directory) {
    return report(Error(Errc::bad_argument, 0,
                        "channel " + arguments.into.name +
                            " is recorded in this very journal, which would grow by what it is "
                            "read; replay into another channel"),
                  json);
  }
  ReplayToChannel target(opened->channel);
  const int code = replay_to(arguments, target);
  if (opened->made && code == kBadEnvironment) take_away(*domain, opened->channel);
  return code;
}

int run_replay(ReplayArguments arguments) {
  const bool json = arguments.domain.json;
  auto directory = absolute_journal(arguments.options.directory);
  if (!directory) return report(directory.error(), json, arguments.summary());
  arguments.options.directory = *directory;
  if (arguments.to_channel()) return replay_to_channel(arguments);
  ReplayToOutput target(arguments.format.value_or(json ? OutputFormat::json : OutputFormat::lines));
  return replay_to(arguments, target);
}

void add_place_option(CLI::App& verb, const char* name, std::optional<Sequence>& sequence,
                      std::optional<std::uint64_t>& wall, const char* help) {
  const auto take = [name, &sequence, &wall](const std::string& text) {
    const auto place = parse_place(text);
    if (!place) throw CLI::ValidationError(name, std::string(place.error().sentence()));
    sequence = place->sequence;
    wall = place->wall_ns;
  };
  verb.add_option_function<std::string>(name, take, help)->type_name("PLACE");
}

void add_speed_option(CLI::App& verb, double& speed) {
  const auto take = [&speed](const std::string& text) {
    if (text == "max") {
      speed = 0;
      return;
    }
    const auto parsed =
        text.ends_with('x') ? parse_rate(text.substr(0, text.size() - 1)) : parse_rate("");
    if (!parsed) {
      throw CLI::ValidationError("--speed", "\"" + text +
                                                "\" is no speed; write 1x, 2x, 0.5x, or "
                                                "max");
    }
    speed = *parsed;
  };
  verb.add_option_function<std::string>(
          "--speed", take,
          "1x: as it was recorded, 2x: twice as fast; max: as fast as it goes (max)")
      ->type_name("SPEED");
}

void add_range_options(CLI::App& verb, ReplayArguments& arguments) {
  ReplayOptions& options = arguments.options;
  verb.add_option("--producer", options.producer, "Only the messages of this publisher")
      ->type_name("NAME");
  add_place_option(verb, "--from", options.from, options.from_ns,
                   "Begin at a sequence (of each producer) or a time");
  add_place_option(verb, "--to", options.to, options.to_ns, "End before it");
  add_count_option(verb, "--count", arguments.count, 1, "End after N messages");
  verb.add_flag("--follow", options.follow, "At the end, wait for more");
  add_speed_option(verb, options.speed);
}

constexpr const char* kFooter =
    "PLACE is a sequence (4711), a time (2025-11-21T12:30:00Z, \"2025-11-21 12:30:00\" here,\n"
    "@1763728200) or how long ago (-10m). A recorder may write the journal meanwhile; what is not\n"
    "yet proven durable is not replayed. Summary and notes go to stderr.\n"
    "Exit codes: 0 good, 1 messages of the range are trimmed or damaged, 2 bad usage or "
    "environment.";

}  // namespace

void add_replay(CLI::App& app, int& exit_code) {
  const auto arguments = std::make_shared<ReplayArguments>();
  CLI::App& verb = *app.add_subcommand("replay", "Read messages out of a journal again");
  add_channel_name(verb, arguments->options.channel)
      ->required(false)
      ->description("Channel to replay; not needed if the journal holds only one");
  add_journal_option(verb, arguments->options.directory);
  add_range_options(verb, *arguments);
  const auto take_into = [raw = arguments.get()](const std::string& text) {
    check_channel_name(text);
    raw->into.name = text;
  };
  verb.add_option_function<std::string>("--into", take_into,
                                        "Publish into this channel, in lanes named as the "
                                        "producers were, instead of writing to stdout")
      ->type_name("CHANNEL");
  add_ring_option(verb, arguments->into.options.ring_bytes);
  add_output_format_option(verb, arguments->format);
  add_domain_options(verb, arguments->domain);
  verb.footer(kFooter);
  verb.callback([arguments, &exit_code] { exit_code = run_replay(*arguments); });
}

}  // namespace millrace::tools
