// millrace record: journals channels until it is asked to end, then drains and closes.
#include "channel_argument.hpp"
#include "channel_sample.hpp"
#include "domain_argument.hpp"
#include "duration_argument.hpp"
#include "journal_argument.hpp"
#include "journal_stats.hpp"
#include "millrace/core/clock.hpp"
#include "millrace/persist/recorder.hpp"
#include "record_channels.hpp"
#include "record_lines.hpp"
#include "report.hpp"
#include "retain_argument.hpp"
#include "signals.hpp"
#include "verbs.hpp"

#include <CLI/App.hpp>
#include <algorithm>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <unistd.h>
#include <vector>

namespace millrace::tools {
namespace {

constexpr std::chrono::nanoseconds kRound = std::chrono::milliseconds(100);
constexpr std::uint64_t kSecondNs = 1'000'000'000;

struct RecordArguments {
  DomainArgument domain;
  std::vector<std::string> channels;
  ChannelOptions options;
  JournalOptions journal;
  bool durable = false;
  bool wait = false;
  std::chrono::nanoseconds seconds{0};  // 0: until asked
};

// What the durable points of all recorded channels still lack; rings that cannot be read count 0.
DurableLag lag_of(const Domain& domain, const std::vector<std::string>& channels) {
  DurableLag lag;
  for (const std::string& name : channels) {
    const auto channel = domain.find(name);
    const auto stats = channel ? channel->stats() : Failure(channel.error());
    if (!stats) continue;
    const DurableLag one = durable_lag(*stats);
    lag.messages += one.messages;
    lag.bytes += one.bytes;
  }
  return lag;
}

// From the opened journal to its good end.
class Recording {
 public:
  Recording(const RecordArguments& arguments, const Domain& domain, Recorder recorder)
      : arguments_(arguments),
        domain_(domain),
        recorder_(std::move(recorder)),
        shows_(!arguments.domain.json && isatty(STDERR_FILENO) == 1),
        began_ns_(monotonic_ns()) {
    before_ = look();
  }

  Result<void> run() {
    while (!end_requested() && !time_is_over()) {
      if (auto done = recorder_.round(kRound); !done) return done;
      if (shows_ && monotonic_ns() - before_.at_ns >= kSecondNs) show();
    }
    hide();
    return recorder_.close();
  }

  // Takes the status line away.
  void hide() {
    if (shown_) std::fputs("\r\x1b[K", stderr);
    shown_ = false;
  }

  [[nodiscard]] const Recorder& recorder() const { return recorder_; }

  [[nodiscard]] double seconds() const {
    return static_cast<double>(monotonic_ns() - began_ns_) / 1e9;
  }

 private:
  [[nodiscard]] bool time_is_over() const {
    const auto limit = static_cast<std::uint64_t>(arguments_.seconds.count());
    return limit != 0 && monotonic_ns() - began_ns_ >= limit;
  }

  [[nodiscard]] RecordMoment look() const {
    return {monotonic_ns(), recorder_.stats(),
            shows_ ? lag_of(domain_, arguments_.channels) : DurableLag{}};
  }

  void show() {
    RecordMoment now = look();
    std::fprintf(stderr, "\r%s\x1b[K", status_line(before_, now, began_ns_).c_str());
    std::fflush(stderr);
    shown_ = true;
    before_ = std::move(now);
  }

