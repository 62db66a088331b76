// millrace sub: writes the messages of a channel to standard output.
#include "loss_notes.hpp"
#include "message_print.hpp"
#include "millrace/core/clock.hpp"
#include "output_buffer.hpp"
#include "report.hpp"
#include "signals.hpp"
#include "size_argument.hpp"
#include "sub_options.hpp"
#include "verbs.hpp"

#include <CLI/App.hpp>
#include <algorithm>
#include <cinttypes>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <poll.h>
#include <string>

namespace millrace::tools {
namespace {

constexpr std::chrono::nanoseconds kSlice = std::chrono::milliseconds(100);
constexpr std::size_t kTogether = 256;

enum class End { enough, closed, asked, timed_out };

const char* to_string(End end) {
  switch (end) {
    case End::enough: return "count";
    case End::closed: return "closed";
    case End::asked: return "interrupted";
    case End::timed_out: return "timeout";
  }
  return "unknown";
}

struct Tally {
  std::uint64_t received = 0;
  std::uint64_t bytes = 0;
  std::uint64_t broken_lanes = 0;
  std::uint64_t missing = 0;  // of a durable channel: trimmed by retention, or never journaled
  std::uint64_t began_ns = monotonic_ns();
};

// A nap that ends when the end is requested.
void nap() {
  pollfd end{end_descriptor(), POLLIN, 0};
  poll(&end, 1, 10);
}

struct FoundChannel {
  Channel channel;
  bool waited = false;
  std::uint64_t since_ns = 0;  // wall clock when the wait began
};

// The channel; with a timeout, it (and its domain) may appear meanwhile. Nothing if the end was
// requested.
Result<std::optional<FoundChannel>> find_channel(const SubArguments& arguments) {
  const std::uint64_t began_ns = monotonic_ns();
  const std::uint64_t since_ns = wall_ns();
  for (bool waited = false; !end_requested(); waited = true) {
    auto domain = observe(arguments.domain);
    auto channel = domain ? domain->find(arguments.channel) : Failure(domain.error());
    if (channel) return FoundChannel{std::move(*channel), waited, since_ns};
    if (channel.error().code() != Errc::not_found) return Failure(channel.error());
    const auto waited_ns = std::chrono::nanoseconds(monotonic_ns() - began_ns);
    if (!arguments.has_timeout() || waited_ns >= arguments.timeout) {
      return fail(Errc::not_found, "%.*s%s", static_cast<int>(channel.error().sentence().size()),
                  channel.error().sentence().data(),
                  arguments.has_timeout() ? "" : " (--timeout S waits for it)");
    }
    nap();
  }
  return std::nullopt;
}

// Everything between joining and leaving.
class Reading {
 public:
  Reading(const SubArguments& arguments, Subscriber& subscriber)
      : arguments_(arguments), subscriber_(subscriber), notes_(arguments.domain.json) {}

  // Errors: those after which a subscriber cannot go on.
  Result<End> run() {
    std::uint64_t heard_ns = monotonic_ns();
    while (!end_requested()) {
      const auto got = take();
      if (!got && !survivable(got.error())) return Failure(got.error());
      if (done()) return finish(End::enough);
      if (got && *got == 0) {
        output_.flush();
        const auto end = wait(heard_ns);
        if (!end) return Failure(end.error());
        if (*end) return finish(**end);
      } else {
        heard_ns = monotonic_ns();
      }
      output_.settle();
      if (output_.os_error() != 0) {
        return fail_os(output_.os_error(), "cannot write to standard output");
      }
    }
    return finish(End::asked);
  }

  [[nodiscard]] const Tally& tally() const { return tally_; }

 private:
  [[nodiscard]] bool done() const {
    return arguments_.count != 0 && tally_.received >= arguments_.count;
  }

  Result<std::size_t> take() {
    std::uint64_t most = kTogether;
    if (arguments_.count != 0) most = std::min(most, arguments_.count - tally_.received);
    const OutputFormat format = arguments_.output();
    return subscriber_.poll_each(
        [this, format](const Message& message) {
          print_message(printable(message), format, output_.text());
          // What is acknowledged for ever must have been written.
          if (arguments_.options.remember) output_.flush();
          ++tally_.received;
          tally_.bytes += message.bytes().size();
        },
        static_cast<std::size_t>(most));
  }

