#include "millrace/bench/frozen_calibration.hpp"

#include "millrace/bench/slice_statistics.hpp"

#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include <boost/crc.hpp>

namespace millrace::bench {

namespace {

using nlohmann::json;

constexpr const char* kSchema = "millrace-calibration/1";
constexpr const char* kSum = "crc64";

// CRC-64/XZ.
std::string sum_of(const std::string& text) {
  boost::crc_optimal<64, 0x42F0E1EBA9EA3693, ~std::uint64_t{0}, ~std::uint64_t{0}, true, true> crc;
  crc.process_bytes(text.data(), text.size());
  char hex[17];
  (void)std::snprintf(hex, sizeof hex, "%016llx", static_cast<unsigned long long>(crc.checksum()));
  return hex;
}

// The one form of the file: keys in order, one a line. `content` has no sum yet.
std::string sealed(json content) {
  // A name that is no UTF-8 is written as well as can be, and never an exception.
  constexpr auto kReplace = json::error_handler_t::replace;
  content[kSum] = sum_of(content.dump(-1, ' ', false, kReplace));
  return content.dump(1, ' ', false, kReplace) + "\n";
}

json placements_json(const FrozenCalibration& calibration) {
  json all = json::array();
  for (const PlacementCalibration& one : calibration.placements) {
    all.push_back({{"bare_ns", one.bare_ns},
                   {"hand_over_ns", one.hand_over_ns},
                   {"enqueue_ns", one.enqueue_ns},
                   {"service_ns", one.service_ns}});
  }
  return all;
}

// Reads what a file may lack or hold in another type: then it is not `whole`.
class Reader {
 public:
  [[nodiscard]] bool whole() const noexcept { return whole_; }

  double number(const json& from, const char* key) {
    const json* const found = look(from, key);
    if (found == nullptr || !found->is_number()) return missing();
    return found->get<double>();
  }

  std::string text(const json& from, const char* key) {
    const json* const found = look(from, key);
    if (found == nullptr || !found->is_string()) {
      whole_ = false;
      return {};
    }
    return found->get<std::string>();
  }

  std::vector<double> numbers(const json& from, const char* key) {
    std::vector<double> all;
    for (const json& one : list(from, key))
      all.push_back(one.is_number() ? one.get<double>() : missing());
    return all;
  }

  const json& list(const json& from, const char* key) {
    static const json kNone = json::array();
    const json* const found = look(from, key);
    if (found != nullptr && found->is_array()) return *found;
    whole_ = false;
    return kNone;
  }

 private:
  static const json* look(const json& from, const char* key) {
    const auto found = from.is_object() ? from.find(key) : from.end();
    return found == from.end() ? nullptr : &*found;
  }

  double missing() {
    whole_ = false;
    return 0;
  }

  bool whole_ = true;
};

OutageCalibration outage_from(Reader& reader, const json& from) {
  return {.detect_ns = reader.number(from, "detect_ns"),
          .repair_ns = reader.number(from, "repair_ns"),
          .restart_ns = reader.number(from, "restart_ns"),
          .service_rate = reader.number(from, "service_rate")};
}

FrozenCalibration calibration_from(Reader& reader, const json& content) {
  FrozenCalibration read;
  read.machine = reader.text(content, "machine");
  read.handler = reader.text(content, "handler");
  read.handling =
      reader.text(content, "handling") == "deadline" ? Handling::deadline : Handling::work;
  const json& at = content.contains("frozen_at_ns") ? content["frozen_at_ns"] : json();
  read.frozen_at_ns = at.is_number_integer() ? at.get<std::int64_t>() : 0;
  for (const json& one : reader.list(content, "placements")) {
    read.placements.push_back({.bare_ns = reader.number(one, "bare_ns"),
                               .hand_over_ns = reader.number(one, "hand_over_ns"),
                               .enqueue_ns = reader.number(one, "enqueue_ns"),
                               .service_ns = reader.numbers(one, "service_ns")});
  }
  read.bare_wakes_ns = reader.numbers(content, "bare_wakes_ns");
  if (content.contains("writes")) {
    const json& writes = content["writes"];
    read.writes = SoloWrites{.small_bytes = reader.number(writes, "small_bytes"),
                             .small_ns = reader.number(writes, "small_ns"),
                             .large_bytes = reader.number(writes, "large_bytes"),
                             .large_ns = reader.number(writes, "large_ns")};
  }
  if (content.contains("outages") && content["outages"].is_object()) {
    for (const auto& [victim, outage] : content["outages"].items())
      read.outages[victim] = outage_from(reader, outage);
  }
  return read;
}

}  // namespace

std::string freeze(const FrozenCalibration& calibration) {
  json content = {{"schema", kSchema},
                  {"machine", calibration.machine},
                  {"handler", calibration.handler},
                  {"handling", calibration.handling == Handling::work ? "work" : "deadline"},
                  {"frozen_at_ns", calibration.frozen_at_ns},
                  {"placements", placements_json(calibration)},
                  {"bare_wakes_ns", calibration.bare_wakes_ns}};
  if (calibration.writes) {
    content["writes"] = {{"small_bytes", calibration.writes->small_bytes},
                         {"small_ns", calibration.writes->small_ns},
                         {"large_bytes", calibration.writes->large_bytes},
                         {"large_ns", calibration.writes->large_ns}};
  }
  for (const auto& [victim, outage] : calibration.outages) {
    content["outages"][victim] = {{"detect_ns", outage.detect_ns},
                                  {"repair_ns", outage.repair_ns},
                                  {"restart_ns", outage.restart_ns},
                                  {"service_rate", outage.service_rate}};
  }
  return sealed(std::move(content));
}

Result<FrozenCalibration> thaw(std::string_view text) {
  json content = json::parse(text, nullptr, false);
  if (!content.is_object() || !content.contains(kSum)) {
    return fail(Errc::format, "calibration changed: it is no calibration file; calibrate again");
  }
  content.erase(kSum);
  if (sealed(content) != text) {
    return fail(Errc::format,
                "calibration changed: a byte is not as it was written; calibrate again");
  }
  Reader reader;
  if (reader.text(content, "schema") != kSchema) {
    return fail(Errc::format, "the calibration has another schema than %s; calibrate again",
                kSchema);
  }
  FrozenCalibration read = calibration_from(reader, content);
  if (!reader.whole() || read.placements.empty()) {
    return fail(Errc::format, "the calibration lacks a value or a placement; calibrate again");
  }
  return read;
}

std::string refusal(const FrozenCalibration& calibration, std::string_view machine,
                    std::string_view handler, std::int64_t run_began_ns) {
  if (calibration.machine != machine) return "calibration of another machine";
  if (calibration.handler != handler) return "calibration of another handler";
  if (calibration.frozen_at_ns >= run_began_ns) return "calibration younger than the run";
  return "";
}

const PlacementCalibration* placement_at(const FrozenCalibration& calibration,
                                         double bare_ns) noexcept {
  const PlacementCalibration* best = nullptr;
  double distance = std::log(kPlacementGap);
  for (const PlacementCalibration& one : calibration.placements) {
    const double away = std::abs(std::log(bare_ns / one.bare_ns));
    if (away > distance) continue;
    distance = away;
    best = &one;
  }
  return best;
}

}  // namespace millrace::bench
