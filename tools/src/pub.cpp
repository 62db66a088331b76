// millrace pub: publishes what it reads. The input is opened, and a file is read through once,
// before anything is made, so that a wrong one leaves nothing behind.
#include "channel_argument.hpp"
#include "domain_argument.hpp"
#include "duration_argument.hpp"
#include "key_argument.hpp"
#include "message_source.hpp"
#include "millrace/core/clock.hpp"
#include "number_argument.hpp"
#include "pacer.hpp"
#include "report.hpp"
#include "signals.hpp"
#include "size_argument.hpp"
#include "verbs.hpp"

#include <CLI/App.hpp>
#include <CLI/Error.hpp>
#include <cinttypes>
#include <memory>
#include <nlohmann/json.hpp>
#include <poll.h>
#include <string>

namespace millrace::tools {
namespace {

using std::chrono::milliseconds;

struct PubArguments {
  DomainArgument domain;
  ChannelArgument channel;
  std::string input = "-";
  InputFormat format;
  std::uint64_t count = 0;  // 0: all
  std::uint64_t repeat = 1;
  double rate = 0;
  std::uint64_t readers = 0;
  PublisherOptions publisher;
  std::uint16_t key = 0;
  bool durable = false;
  std::uint64_t group = 1;  // messages that are waited for together
};

struct Tally {
  std::uint64_t published = 0;
  std::uint64_t bytes = 0;
  std::uint64_t durable = 0;  // only with --durable
  std::uint64_t began_ns = 0;
  std::uint64_t ended_ns = 0;

  [[nodiscard]] double seconds() const { return static_cast<double>(ended_ns - began_ns) / 1e9; }

