#include "stats_text.hpp"

#include "duration_argument.hpp"
#include "journal_stats.hpp"
#include "size_argument.hpp"
#include "stats_json.hpp"
#include "table.hpp"

#include <cstdarg>
#include <cstdio>

namespace millrace::tools {
namespace {

[[gnu::format(printf, 2, 3)]] void add_line(std::string& text, const char* format, ...) {
  char line[512];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  text += line;
  text += '\n';
}

std::string number(std::uint64_t value) {
  return std::to_string(value);
}

std::string duration(std::uint64_t ns) {
  return format_duration(std::chrono::nanoseconds(ns));
}

std::string state_of(const ReaderPlace& place) {
  std::string state = place.left            ? "left"
                      : !place.reader.alive ? "dead"
                      : place.evicted       ? "evicted"
                      : !place.placed       ? "joining"
                                            : "reading";
  return place.lossy ? state + ", lossy" : state;
}

std::string readers_of(const LaneStats& lane) {
  if (lane.readers.empty()) return "    no readers\n";
  Table table({"READER", "STATE", "SEQUENCE", "BEHIND", "BEHIND BYTES", "RECEIVED", "LOST",
               "PASSED OVER", "UNKNOWN"});
  for (const ReaderPlace& place : lane.readers) {
    table.add({describe(place.reader) + " #" + number(place.reader.number), state_of(place),
               number(place.sequence), number(place.lag_messages), number(place.lag_bytes),
               number(place.received), number(place.lost), number(place.skipped),
               number(place.unknown)});
  }
  return table.text("    ");
}

void add_lane(std::string& text, const LaneStats& lane, const std::optional<LaneRate>& rate,
              bool durable) {
  add_line(text, "lane %u%s%s%s: %s, by %s, life %s%s", lane.lane,
           lane.producer.empty() ? "" : " \"", lane.producer.c_str(),
           lane.producer.empty() ? "" : "\"", to_string(lane.life),
           describe(lane.publisher).c_str(), number(lane.lives).c_str(),
           lane.poisoned ? ", POISONED: its bytes make no sense" : "");
  add_line(text, "  published  %s messages, position %s (%s), oldest %s",
           number(lane.sequence).c_str(), number(lane.position).c_str(),
           format_size(lane.position).c_str(), number(lane.oldest.sequence).c_str());
  if (rate) {
    add_line(text, "  rate       %s messages/s, %s/s",
             short_number(rate->messages_per_second).c_str(),
             format_size(static_cast<std::uint64_t>(rate->bytes_per_second)).c_str());
  }
  if (durable) text += durable_text(lane);
  if (lane.blocked_on.incarnation != 0) {
    add_line(text, "  BLOCKED    by %s #%u for %s", describe(lane.blocked_on).c_str(),
             lane.blocked_on.number, duration(lane.blocked_for_ns).c_str());
  }
  add_line(text, "  waited     %s times for a reader, %s in all; woke %s sleepers",
           number(lane.blocks).c_str(), duration(lane.blocked_ns).c_str(),
           number(lane.wakes).c_str());
  add_line(text,
           "  dropped    %s refused (full), %s aborted, %s while nobody read, %s readers evicted",
           number(lane.refused).c_str(), number(lane.aborted).c_str(), number(lane.unheard).c_str(),
           number(lane.evictions).c_str());
  add_line(text, "  memory     %s, %s pages, placement %s, honoured: %s; limit %s%s",
           format_size(lane.file_bytes).c_str(), lane.pages == Pages::huge ? "huge" : "normal",
           to_string(lane.placement_asked).c_str(), honoured_word(lane.placement_honoured),
           number(lane.limit).c_str(), lane.fencing ? ", a fence a message (no membarrier)" : "");
  if (lane.probe_errors != 0) {
    add_line(text, "  probes     %s failed: deaths may go unnoticed",
             number(lane.probe_errors).c_str());
  }
  text += readers_of(lane);
}

}  // namespace

std::string to_text(const ChannelSample& sample, const ChannelSample* before) {
  const ChannelStats& stats = sample.stats;
  std::string text;
  add_line(text, "channel %s: ring %s, %s%s, %s, mode %04o, %s of shared memory",
           stats.name.c_str(), format_size(stats.options.ring_bytes).c_str(),
           to_string(stats.options.policy),
           stats.options.order == Order::total ? ", one order" : "",
           stats.schema.empty() ? "bytes" : stats.schema.c_str(), stats.options.mode,
           format_size(stats.shared_bytes).c_str());
  if (stats.options.order == Order::total) {
    add_line(text, "order: %s messages in %s publishes", number(stats.order.messages).c_str(),
             number(stats.order.publishes).c_str());
  }
  if (stats.recorders != 0) {
    add_line(text, "stamps %s: %s flight recorders (millrace trace %s)",
             to_string(stats.options.stamps), number(stats.recorders).c_str(), stats.name.c_str());
  }
  text += journal_text(stats);
  for (const LaneStats& lane : stats.lanes) {
    add_lane(text, lane,
             before != nullptr ? rate_between(*before, sample, lane.lane) : std::nullopt,
             stats.options.durable);
  }
  if (stats.lanes.empty()) text += "nobody has published yet\n";
  for (const ReaderFileStats& reader : stats.readers) {
    add_line(
        text,
        "reader %s #%u: received %s, lost %s, overtaken %s times, evicted %s times, slept %s times",
        describe(reader.reader).c_str(), reader.reader.number,
        number(reader.counts.received).c_str(), number(reader.counts.lost).c_str(),
        number(reader.counts.overruns).c_str(), number(reader.counts.evictions).c_str(),
        number(reader.counts.parks).c_str());
    if (reader.counts.caught_up != 0 || reader.counts.rewinds != 0) {
      add_line(text,
               "  journal    went on in the journal %s times; %s lanes ended before its place",
               number(reader.counts.caught_up).c_str(), number(reader.counts.rewinds).c_str());
    }
  }
  return text;
}

}  // namespace millrace::tools
