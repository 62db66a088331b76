// millrace trace: what the flight recorders of a channel hold, also of processes that were killed.
// It only reads.
#include "channel_argument.hpp"
#include "domain_argument.hpp"
#include "duration_argument.hpp"
#include "millrace/core/topology.hpp"
#include "number_argument.hpp"
#include "report.hpp"
#include "trace_chrome.hpp"
#include "trace_text.hpp"
#include "verbs.hpp"

#include <CLI/App.hpp>
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

namespace millrace::tools {
namespace {

constexpr std::uint64_t kLast = 20;
constexpr std::uint64_t kSlowestInATimeline = 1000;

struct TraceArguments {
  DomainArgument domain;
  std::string channel;
  std::uint64_t last = 0;     // 0: not asked for
  std::uint64_t slowest = 0;  // 0: not asked for
  std::string chrome;
  std::chrono::nanoseconds offset{0};
};

// Those of the report, in its order: the newest last, or the slowest first.
void choose(const TraceArguments& arguments, const Clock& clock, TraceReport& report) {
  auto& messages = report.messages;
  std::uint64_t slowest = arguments.slowest;
  if (slowest == 0 && arguments.last == 0 && !arguments.chrome.empty()) {
    slowest = kSlowestInATimeline;
  }
  if (slowest == 0) {
    const std::uint64_t last = arguments.last != 0 ? arguments.last : kLast;
    if (messages.size() > last)
      messages.erase(messages.begin(), messages.end() - static_cast<std::ptrdiff_t>(last));
    return;
  }
  std::ranges::sort(messages, std::ranges::greater{}, [&](const MessageTrace& message) {
    return std::pair(MessageTimes(report.trace, message, clock).latency_ns(), message.first);
  });
  if (messages.size() > slowest) messages.resize(slowest);
}

Result<void> measure(const TraceArguments& arguments, const Clock& clock, ClockLine& line) {
  if (arguments.offset.count() == 0) return {};
  const auto allowed = allowed_cpus();
  if (!allowed) return Failure(allowed.error());
  if (allowed->size() < 2) {
    return fail(Errc::unsupported,
                "the clock's offset needs two processors, and this process may use one only; leave "
                "--offset out");
  }
  auto track = measure_offset(clock, (*allowed)[0], (*allowed)[1], arguments.offset);
  if (!track) return Failure(track.error());
  line.offset = *track;
  return {};
}

Result<TraceReport> make_report(const TraceArguments& arguments, const Channel& channel,
                                const Clock& clock) {
  auto trace = channel.trace();
  if (!trace) return Failure(trace.error());
  TraceReport made;
  made.clock_line.clock = clock.report();
  if (auto measured = measure(arguments, clock, made.clock_line); !measured) {
    return Failure(measured.error());
  }
  made.trace = std::move(*trace);
  made.messages = join(made.trace);
  made.stamped = made.messages.size();
  made.spans = summarise(made.trace, made.messages, clock, made.clock_line);
  choose(arguments, clock, made);
  return made;
}

int run_trace(const TraceArguments& arguments) {
  const bool json = arguments.domain.json;
  if (arguments.last != 0 && arguments.slowest != 0) {
    return report_usage("--last and --slowest exclude each other; give one", json);
  }
  const auto domain = observe(arguments.domain);
  if (!domain) return report(domain.error(), json);
  const auto channel = domain->find(arguments.channel);
  if (!channel) return report(channel.error(), json);
  const auto clock = domain->clock();
  if (!clock) return report(clock.error(), json);
  const auto made = make_report(arguments, *channel, *clock);
  if (!made) return report(made.error(), json);
  if (!arguments.chrome.empty()) {
    if (auto written = write_chrome(*made, *clock, arguments.chrome); !written) {
      return report(written.error(), json);
    }
  }
  if (json) {
    print_json(to_json(*made, *clock));
  } else if (arguments.chrome.empty()) {
    std::fputs(to_text(*made, *clock).c_str(), stdout);
  } else {
    std::printf("%zu of %zu stamped messages written to %s; open it at ui.perfetto.dev\n",
                made->messages.size(), made->stamped, arguments.chrome.c_str());
  }
  return kGood;
}

}  // namespace

void add_trace(CLI::App& app, int& exit_code) {
  const auto arguments = std::make_shared<TraceArguments>();
  CLI::App& verb = *app.add_subcommand(
      "trace", "Show where stamped messages were when, also of processes that were killed");
  add_channel_name(verb, arguments->channel);
  add_count_option(verb, "--last", arguments->last, 1, "The newest so many messages (20)");
  add_count_option(verb, "--slowest", arguments->slowest, 1,
                   "The slowest so many, instead (1000 with --chrome)");
  verb.add_option("--chrome", arguments->chrome,
                  "Write them as a timeline for ui.perfetto.dev, with an arrow for each message")
      ->type_name("FILE");
  add_duration_option(verb, "--offset", arguments->offset,
                      "Measure for so long how far the clocks of two processors may be apart; both "
                      "are kept busy meanwhile (0: not measured)");
  add_domain_options(verb, arguments->domain);
  verb.callback([arguments, &exit_code] { exit_code = run_trace(*arguments); });
}

}  // namespace millrace::tools