  // Waits a little. An end if there is a reason for one.
  Result<std::optional<End>> wait(std::uint64_t heard_ns) {
    if (!output_.open()) return End::asked;
    std::chrono::nanoseconds slice = kSlice;
    if (arguments_.has_timeout()) {
      const auto silent = std::chrono::nanoseconds(monotonic_ns() - heard_ns);
      if (silent >= arguments_.timeout) return End::timed_out;
      slice = std::min(slice, arguments_.timeout - silent);
    }
    const auto there = subscriber_.wait(slice);
    if (there || there.error().code() == Errc::timeout) return std::nullopt;
    if (there.error().code() == Errc::closed) return End::closed;
    if (!survivable(there.error())) return Failure(there.error());
    return std::nullopt;
  }

  bool survivable(const Error& error) {
    switch (error.code()) {
      case Errc::overrun:
      case Errc::evicted:
      case Errc::rewound: break;
      case Errc::poisoned: ++tally_.broken_lanes; break;
      case Errc::trimmed:
      case Errc::gap: tally_.missing += error.lost(); break;
      default: return false;
    }
    notes_.add(error);
    return true;
  }

  Result<End> finish(End end) {
    output_.flush();
    notes_.flush();
    if (output_.os_error() == 0) return end;
    return fail_os(output_.os_error(), "cannot write to standard output");
  }

  const SubArguments& arguments_;
  Subscriber& subscriber_;
  OutputBuffer output_;
  LossNotes notes_;
  Tally tally_;
};

void print_summary(const SubArguments& arguments, const Tally& tally, const ReaderStats& stats,
                   End end, bool good) {
  const double seconds = static_cast<double>(monotonic_ns() - tally.began_ns) / 1e9;
  if (arguments.domain.json) {
    print_json({{"ok", good},
                {"channel", arguments.channel},
                {"received", tally.received},
                {"bytes", tally.bytes},
                {"lost", stats.lost},
                {"missing", tally.missing},
                {"caught_up", stats.caught_up},
                {"skipped", stats.skipped},
                {"broken_lanes", tally.broken_lanes},
                {"seconds", seconds},
                {"ended_by", to_string(end)}},
               stderr);
    return;
  }
  std::fprintf(stderr, "received %" PRIu64 " messages, %s, in %.3f s; lost %" PRIu64,
               tally.received, format_size(tally.bytes).c_str(), seconds, stats.lost);
  if (stats.skipped != 0) std::fprintf(stderr, "; passed over %" PRIu64, stats.skipped);
  if (tally.missing != 0) {
    std::fprintf(stderr, "; %" PRIu64 " are no longer in the journal", tally.missing);
  }
  if (end == End::timed_out) std::fputs("; nothing more came in time", stderr);
  std::fputs("\n", stderr);
}

// Nothing of a channel that was waited for is to be missed; but the past of a durable one may be
// years, and was not asked for.
From first_place(const FoundChannel& found) {
  if (!found.waited) return From::now();
  if (!found.channel.options().durable) return From::oldest();
  return From::since(std::chrono::nanoseconds(static_cast<std::int64_t>(found.since_ns)));
}

int read_channel(const SubArguments& arguments, const FoundChannel& found) {
  SubscriberOptions options = arguments.options;
  options.from = arguments.from.value_or(first_place(found));
  auto subscriber = found.channel.subscriber(options);
  if (!subscriber) return report(subscriber.error(), arguments.domain.json, stderr);
  Reading reading(arguments, *subscriber);
  const auto end = reading.run();
  if (!end) return report(end.error(), arguments.domain.json, stderr);
  const Tally& tally = reading.tally();
  const ReaderStats stats = subscriber->stats();
  const bool too_few = *end == End::timed_out && (tally.received == 0 || arguments.count != 0);
  const bool lost = (stats.lost != 0 && !arguments.options.lossy) || tally.missing != 0;
  const bool damaged = tally.broken_lanes != 0 || lost;
  print_summary(arguments, tally, stats, *end, !too_few && !damaged);
  return too_few || damaged ? kCheckFailed : kGood;
}

int run_sub(const SubArguments& arguments) {
  const auto found = find_channel(arguments);
  if (!found) return report(found.error(), arguments.domain.json, stderr);
  return *found ? read_channel(arguments, **found) : kGood;
}

}  // namespace

void add_sub(CLI::App& app, int& exit_code) {
  const auto arguments = std::make_shared<SubArguments>();
  CLI::App& verb = *app.add_subcommand("sub", "Write the messages of a channel to stdout");
  add_sub_options(verb, *arguments);
  verb.callback([arguments, &exit_code] { exit_code = run_sub(*arguments); });
}

}  // namespace millrace::tools
