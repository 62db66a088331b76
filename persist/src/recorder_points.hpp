// What becomes durable with which item: one entry an item, in the order of their numbers, each with
// the newest place of every source that it holds something of.
//
// Thread rules: the recorder's thread. Allocates only until it has grown to the log's depth.
#pragma once

#include "recorder_source.hpp"

#include <deque>
#include <utility>
#include <vector>

namespace millrace {

class RecorderPoints {
 public:
  struct Totals {
    std::uint64_t messages = 0;
    std::uint64_t bytes = 0;
  };

  // `source` has put something into the item being built.
  void add(RecorderSource& source, const Take& take) {
    if (source.own_point == RecorderSource::kNoPoint) {
      source.own_point = building_.points.size();
      building_.points.push_back({&source, {}});
    }
    building_.points[source.own_point].at = source.taken();
    building_.totals.messages += take.messages;
    building_.totals.bytes += take.bytes;
  }

  // The item being built has this number.
  void submitted(ItemNumber item) {
    for (const Point& point : building_.points)
      point.source->own_point = RecorderSource::kNoPoint;
    building_.item = item;
    on_their_way_.push_back(std::move(building_));
    building_ = take_spare();
  }

  // Tells every source that moved how far it is durable, once and with the newest place only.
  Totals report(ItemNumber durable) {
    Totals sum;
    while (!on_their_way_.empty() && on_their_way_.front().item <= durable) {
      Entry& entry = on_their_way_.front();
      for (const Point& point : entry.points) {
        if (newest(point, durable)) point.source->durable(point.at);
      }
      sum.messages += entry.totals.messages;
      sum.bytes += entry.totals.bytes;
      entry.points.clear();
      entry.totals = {};
      spare_.push_back(std::move(entry));
      on_their_way_.pop_front();
    }
    return sum;
  }

  [[nodiscard]] bool empty() const noexcept { return on_their_way_.empty(); }

 private:
  struct Point {
    RecorderSource* source;
    Checkpoint at;
  };

  struct Entry {
    ItemNumber item = 0;
    std::vector<Point> points;
    Totals totals;
  };

  // No later item that is durable as well has a place of the same source.
  [[nodiscard]] bool newest(const Point& point, ItemNumber durable) const {
    for (std::size_t i = 1; i < on_their_way_.size() && on_their_way_[i].item <= durable; ++i) {
      for (const Point& later : on_their_way_[i].points) {
        if (later.source == point.source) return false;
      }
    }
    return true;
  }

  Entry take_spare() {
    if (spare_.empty()) return {};
    Entry entry = std::move(spare_.back());
    spare_.pop_back();
    return entry;
  }

  Entry building_;
  std::deque<Entry> on_their_way_;
  std::vector<Entry> spare_;
};

}  // namespace millrace
