// The lanes that a subscriber reads from the journal, because their rings no longer hold its next
// message, and whose turn it is: each gives a handful, and so do the rings, all together.
//
// A cold lane asks for exactly its next message every time, so nothing is missed or read twice, and
// nobody waits for it.
#pragma once

#include "millrace/transport/history.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace millrace::detail {

struct SeenLane;

struct ColdLane {
  SeenLane* seen = nullptr;
  std::unique_ptr<LaneHistory> past;  // null: the log did not know its producer yet
  Sequence next = 0;                  // asked for
  Sequence below = 0;                 // known to be durable; looked up anew when `next` gets there
  Sequence asked_below = 0;           // the log had nothing for us, although this much was durable
  std::uint32_t stuck = 0;            // times in a row that a place in the ring was not to be had
};

class ColdLanes {
 public:
  [[nodiscard]] bool empty() const noexcept { return lanes_.empty(); }

  [[nodiscard]] std::size_t size() const noexcept { return lanes_.size(); }

  [[nodiscard]] std::vector<ColdLane>& lanes() noexcept { return lanes_; }

  [[nodiscard]] const std::vector<ColdLane>& lanes() const noexcept { return lanes_; }

  void add(ColdLane lane) { lanes_.push_back(std::move(lane)); }

  void remove(const SeenLane* seen) noexcept {
    const auto gone = std::ranges::find(lanes_, seen, &ColdLane::seen);
    if (gone == lanes_.end()) return;
    const auto index = static_cast<std::size_t>(gone - lanes_.begin());
    lanes_.erase(gone);
    if (index < turn_) --turn_;
    if (index == turn_) given_ = 0;  // the next one has a whole turn
  }

  [[nodiscard]] bool turn_of_rings() const noexcept { return turn_ >= lanes_.size(); }

  [[nodiscard]] bool turn_begins() const noexcept { return given_ == 0; }

  // REQUIRES: it is not the rings' turn.
  [[nodiscard]] ColdLane& current() noexcept { return lanes_[turn_]; }

  // A message was given. `most`: that one turn has.
  void gave(std::size_t most) noexcept {
    if (++given_ >= most) pass_on();
  }

  void pass_on() noexcept {
    turn_ = turn_ < lanes_.size() ? turn_ + 1 : 0;
    given_ = 0;
  }

 private:
  std::vector<ColdLane> lanes_;
  std::size_t turn_ = 0;   // index, or the rings beyond the last
  std::size_t given_ = 0;  // messages given in this turn
};

}  // namespace millrace::detail
