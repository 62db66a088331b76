#include "journal_damage.hpp"

#include "run_figures.hpp"

#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>

namespace millrace::tools {

std::string slot_name(std::uint32_t slot) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "seg-%04u.log", slot);
  return text.data();
}

std::string describe(const JournalLane& lane) {
  const std::string channel =
      lane.channel_name.empty() ? "lane " + std::to_string(lane.id) : lane.channel_name;
  return "channel " + channel + ", producer " + lane.producer;
}

std::string describe(const Damage& damage) {
  std::string text = "segment " + std::to_string(damage.segment) + " (" + slot_name(damage.slot) +
                     ") at " + std::to_string(damage.offset) + ": " + damage.what;
  if (damage.item != 0) text += "; from item " + std::to_string(damage.item);
  if (damage.bytes != 0) text += ", " + grouped(damage.bytes) + " bytes";
  for (const Damage::Range& range : damage.sequences) {
    text += "\n  " + describe(range.lane) + ": ";
    if (range.from == range.to) {
      text += "which of its messages cannot be told";
    } else {
      text += "messages " + std::to_string(range.from) + " to " + std::to_string(range.to - 1) +
              " (" + grouped(range.to - range.from) + ")";
    }
  }
  return text;
}

nlohmann::json to_json(const JournalLane& lane) {
  return {{"lane", lane.id},   {"channel", lane.channel_name}, {"producer", lane.producer},
          {"life", lane.life}, {"first", lane.first},          {"end", lane.end}};
}

nlohmann::json to_json(const Damage& damage) {
  auto ranges = nlohmann::json::array();
  for (const Damage::Range& range : damage.sequences) {
    ranges.push_back({{"channel", range.lane.channel_name},
                      {"producer", range.lane.producer},
                      {"from", range.from},
                      {"to", range.to}});
  }
  return {{"segment", damage.segment},     {"slot", slot_name(damage.slot)},
          {"offset", damage.offset},       {"bytes", damage.bytes},
          {"item", damage.item},           {"what", damage.what},
          {"sequences", std::move(ranges)}};
}

nlohmann::json to_json(const VerifyReport& report) {
  auto damages = nlohmann::json::array();
  for (const Damage& damage : report.damages)
    damages.push_back(to_json(damage));
  auto lanes = nlohmann::json::array();
  for (const JournalLane& lane : report.lanes)
    lanes.push_back(to_json(lane));
  const double seconds = static_cast<double>(report.nanoseconds) / 1e9;
  return {{"segments", report.segments},
          {"items", report.items},
          {"messages", report.messages},
          {"bytes", report.bytes},
          {"unproven_bytes", report.unproven_bytes},
          {"seconds", seconds},
          {"bytes_per_second", seconds > 0 ? static_cast<double>(report.bytes) / seconds : 0},
          {"damages", std::move(damages)},
          {"lanes", std::move(lanes)}};
}

}  // namespace millrace::tools
