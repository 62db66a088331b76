// The recorder of the main job: journals the run's channel, from before the first publisher until
// after the last message.
#include "journal_argument.hpp"
#include "millrace/persist/recorder.hpp"
#include "run_child.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>

namespace millrace::tools {
namespace {

// How long it sleeps before a look at whether the run is over.
constexpr std::chrono::milliseconds kRound{20};

JournalOptions options_of(const JournalPage& page) {
  JournalOptions options;
  options.directory = page.directory.data();
  options.segment_bytes = page.segment_bytes;
  options.retain.bytes = page.retain_bytes;
  options.retain.age = std::chrono::nanoseconds(page.retain_age_ns);
  options.retain.acknowledged = page.retain_acknowledged != 0;
  return options;
}

void leave_figures(const RecorderStats& stats, RecorderWords& words) noexcept {
  words.messages = stats.messages;
  words.record_bytes = stats.journal.payload_bytes;
  words.written_bytes = stats.journal.written_bytes;
  words.batches = stats.journal.items;
  words.flushes = stats.journal.flushes;
  words.flush_ns[0] = stats.journal.write_ns_p50;
  words.flush_ns[1] = stats.journal.write_ns_p99;
  words.flush_ns[2] = stats.journal.write_ns_p999;
  words.flush_ns[3] = stats.journal.write_ns_max;
}

}  // namespace

Result<void> record_in_run(const RunPage& page, const Domain& domain) {
  RecorderWords& words = page.header().recorder;
  auto recorder =
      Recorder::open(domain, options_of(words.journal), {page.settings().channel.data()});
  if (!recorder) return Failure(recorder.error());
  const std::string device = describe(recorder->disk());
  std::memcpy(words.device.data(), device.data(), std::min(device.size(), words.device.size() - 1));
  reach(words.child, RunPhase::place);
  while (page.phase() < RunPhase::leave && page.stop() != RunStop::everything) {
    if (auto done = recorder->round(kRound); !done) return done;
  }
  if (auto closed = recorder->close(); !closed) return closed;
  leave_figures(recorder->stats(), words);
  reach(words.child, RunPhase::leave);
  return {};
}

}  // namespace millrace::tools
