#include "sub_options.hpp"

#include "channel_argument.hpp"
#include "duration_argument.hpp"
#include "key_argument.hpp"
#include "number_argument.hpp"
#include "time_argument.hpp"
#include "verbs.hpp"

#include <CLI/Error.hpp>

namespace millrace::tools {
namespace {

Result<From> parse_from(const std::string& text) {
  if (text == "oldest") return From::oldest();
  if (text == "now") return From::now();
  const auto place = parse_place(text);
  if (!place) {
    return fail(Errc::bad_argument,
                "\"%.100s\" is no place to begin; take oldest, now, a sequence, a time "
                "(2025-11-21T12:30:00Z, @1763728200) or how long ago (-10m)",
                text.c_str());
  }
  if (place->sequence) return From::at(*place->sequence);
  return From::since(std::chrono::nanoseconds(static_cast<std::int64_t>(*place->wall_ns)));
}

void add_reading_options(CLI::App& verb, SubArguments& arguments) {
  const auto take_from = [&arguments](const std::string& text) {
    const auto parsed = parse_from(text);
    if (!parsed) throw CLI::ValidationError("--from", std::string(parsed.error().sentence()));
    arguments.from = *parsed;
  };
  verb.add_option_function<std::string>("--from", take_from,
                                        "Where to begin: oldest, now, a sequence, and in a durable "
                                        "channel a time (2025-11-21T12:30:00Z) or how long ago "
                                        "(-10m) (now; oldest in a channel that had to be waited "
                                        "for)")
      ->type_name("PLACE");
  add_output_format_option(verb, arguments.format);
}

void add_durable_options(CLI::App& verb, SubArguments& arguments) {
  auto* const durable = verb.add_flag_callback(
      "--durable", [&arguments] { arguments.options.delivery = Delivery::durable; },
      "Only what is on disk (the default of a durable channel)");
  verb.add_flag_callback(
          "--visible", [&arguments] { arguments.options.delivery = Delivery::visible; },
          "As soon as it is published, though a power cut may take it back")
      ->excludes(durable);
  auto* const name =
      verb.add_option("--name", arguments.options.name, "What others call this subscriber")
          ->type_name("NAME");
  verb.add_flag("--remember", arguments.options.remember,
                "Of a durable channel: go on where the last subscriber of this name stopped")
      ->needs(name);
}

constexpr const char* kFooter =
    "The summary goes to stderr, as JSON with --json, which also makes json the default format.\n"
    "Without --timeout a channel that is not there is an error (2). With it, sub waits so long "
    "for\n"
    "the channel (else 2) and for each next message; it ends with 1 if none came, or fewer than\n"
    "--count. Lost messages make it end with 1, unless --lossy says that they may. Ctrl-C, and a\n"
    "reader of the output that goes away, end it well. With --remember a message counts as read\n"
    "once it is written to stdout.\n";

}  // namespace

void add_sub_options(CLI::App& verb, SubArguments& arguments) {
  add_channel_name(verb, arguments.channel);
  add_count_option(verb, "--count", arguments.count, 1, "End after N messages");
  add_reading_options(verb, arguments);
  add_duration_option(verb, "--timeout", arguments.timeout,
                      "End when nothing came for so long; also wait so long for the channel");
  verb.add_flag("--until-closed", arguments.options.until_closed,
                "End when every publisher has left and everything is read");
  verb.add_flag("--lossy", arguments.options.lossy,
                "Never hold up a publisher: rather lose messages, and count them");
  add_durable_options(verb, arguments);
  add_key_filter_option(verb, arguments.options.filter);
  add_wait_option(verb, arguments.options.wait);
  add_domain_options(verb, arguments.domain);
  verb.footer(std::string(kFooter) + kExitCodes);
}

}  // namespace millrace::tools
