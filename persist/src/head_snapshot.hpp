// All that a segment says before its first message: every lane and every acknowledgement. What does
// not fit the segment's head follows in the items directly behind it.
#pragma once

#include "catalog.hpp"
#include "item_builder.hpp"

#include <cstddef>
#include <string>
#include <utility>

namespace millrace {

class HeadSnapshot {
 public:
  void begin() noexcept;

  [[nodiscard]] bool done() const noexcept { return done_; }

  // Adds as much as fits. Places are told as far as the log goes: an acknowledgement may be of
  // messages that are not yet in it.
  void fill(ItemBuilder& item, Catalog& catalog);

 private:
  bool fill_lanes(ItemBuilder& item, const Catalog& catalog);

  bool done_ = true;
  std::size_t lane_ = 0;
  std::pair<std::string, JournalLaneId> after_;  // the last acknowledgement that was written
};

}  // namespace millrace
