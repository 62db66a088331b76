// millrace journal ls: the channels and producers in a journal, and who is remembered in it.
#include "journal_damage.hpp"
#include "journal_verbs.hpp"
#include "millrace/persist/journal_reader.hpp"
#include "millrace/persist/survey.hpp"
#include "progress.hpp"
#include "report.hpp"
#include "signals.hpp"
#include "size_argument.hpp"
#include "table.hpp"
#include "time_argument.hpp"

#include <CLI/App.hpp>
#include <algorithm>
#include <cstdio>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace millrace::tools {
namespace {

struct LsArguments {
  JournalArgument journal;
  bool bytes = false;
};

// What a lane's messages say that its catalog entry does not.
struct LaneExtent {
  std::uint64_t first_ns = 0;  // wall clock of the oldest and the newest; 0: not known
  std::uint64_t last_ns = 0;
  std::uint64_t bytes = 0;  // payload, if it was asked for
};

using Extents = std::map<JournalLaneId, LaneExtent>;

// When the message was taken in; 0 if it is gone or cannot be read.
std::uint64_t time_of(JournalReader& reader, const JournalLane& lane, Sequence sequence) {
  if (!reader.seek(lane.id, sequence)) return 0;
  for (;;) {
    const auto message = reader.next();
    if (!message || !*message) return 0;
    if ((*message)->lane == lane.id && (*message)->sequence >= sequence) return (*message)->wall_ns;
  }
}

// Reads the whole journal: only who asks pays for it.
Result<void> count_bytes(JournalReader& reader, bool json, Extents& extents) {
  std::uint64_t all = 0;
  for (const JournalLane& lane : reader.lanes())
    all += lane.end - lane.first;
  Progress progress("count", Progress::Unit::messages, !json);
  reader.seek_begin();
  for (std::uint64_t read = 0; !end_requested(); ++read) {
    const auto message = reader.next();
    if (!message && message.error().code() != Errc::trimmed) return Failure(message.error());
    if (!message) continue;
    if (!*message) break;
    extents[(*message)->lane].bytes += (*message)->bytes.size();
    if (read % 4096 == 0) progress.show(read, all);
  }
  return {};
}

Result<Extents> measure(const LsArguments& arguments) {
  auto reader = JournalReader::open(arguments.journal.directory);
  if (!reader) return Failure(reader.error());
  Extents extents;
  const std::vector<JournalLane> lanes = reader->lanes();
  for (const JournalLane& lane : lanes) {
    LaneExtent& extent = extents[lane.id];
    if (lane.first >= lane.end) continue;
    extent.first_ns = time_of(*reader, lane, lane.first);
    extent.last_ns = time_of(*reader, lane, lane.end - 1);
  }
  if (arguments.bytes) {
    if (auto counted = count_bytes(*reader, arguments.journal.json, extents); !counted) {
      return Failure(counted.error());
    }
  }
  return extents;
}

std::string moment_or_dash(std::uint64_t wall_ns) {
  return wall_ns == 0 ? "-" : format_moment(wall_ns);
}

const JournalLane* lane_of(const JournalSurvey& survey, JournalLaneId id) {
  const auto found = std::find_if(survey.lanes.begin(), survey.lanes.end(),
                                  [id](const JournalLane& lane) { return lane.id == id; });
  return found == survey.lanes.end() ? nullptr : &*found;
}

std::uint64_t lag_of(const RememberedPlace& place, const JournalLane& lane) {
  return lane.end > place.before ? lane.end - place.before : 0;
}

nlohmann::json list_of(const LsArguments& arguments, const JournalSurvey& survey,
                       Extents& extents) {
  auto lanes = nlohmann::json::array();
  for (const JournalLane& lane : survey.lanes) {
    const LaneExtent& extent = extents[lane.id];
    nlohmann::json one = to_json(lane);
    one["messages"] = lane.end - lane.first;
    one["oldest_ns"] = extent.first_ns;
    one["newest_ns"] = extent.last_ns;
    if (arguments.bytes) one["bytes"] = extent.bytes;
    lanes.push_back(std::move(one));
  }
  auto remembered = nlohmann::json::array();
  for (const RememberedPlace& place : survey.remembered) {
    const JournalLane* const lane = lane_of(survey, place.lane);
    if (lane == nullptr) continue;
    remembered.push_back({{"subscriber", place.subscriber},
                          {"channel", lane->channel_name},
                          {"producer", lane->producer},
                          {"acknowledged", place.before},
                          {"lag_messages", lag_of(place, *lane)}});
  }
  std::uint64_t bytes = 0;
  for (const SurveyedSegment& segment : survey.segments)
    bytes += segment.bytes;
  return {{"ok", true},
          {"journal", arguments.journal.directory},
          {"bytes", bytes},
          {"segments", survey.segments.size()},
          {"lanes", std::move(lanes)},
          {"remembered", std::move(remembered)}};
}

void print_lanes(const LsArguments& arguments, const JournalSurvey& survey, Extents& extents) {
  if (survey.lanes.empty()) {
    std::printf("nothing has been recorded in %s\n", arguments.journal.directory.c_str());
    return;
  }
  std::vector<std::string> titles{"CHANNEL", "PRODUCER", "FIRST", "END",
                                  "LIVES",   "OLDEST",   "NEWEST"};
  if (arguments.bytes) titles.emplace_back("BYTES");
  Table table(std::move(titles));
  for (const JournalLane& lane : survey.lanes) {
    const LaneExtent& extent = extents[lane.id];
    std::vector<std::string> cells{lane.channel_name,
                                   lane.producer,
                                   std::to_string(lane.first),
                                   std::to_string(lane.end),
                                   std::to_string(lane.life),
                                   moment_or_dash(extent.first_ns),
                                   moment_or_dash(extent.last_ns)};
    if (arguments.bytes) cells.push_back(std::to_string(extent.bytes));
    table.add(std::move(cells));
  }
  std::fputs(table.text().c_str(), stdout);
}

void print_remembered(const JournalSurvey& survey) {
  if (survey.remembered.empty()) return;
  Table table({"SUBSCRIBER", "CHANNEL", "PRODUCER", "ACKNOWLEDGED", "BEHIND"});
  for (const RememberedPlace& place : survey.remembered) {
    const JournalLane* const lane = lane_of(survey, place.lane);
    if (lane == nullptr) continue;
    table.add({place.subscriber, lane->channel_name, lane->producer, std::to_string(place.before),
               std::to_string(lag_of(place, *lane))});
  }
  std::printf("\n%s", table.text().c_str());
}

int run_ls(const LsArguments& arguments) {
  const bool json = arguments.journal.json;
  const auto survey = survey_journal(arguments.journal.directory);
  if (!survey) return report(survey.error(), json);
  auto extents = measure(arguments);
  if (!extents) {
    const int code = report(extents.error(), json);
    return extents.error().code() == Errc::damaged ? kCheckFailed : code;
  }
  if (json) {
    print_json(list_of(arguments, *survey, *extents));
    return kGood;
  }
  print_lanes(arguments, *survey, *extents);
  print_remembered(*survey);
  return kGood;
}

}  // namespace

void add_journal_ls(CLI::App& journal, int& exit_code) {
  const auto arguments = std::make_shared<LsArguments>();
  CLI::App& verb =
      *journal.add_subcommand("ls", "List what a journal holds: channels, producers, subscribers");
  add_journal_argument(verb, arguments->journal);
  verb.add_flag("--bytes", arguments->bytes,
                "Count the bytes of each producer too, which reads the whole journal");
  verb.footer(
      "FIRST is the oldest message that is still kept, END one past the newest. A producer begins\n"
      "another life when its ring is made anew (after a reboot); its sequence goes on.\n"
      "Exit codes: 0 good, 1 damage was met, 2 bad usage or environment.");
  verb.callback([arguments, &exit_code] { exit_code = run_ls(*arguments); });
}

}  // namespace millrace::tools
