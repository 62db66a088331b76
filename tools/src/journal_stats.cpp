#include "journal_stats.hpp"

#include "channel_sample.hpp"
#include "duration_argument.hpp"
#include "run_figures.hpp"
#include "size_argument.hpp"
#include "stats_json.hpp"

#include <cstring>
#include <nlohmann/json.hpp>

namespace millrace::tools {
namespace {

// A journal must take four times what comes while the disk makes one write durable; below that the
// ring is full before the disk has caught up.
constexpr std::uint64_t kTightShare = 4;

const char* remedy_for(JournalHealth health) noexcept {
  switch (health) {
    case JournalHealth::ok: return "";
    case JournalHealth::stopped: return "is it stopped, or is its disk?";
    case JournalHealth::full: return "free some space: it goes on by itself";
    case JournalHealth::down: return "start a recorder: it continues where this one ended";
    case JournalHealth::poisoned: return "look at the disk, then start a recorder anew";
    case JournalHealth::detached: return "nothing becomes durable until a recorder is started";
    case JournalHealth::absent: return "publishers wait for a recorder";
  }
  return "";
}

}  // namespace

DurableLag durable_lag(const ChannelStats& stats) {
  DurableLag lag;
  for (const LaneStats& lane : stats.lanes) {
    lag.messages += lane.journal.lag_messages;
    lag.bytes += lane.journal.lag_bytes;
  }
  return lag;
}

std::string journal_text(const ChannelStats& stats) {
  if (!stats.options.durable) return "";
  const ChannelJournalStats& journal = stats.journal;
  const DurableLag lag = durable_lag(stats);
  std::string text = "journal " + stats.options.journal + ": " + to_string(journal.health);
  if (journal.error != 0) text += " (" + std::string(std::strerror(journal.error)) + ")";
  if (journal.persister.incarnation != 0) {
    text += ", by " + describe(journal.persister) + ", last round " +
            format_duration(std::chrono::nanoseconds(journal.beat_age_ns)) + " ago, opened " +
            grouped(journal.epoch) + " times, " + format_size(journal.bytes) + " written";
  }
  text += "\n  behind     " + grouped(lag.messages) + " messages, " + format_size(lag.bytes) + "\n";
  if (journal.health != JournalHealth::ok) {
    text += "  TO DO      " + std::string(remedy_for(journal.health)) + "\n";
  } else if (lag.bytes > stats.options.ring_bytes / kTightShare) {
    text +=
        "  TIGHT      a good part of the ring waits for the disk: take a larger ring (--ring)\n";
  }
  return text;
}

std::string durable_text(const LaneStats& lane) {
  const LaneJournalStats& journal = lane.journal;
  if (journal.refused) return "  durable    REFUSED: this lane contradicts the log\n";
  if (!journal.found) return "  durable    nothing yet: the journal has not come to this lane\n";
  std::string text = "  durable    up to message " + grouped(journal.durable.sequence) + ", " +
                     grouped(journal.lag_messages) + " behind (" + format_size(journal.lag_bytes) +
                     ")";
  if (journal.gaps != 0) text += "; " + grouped(journal.gaps) + " will never be in the log";
  if (journal.unjournaled != 0) {
    text += "; " + grouped(journal.unjournaled) + " overwritten before they were durable";
  }
  return text + "\n";
}

nlohmann::json to_json(const ChannelJournalStats& journal) {
  return {{"state", to_string(journal.health)},
          {"persister", to_json(journal.persister)},
          {"epoch", journal.epoch},
          {"attaches", journal.attaches},
          {"detaches", journal.detaches},
          {"beat_age_ns", journal.beat_age_ns},
          {"bytes", journal.bytes},
          {"error", journal.error}};
}

nlohmann::json to_json(const LaneJournalStats& journal) {
  return {{"known", journal.found},
          {"refused", journal.refused},
          {"position", journal.durable.position},
          {"sequence", journal.durable.sequence},
          {"lag_messages", journal.lag_messages},
          {"lag_bytes", journal.lag_bytes},
          {"gaps", journal.gaps},
          {"unjournaled", journal.unjournaled}};
}

}  // namespace millrace::tools