  const RecordArguments& arguments_;
  const Domain& domain_;
  Recorder recorder_;
  const bool shows_;
  bool shown_ = false;
  const std::uint64_t began_ns_;
  RecordMoment before_;
};

void say_how_it_begins(const RecordArguments& arguments, const Recorder& recorder,
                       const RecordChannels& channels) {
  if (arguments.domain.json) {
    print_json({{"event", "open"},
                {"journal", arguments.journal.directory},
                {"channels", arguments.channels},
                {"made", channels.made()},
                {"keeps_bytes", effective_retention(arguments.journal).bytes},
                {"not_durable", channels.plain()},
                {"disk", to_json(recorder.disk())},
                {"recovery", to_json(recorder.recovery())}});
    return;
  }
  std::fprintf(stderr, "journal  %s: %s\n", arguments.journal.directory.c_str(),
               describe(recorder.disk()).c_str());
  std::fprintf(stderr, "opening  %s\n", describe(recorder.recovery()).c_str());
  std::fprintf(stderr, "keeps    %s\n", describe(effective_retention(arguments.journal)).c_str());
  for (const std::string& name : channels.plain()) {
    std::fprintf(stderr,
                 "channel  %s is not durable: it is written down as it passes by, and what is "
                 "missed is counted\n",
                 name.c_str());
  }
}

int say_how_it_ended(const RecordArguments& arguments, const Recording& recording) {
  const RecorderStats stats = recording.recorder().stats();
  const bool good = stats.refused.empty();
  if (arguments.domain.json) {
    nlohmann::json object = to_json(stats);
    object["ok"] = good;
    object["event"] = "end";
    object["seconds"] = recording.seconds();
    object["interrupted"] = end_requested();
    print_json(object);
  } else {
    std::fputs(final_text(stats, recording.seconds()).c_str(), stderr);
  }
  return good ? kGood : kCheckFailed;
}

int record(const RecordArguments& arguments, Domain& domain, RecordChannels& channels) {
  const bool json = arguments.domain.json;
  std::optional<Recorder> recorder;
  const auto opened =
      wait_while_busy(arguments.journal.directory, arguments.wait, [&]() -> Result<void> {
        auto made = Recorder::open(domain, arguments.journal, arguments.channels);
        if (!made) return Failure(made.error());
        recorder.emplace(std::move(*made));
        return {};
      });
  if (!opened && opened.error().code() == Errc::closed && end_requested()) return kGood;
  if (!opened) return report(opened.error(), json);
  say_how_it_begins(arguments, *recorder, channels);
  channels.keep();
  Recording recording(arguments, domain, std::move(*recorder));
  const auto done = recording.run();
  recording.hide();
  if (!done) return report(done.error(), json);
  return say_how_it_ended(arguments, recording);
}

int run_record(RecordArguments arguments) {
  const bool json = arguments.domain.json;
  auto directory = absolute_journal(arguments.journal.directory);
  if (!directory) return report(directory.error(), json);
  arguments.journal.directory = arguments.options.journal = *directory;
  arguments.options.durable = true;
  if (auto sound = check_journal_options(arguments.journal); !sound) {
    return report(sound.error(), json);
  }
  auto domain = arguments.durable ? join(arguments.domain) : observe(arguments.domain);
  if (!domain) return report(domain.error(), json);
  auto channels =
      RecordChannels::open(*domain, arguments.channels, arguments.durable, arguments.options);
  if (!channels) return report(channels.error(), json);
  return record(arguments, *domain, *channels);
}

void add_channel_options(CLI::App& verb, RecordArguments& arguments) {
  verb.add_flag("--durable", arguments.durable,
                "Make a channel that is missing, durable with this journal");
  add_ring_option(verb, arguments.options.ring_bytes);
  add_policy_option(verb, arguments.options.policy);
  add_stamps_option(verb, arguments.options.stamps);
  const auto take = [&arguments](const std::string& text) {
    if (text != "block" && text != "proceed") {
      throw CLI::ValidationError("--when-journal-fails",
                                 "\"" + text + "\" is not one of block, proceed");
    }
    arguments.options.when_journal_fails =
        text == "block" ? WhenJournalFails::block : WhenJournalFails::proceed;
  };
  verb.add_option_function<std::string>(
          "--when-journal-fails", take,
          "What publishers do once their ring is full of what the disk does not take, if the "
          "channel is made now: block or proceed (block)")
      ->type_name("WORD");
}

constexpr const char* kFooter =
    "Ctrl-C or SIGTERM ends it: what was published before is made durable, then the journal is\n"
    "closed. If it dies instead, start it again: nothing is lost or written twice.\n";

}  // namespace

void add_record(CLI::App& app, int& exit_code) {
  const auto arguments = std::make_shared<RecordArguments>();
  CLI::App& verb = *app.add_subcommand("record", "Write channels to a journal on disk");
  const auto take = [raw = arguments.get()](const std::vector<std::string>& names) {
    for (const std::string& name : names) {
      check_channel_name(name);
      const auto& all = raw->channels;
      if (std::find(all.begin(), all.end(), name) == all.end()) raw->channels.push_back(name);
    }
  };
  verb.add_option_function<std::vector<std::string>>("CHANNEL", take, "Names of the channels")
      ->required()
      ->type_name("");
  add_journal_option(verb, arguments->journal.directory);
  add_journal_options(verb, arguments->journal);
  add_channel_options(verb, *arguments);
  verb.add_flag("--wait", arguments->wait,
                "If the journal is in use, wait for its holder and take over");
  add_duration_option(verb, "--seconds", arguments->seconds, "End after so long");
  add_domain_options(verb, arguments->domain);
  verb.footer(std::string(kFooter) + kExitCodes);
  verb.callback([arguments, &exit_code] { exit_code = run_record(*arguments); });
}

}  // namespace millrace::tools
