#include "run_options.hpp"

#include "channel_argument.hpp"
#include "duration_argument.hpp"
#include "number_argument.hpp"
#include "retain_argument.hpp"
#include "size_argument.hpp"

#include <cinttypes>

namespace millrace::tools {

std::chrono::nanoseconds RunOptions::duration() const noexcept {
  if (seconds != kUnset) return seconds;
  return telemetry() ? std::chrono::seconds(5) : kForever;
}

void add_run_options(CLI::App& verb, RunOptions& options) {
  add_domain_options(verb, options.domain);
  verb.add_option("--input", options.input,
                  "telemetry: this host's kernel counters (default); FILE: its lines; -: those of "
                  "stdin. Every publisher sends all of it through its own lane")
      ->type_name("FILE");
  add_count_option(verb, "--publishers", options.publishers, 1, "Publishing processes (1)");
  add_count_option(verb, "--subscribers", options.subscribers, 0,
                   "Subscribing processes (1); each receives everything");
  add_duration_option(verb, "--seconds", options.seconds,
                      "Stop publishing after so long (telemetry: 5; a file: at its end)");
  add_ring_option(verb, options.ring_bytes);
  verb.get_option("--ring")->description("Bytes of each publisher's ring (1M)");
  add_wait_option(verb, options.wait);
  add_policy_option(verb, options.policy);
  verb.get_option("--policy")
      ->description("What a full ring does with slow subscribers: block, evict or lossy (block)");
  add_order_option(verb, options.order);
  verb.get_option("--order")->description(
      "What comes before what: lane (each publisher's own order) or total (one for "
      "all, through memory alone) (lane)");
  add_rate_option(verb, "--rate", options.rate,
                  "Messages a second and publisher (a file: as fast as possible; telemetry: all "
                  "counters 100 times a second)");
  add_count_option(verb, "--repeat", options.repeat, 1, "Replay the file so many times (1)");
  verb.add_flag("--quiet", options.quiet, "No line each second");
  verb.add_option("--journal", options.journal,
                  "Record everything into this directory, and keep it (telemetry: into one of its "
                  "own below $MILLRACE_JOURNAL_DIR or the user's state directory, removed at the "
                  "end; FILE: not recorded)")
      ->type_name("DIR");
  verb.add_flag("--no-journal", options.no_journal, "Memory only");
  add_retain_option(verb, options.retain);
  verb.get_option("--retain")
      ->description("With --journal: keep only so much: bytes, an age, or acked (everything)");
  verb.add_option("--role", options.role)->group("");
  verb.add_option("--number", options.number)->group("");
  verb.add_flag("--plant-misread", options.plant)->group("");
}

Result<void> check_run_options(const RunOptions& options) {
  if (options.publishers > kRunPublishersMax) {
    return fail(Errc::bad_argument,
                "%" PRIu64 " publishers are too many; a channel has %" PRIu64 " lanes",
                options.publishers, kRunPublishersMax);
  }
  if (options.subscribers > kRunSubscribersMax) {
    return fail(Errc::bad_argument, "%" PRIu64 " subscribers are too many; take up to %" PRIu64,
                options.subscribers, kRunSubscribersMax);
  }
  if (options.seconds == std::chrono::nanoseconds::zero()) {
    return fail(Errc::bad_argument, "--seconds 0 leaves no time to publish; write more than 0");
  }
  if (options.telemetry() && options.repeat != 0) {
    return fail(Errc::bad_argument,
                "telemetry cannot be repeated; --repeat goes with --input FILE, --seconds says how "
                "long to sample");
  }
  if (options.no_journal && !options.journal.empty()) {
    return fail(Errc::bad_argument, "--journal and --no-journal contradict each other; take one");
  }
  if (options.order == Order::total && !options.journal.empty()) {
    return fail(Errc::bad_argument,
                "--order total and --journal contradict each other: a journal keeps lanes, not the "
                "order between them; take one");
  }
  if (options.input.empty()) {
    return fail(Errc::bad_argument, "--input needs a file, or - for stdin, or telemetry");
  }
  return {};
}

}  // namespace millrace::tools
