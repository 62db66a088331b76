// Which lanes a log has, how far they go, and what named subscribers have acknowledged. Built by
// recovery from the items' tables, carried on by the writer, written at the head of every segment.
#pragma once

#include "millrace/persist/journal.hpp"
#include "millrace/persist/journal_records.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace millrace {

// The lane of this producer in this channel; null: there is none.
[[nodiscard]] const JournalLane* find_lane(const std::vector<JournalLane>& lanes,
                                           const Uuid& channel, std::string_view producer) noexcept;

class Catalog {
 public:
  static constexpr std::size_t kLanesMaxInLog = 4096;

  [[nodiscard]] const std::vector<JournalLane>& lanes() const noexcept { return lanes_; }

  // Null: unknown.
  [[nodiscard]] JournalLane* find(JournalLaneId id) noexcept;
  [[nodiscard]] JournalLane* find(const Uuid& channel, std::string_view producer) noexcept;

  // A lane of this number appears or changes; false: the record makes no sense.
  bool apply(const layout::CatalogRecord& record);
  bool apply(const layout::AcknowledgedRecord& record);

  [[nodiscard]] std::optional<Sequence> acknowledged(std::string_view subscriber,
                                                     JournalLaneId lane) const;

  [[nodiscard]] const std::map<std::pair<std::string, JournalLaneId>, Sequence>& acknowledgements()
      const noexcept {
    return acknowledged_;
  }

  // The log no longer holds what the lane has below `end`.
  void trim(JournalLaneId id, Sequence end) noexcept;

  // What is about to be trimmed was not acknowledged by this subscriber: where it has no place yet,
  // in a lane that it follows, that is the lane's beginning. So it can be told what it missed.
  void hold_places(std::string_view subscriber);

 private:
  std::vector<JournalLane> lanes_;
  std::map<std::pair<std::string, JournalLaneId>, Sequence> acknowledged_;
};

[[nodiscard]] layout::CatalogRecord to_record(const JournalLane& lane) noexcept;
[[nodiscard]] layout::AcknowledgedRecord to_record(std::string_view subscriber, JournalLaneId lane,
                                                   Sequence before) noexcept;

}  // namespace millrace
