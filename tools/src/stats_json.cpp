#include "stats_json.hpp"

#include "journal_stats.hpp"

#include <nlohmann/json.hpp>

namespace millrace::tools {

using nlohmann::json;

std::string to_string(Placement placement) {
  switch (placement.kind) {
    case Placement::Kind::any: return "any";
    case Placement::Kind::node: return "node " + std::to_string(placement.node);
    case Placement::Kind::interleave: return "interleave";
    case Placement::Kind::publisher: return "publisher";
    case Placement::Kind::subscriber: return "subscriber";
  }
  return "unknown";
}

const char* honoured_word(std::uint32_t honoured) noexcept {
  return honoured == 1 ? "yes" : honoured == 0 ? "no" : "cannot tell";
}

json to_json(const PeerName& peer) {
  return {{"participant", peer.id}, {"incarnation", peer.incarnation},
          {"number", peer.number},  {"pid", peer.pid},
          {"name", peer.name},      {"alive", peer.alive}};
}

json to_json(const ReaderPlace& place) {
  return {{"reader", to_json(place.reader)},
          {"lossy", place.lossy},
          {"placed", place.placed},
          {"left", place.left},
          {"evicted", place.evicted},
          {"position", place.position},
          {"sequence", place.sequence},
          {"lag_messages", place.lag_messages},
          {"lag_bytes", place.lag_bytes},
          {"received", place.received},
          {"lost", place.lost},
          {"skipped", place.skipped},
          {"unknown", place.unknown}};
}

json to_json(const LaneStats& lane) {
  json object = {
      {"lane", lane.lane},
      {"producer", lane.producer},
      {"publisher", to_json(lane.publisher)},
      {"life", to_string(lane.life)},
      {"lives", lane.lives},
      {"position", lane.position},
      {"sequence", lane.sequence},
      {"limit", lane.limit},
      {"oldest", {{"position", lane.oldest.position}, {"sequence", lane.oldest.sequence}}},
      {"fencing", lane.fencing},
      {"poisoned", lane.poisoned},
      {"drops",
       {{"refused", lane.refused},
        {"aborted", lane.aborted},
        {"unheard", lane.unheard},
        {"evictions", lane.evictions}}},
      {"blocks", lane.blocks},
      {"blocked_ns", lane.blocked_ns},
      {"wakes", lane.wakes},
      {"probe_errors", lane.probe_errors},
      {"blocked_on", nullptr},
      {"blocked_for_ns", 0},
      {"placement",
       {{"asked", to_string(lane.placement_asked)},
        {"honoured", honoured_word(lane.placement_honoured)}}},
      {"pages", lane.pages == Pages::huge ? "huge" : "normal"},
      {"file_bytes", lane.file_bytes},
      {"readers", json::array()}};
  if (lane.blocked_on.incarnation != 0) {
    object["blocked_on"] = to_json(lane.blocked_on);
    object["blocked_for_ns"] = lane.blocked_for_ns;
  }
  for (const ReaderPlace& place : lane.readers)
    object["readers"].push_back(to_json(place));
  return object;
}

json to_json(const ChannelOptions& options) {
  return {{"ring_bytes", options.ring_bytes},
          {"policy", to_string(options.policy)},
          {"order", to_string(options.order)},
          {"lanes_max", options.lanes_max},
          {"pages", options.pages == Pages::huge ? "huge" : "normal"},
          {"placement", to_string(options.placement)},
          {"lock", options.lock},
          {"prefault", options.prefault},
          {"require_readers", options.require_readers},
          {"mode", options.mode},
          {"durable", options.durable},
          {"journal", options.journal},
          {"when_journal_fails", to_string(options.when_journal_fails)},
          {"stamps", to_string(options.stamps)},
          {"stamp_every", options.stamp_every},
          {"stamp_records", options.stamp_records}};
}

json to_json(const OrderStats& order) {
  return {{"publishes", order.publishes}, {"messages", order.messages}};
}

json to_json(const ChannelSample& sample, const ChannelSample* before) {
  const ChannelStats& stats = sample.stats;
  json object = {{"channel", stats.name},        {"options", to_json(stats.options)},
                 {"schema", stats.schema},       {"shared_bytes", stats.shared_bytes},
                 {"recorders", stats.recorders}, {"journal", nullptr},
                 {"lanes", json::array()},       {"readers", json::array()}};
  if (stats.options.durable) object["journal"] = to_json(stats.journal);
  object["order"] = nullptr;
  if (stats.options.order == Order::total) object["order"] = to_json(stats.order);
  for (const LaneStats& lane : stats.lanes) {
    json each = to_json(lane);
    if (stats.options.durable) each["durable"] = to_json(lane.journal);
    const auto rate = before != nullptr ? rate_between(*before, sample, lane.lane) : std::nullopt;
    if (rate) {
      each["messages_per_second"] = rate->messages_per_second;
      each["bytes_per_second"] = rate->bytes_per_second;
    }
    object["lanes"].push_back(std::move(each));
  }
  for (const ReaderFileStats& reader : stats.readers) {
    object["readers"].push_back({{"reader", to_json(reader.reader)},
                                 {"lossy", reader.lossy},
                                 {"joining", reader.joining},
                                 {"received", reader.counts.received},
                                 {"lost", reader.counts.lost},
                                 {"skipped", reader.counts.skipped},
                                 {"unknown", reader.counts.unknown},
                                 {"overruns", reader.counts.overruns},
                                 {"evictions", reader.counts.evictions},
                                 {"parks", reader.counts.parks},
                                 {"caught_up", reader.counts.caught_up},
                                 {"rewinds", reader.counts.rewinds}});
    if (stats.options.order == Order::total)
      object["readers"].back()["order"] = to_json(reader.order);
  }
  return object;
}

}  // namespace millrace::tools
