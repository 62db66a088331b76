// The books that a victim keeps over what it is given: every byte of an honest lane is known
// beforehand, every number comes once and in order, and what is missing was reported as lost.
#pragma once

#include "millrace/core/limits.hpp"
#include "millrace/core/result.hpp"
#include "process/liar_board.hpp"
#include "process/liar_victims.hpp"

#include <array>
#include <cstdint>
#include <optional>

namespace millrace::liar {

class Ledger {
 public:
  Ledger(Board& board, Who who, const RoundPlan& plan)
      : board_(board), who_(who), spoilt_(plan.spoilt), one_order_(plan.order == Order::total) {}

  // A new subscriber begins wherever it is put. `by_release`: messages point into the ring, and
  // what was read counts once a release has said that nothing was overwritten meanwhile.
  void begin(bool by_release);

  // A message was handed out. `number`: in its lane; none if only its bytes could say it, and they
  // are wrong. `right`: its bytes are those of this lane and number.
  void message(std::uint32_t lane, std::optional<std::uint64_t> number, bool right);

  // A release, or a poll that releases, found everything intact.
  void vouched();

  // A call was refused.
  void refused(const Error& error);

  // Everything of the stayer has come.
  [[nodiscard]] bool complete() const;

 private:
  struct Account {
    std::optional<std::uint64_t> next;
    std::optional<std::uint64_t> wrong;  // sequence of a message whose bytes nobody vouched for
  };

  [[nodiscard]] const char* name() const { return kVictimNames[static_cast<std::size_t>(who_)]; }

  Board& board_;
  Who who_;
  bool spoilt_;     // messages may be left out
  bool one_order_;  // an overrun concerns all lanes
  bool by_release_ = false;
  std::uint64_t unassigned_ = 0;  // lost in lanes that the error did not name
  std::array<Account, kLanesMax> lanes_{};
};

// The lane that an error speaks of.
[[nodiscard]] std::optional<std::uint32_t> lane_in(std::string_view sentence);

}  // namespace millrace::liar
