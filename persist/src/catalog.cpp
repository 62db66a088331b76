#include "catalog.hpp"

#include <algorithm>
#include <cstring>
#include <set>

namespace millrace {
namespace {

// Empty: not terminated, so the record makes no sense.
std::string_view name_of(const char (&name)[layout::kJournalNameBytes]) noexcept {
  const std::size_t length = strnlen(name, sizeof name);
  return length < sizeof name ? std::string_view(name, length) : std::string_view();
}

void set_name(char (&into)[layout::kJournalNameBytes], std::string_view name) noexcept {
  const std::size_t length = std::min(name.size(), sizeof into - 1);
  std::memcpy(into, name.data(), length);
}

}  // namespace

const JournalLane* find_lane(const std::vector<JournalLane>& lanes, const Uuid& channel,
                             std::string_view producer) noexcept {
  const auto found = std::ranges::find_if(lanes, [&](const JournalLane& lane) {
    return lane.channel == channel && lane.producer == producer;
  });
  return found == lanes.end() ? nullptr : &*found;
}

// Numbers are given from 1 on without holes, so a lane mostly stands where its number says.
JournalLane* Catalog::find(JournalLaneId id) noexcept {
  if (id != 0 && id <= lanes_.size() && lanes_[id - 1].id == id) return &lanes_[id - 1];
  const auto found =
      std::ranges::find_if(lanes_, [id](const JournalLane& lane) { return lane.id == id; });
  return found == lanes_.end() ? nullptr : &*found;
}

JournalLane* Catalog::find(const Uuid& channel, std::string_view producer) noexcept {
  const JournalLane* const found = find_lane(lanes_, channel, producer);
  return found == nullptr ? nullptr : &lanes_[static_cast<std::size_t>(found - lanes_.data())];
}

bool Catalog::apply(const layout::CatalogRecord& record) {
  const std::string_view channel_name = name_of(record.channel_name);
  const std::string_view producer = name_of(record.producer);
  if (record.lane == 0 || record.life == 0 || producer.empty()) return false;
  Uuid channel{};
  std::memcpy(channel.data(), record.channel, channel.size());
  JournalLane* lane = find(record.lane);
  if (lane == nullptr) {
    if (lanes_.size() >= kLanesMaxInLog || find(channel, producer) != nullptr) return false;
    lanes_.push_back({.id = record.lane, .channel = channel, .producer = std::string(producer)});
    lane = &lanes_.back();
    lane->first = record.next;
    lane->end = record.next;
  }
  if (lane->channel != channel || lane->producer != producer) return false;
  lane->channel_name = channel_name;
  lane->epoch = record.epoch;
  lane->life = record.life;
  lane->end = std::max(lane->end, record.next);
  return true;
}

bool Catalog::apply(const layout::AcknowledgedRecord& record) {
  const std::string_view subscriber = name_of(record.subscriber);
  if (subscriber.empty() || find(record.lane) == nullptr) return false;
  acknowledged_[{std::string(subscriber), record.lane}] = record.before;
  return true;
}

std::optional<Sequence> Catalog::acknowledged(std::string_view subscriber,
                                              JournalLaneId lane) const {
  const auto found = acknowledged_.find({std::string(subscriber), lane});
  if (found == acknowledged_.end()) return std::nullopt;
  return found->second;
}

void Catalog::trim(JournalLaneId id, Sequence end) noexcept {
  JournalLane* const lane = find(id);
  if (lane != nullptr) lane->first = std::max(lane->first, std::min(end, lane->end));
}

void Catalog::hold_places(std::string_view subscriber) {
  std::set<Uuid> followed;
  for (const JournalLane& lane : lanes_)
    if (acknowledged(subscriber, lane.id)) followed.insert(lane.channel);
  for (const JournalLane& lane : lanes_)
    if (followed.contains(lane.channel))
      acknowledged_.try_emplace({std::string(subscriber), lane.id}, lane.first);
}

layout::CatalogRecord to_record(const JournalLane& lane) noexcept {
  layout::CatalogRecord record{};
  record.lane = lane.id;
  std::memcpy(record.channel, lane.channel.data(), sizeof record.channel);
  record.epoch = lane.epoch;
  record.life = lane.life;
  record.next = lane.end;
  set_name(record.channel_name, lane.channel_name);
  set_name(record.producer, lane.producer);
  return record;
}

layout::AcknowledgedRecord to_record(std::string_view subscriber, JournalLaneId lane,
                                     Sequence before) noexcept {
  layout::AcknowledgedRecord record{};
  record.lane = lane;
  record.before = before;
  set_name(record.subscriber, subscriber);
  return record;
}

}  // namespace millrace