  [[nodiscard]] double rate() const {
    return ended_ns > began_ns ? static_cast<double>(published) / seconds() : 0;
  }
};

// Reads a file through once: every message must be one, and fit. Leaves it at its beginning.
Result<void> check_input(MessageSource& source, std::uint64_t count) {
  for (std::uint64_t seen = 0; count == 0 || seen < count; ++seen) {
    const auto message = source.next();
    if (!message) return Failure(message.error());
    if (!*message) break;
  }
  return source.rewind();
}

Result<MessageSource> open_source(const PubArguments& arguments) {
  auto input = InputBuffer::open(arguments.input);
  if (!input) return Failure(input.error());
  const auto ring = ring_bytes_of(arguments.domain, arguments.channel);
  if (!ring) return Failure(ring.error());
  if (arguments.repeat > 1 && !input->rewindable()) {
    if (auto kept = input->keep(); !kept) return Failure(kept.error());
  }
  MessageSource source(std::move(*input), arguments.format, *ring);
  if (source.input().rewindable()) {
    if (auto sound = check_input(source, arguments.count); !sound) return Failure(sound.error());
  }
  return source;
}

// Until so many subscribers are there, or the end is requested.
Result<void> wait_for_readers(const Channel& channel, std::uint64_t wanted) {
  while (wanted != 0 && !end_requested()) {
    const auto stats = channel.stats();
    if (!stats) return Failure(stats.error());
    std::uint64_t there = 0;
    for (const ReaderFileStats& reader : stats->readers)
      there += reader.reader.alive && !reader.joining ? 1 : 0;
    if (there >= wanted) break;
    pollfd end{end_descriptor(), POLLIN, 0};
    poll(&end, 1, 10);
  }
  return {};
}

// Waits for slow readers as long as it takes, but looks up to see whether it should end.
Result<bool> send_patiently(Publisher& publisher, std::string_view message, std::uint16_t key) {
  const auto bytes = std::as_bytes(std::span(message));
  for (;;) {
    const auto sent = publisher.send_for(milliseconds(100), bytes, key);
    if (sent) return true;
    if (sent.error().code() != Errc::timeout && sent.error().code() != Errc::full) {
      return Failure(sent.error());
    }
    if (end_requested()) return false;
  }
}

// Until everything that this publisher has sent is on disk. A journal that is down may come back,
// so that is waited for as well; false: the end is requested.
Result<bool> wait_until_durable(Publisher& publisher, Tally& tally) {
  constexpr auto kSlice = milliseconds(100);
  while (tally.durable != tally.published) {
    const std::uint64_t asked_ns = monotonic_ns();
    const auto done = publisher.wait_durable(publisher.next_sequence() - 1, kSlice);
    if (done) {
      tally.durable = tally.published;
      break;
    }
    // What comes at once would come at once again.
    const bool waited = std::chrono::nanoseconds(monotonic_ns() - asked_ns) >= kSlice / 2;
    const Errc code = done.error().code();
    const bool passing = code == Errc::timeout || code == Errc::journal_unavailable;
    if (!passing || !waited) return Failure(done.error());
    if (end_requested()) return false;
  }
  return true;
}

Result<void> publish_all(MessageSource& source, const PubArguments& arguments, Publisher& publisher,
                         Tally& tally) {
  Pacer pacer(arguments.rate);
  for (std::uint64_t turn = 0; turn < arguments.repeat; ++turn) {
    if (turn != 0) {
      if (auto again = source.rewind(); !again) return again;
    }
    while (arguments.count == 0 || tally.published < arguments.count) {
      const auto message = source.next();
      if (!message) return Failure(message.error());
      if (!*message) break;
      if (!pacer.wait()) return {};
      const auto sent = send_patiently(publisher, **message, arguments.key);
      if (!sent) return Failure(sent.error());
      if (!*sent) return {};
      ++tally.published;
      tally.bytes += (*message)->size();
      if (!arguments.durable || tally.published - tally.durable < arguments.group) continue;
      const auto durable = wait_until_durable(publisher, tally);
      if (!durable) return Failure(durable.error());
      if (!*durable) return {};
    }
    if (end_requested()) break;
  }
  if (!arguments.durable) return {};
  const auto durable = wait_until_durable(publisher, tally);
  return durable ? Result<void>() : Failure(durable.error());
}

void print_tally(const PubArguments& arguments, const MessageSource& source, const Tally& tally,
                 const LaneStats& lane) {
  if (arguments.domain.json) {
    print_json(
        {{"ok", !arguments.durable || tally.durable == tally.published},
         {"channel", arguments.channel.name},
         {"lane", lane.lane},
         {"published", tally.published},
         {"bytes", tally.bytes},
         {"durable", arguments.durable ? nlohmann::json(tally.durable) : nlohmann::json(nullptr)},
         {"seconds", tally.seconds()},
         {"messages_per_second", tally.rate()},
         {"unheard", lane.unheard},
         {"skipped_header", source.skipped_header()},
         {"interrupted", end_requested()}});
    return;
  }
  std::fprintf(stderr,
               "published %" PRIu64 " messages, %s, in %.3f s (%.0f a second) to %s lane %u",
               tally.published, format_size(tally.bytes).c_str(), tally.seconds(), tally.rate(),
               arguments.channel.name.c_str(), lane.lane);
  if (lane.unheard != 0) {
    std::fprintf(stderr, "; %" PRIu64 " of this lane while nobody subscribed", lane.unheard);
  }
  if (arguments.durable) std::fprintf(stderr, "; %" PRIu64 " are durable", tally.durable);
  std::fputs(source.skipped_header() ? "; the header row was left out\n" : "\n", stderr);
}

Result<void> publish(MessageSource& source, const PubArguments& arguments, const Channel& channel,
                     Tally& tally) {
  auto publisher = channel.publisher(arguments.publisher);
  if (!publisher) return Failure(publisher.error());
  if (auto there = wait_for_readers(channel, arguments.readers); !there) return there;
  tally.began_ns = monotonic_ns();
  auto done = publish_all(source, arguments, *publisher, tally);
  tally.ended_ns = monotonic_ns();
  if (done) print_tally(arguments, source, tally, publisher->stats());
  return done;
}

int run_pub(const PubArguments& arguments) {
  auto source = open_source(arguments);
  if (!source) return report(source.error(), arguments.domain.json);
  if (end_requested()) return kGood;
  auto domain = join(arguments.domain);
  if (!domain) return report(domain.error(), arguments.domain.json);
  auto opened = open_or_make(*domain, arguments.channel);
  if (!opened) return report(opened.error(), arguments.domain.json);
  Tally tally;
  const auto done = publish(*source, arguments, opened->channel, tally);
  if (done) return !arguments.durable || tally.durable == tally.published ? kGood : kCheckFailed;
  if (opened->made && tally.published == 0) take_away(*domain, opened->channel);
  if (tally.published != 0 && !arguments.domain.json) {
    std::fprintf(stderr, "published %" PRIu64 " messages before this:\n", tally.published);
  }
  return report(done.error(), arguments.domain.json);
}

void add_input_options(CLI::App& verb, PubArguments& arguments) {
  verb.add_option("--input", arguments.input, "File to read, - for standard input (-)")
      ->type_name("FILE");
  const auto take_format = [&arguments](const std::string& text) {
    const auto parsed = parse_input_format(text);
    if (!parsed) throw CLI::ValidationError("--format", std::string(parsed.error().sentence()));
    arguments.format = *parsed;
  };
  verb.add_option_function<std::string>("--format", take_format,
                                        "lines: a message a line (the default); csv: a message a "
                                        "row, without a header row; ndjson: a line of JSON each; "
                                        "frames: a 4-byte little-endian length before each; "
                                        "bytes:N: pieces of N bytes")
      ->type_name("FORMAT");
  add_count_option(verb, "--count", arguments.count, 1, "Publish at most N messages");
  add_count_option(verb, "--repeat", arguments.repeat, 1, "Publish the whole input N times (1)");
  add_rate_option(verb, "--rate", arguments.rate,
                  "Messages a second, evenly paced; as fast as possible without it");
}

}  // namespace

void add_pub(CLI::App& app, int& exit_code) {
  const auto arguments = std::make_shared<PubArguments>();
  CLI::App& verb = *app.add_subcommand("pub", "Publish what is read from a file or a pipe");
  add_channel_name(verb, arguments->channel.name);
  add_input_options(verb, *arguments);
  add_ring_option(verb, arguments->channel.options.ring_bytes);
  add_policy_option(verb, arguments->channel.options.policy);
  add_order_option(verb, arguments->channel.options.order);
  add_stamps_option(verb, arguments->channel.options.stamps);
  add_name_option(verb, arguments->publisher.name);
  verb.add_flag("--durable", arguments->durable,
                "Wait until each message is on disk before the next (the channel must be durable)");
  add_count_option(verb, "--group", arguments->group, 1,
                   "With --durable: wait once for N messages together (1)");
  add_key_option(verb, arguments->key);
  add_wait_option(verb, arguments->publisher.wait);
  add_count_option(verb, "--readers", arguments->readers, 0,
                   "Wait until N subscribers are there before publishing (0)");
  add_domain_options(verb, arguments->domain);
  verb.footer(
      std::string("A file is checked before anything is published. Ctrl-C ends cleanly.\n"
                  "A durable channel needs --name, because a journal tells producers by it; it is "
                  "made by\n`millrace record CHANNEL --journal DIR --durable`. With --durable, "
                  "ending with 0 means that\neverything published is on disk, with 1 that the end "
                  "was asked for before that.\n") +
      kExitCodes);
  verb.callback([arguments, &exit_code] { exit_code = run_pub(*arguments); });
}

}  // namespace millrace::tools
