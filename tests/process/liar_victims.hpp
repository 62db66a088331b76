// The victims of a liar: processes that publish, subscribe and look on as anybody would, and check
// all that they get. Each function is the life of one process; it returns when the round is over.
#pragma once

#include "millrace/transport/domain.hpp"
#include "process/liar_board.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace millrace::liar {

// Ends what hangs; it measures nothing.
inline constexpr std::chrono::seconds kPatience{60};

struct RoundPlan {
  std::uint64_t seed = 1;
  Policy policy = Policy::block;
  Order order = Order::lane;
  // The liar publishes in one order, so it may write the order: it may stop the channel, and leave
  // messages out, but make nobody crash, hang, or take other bytes for a message.
  bool spoilt = false;
  std::uint64_t ring_bytes = 4096;
  std::string domain;
};

inline constexpr const char* kChannel = "quotes";

void stay(Board& board, const RoundPlan& plan);
void come_and_go(Board& board, const RoundPlan& plan);
void poll(Board& board, const RoundPlan& plan);
void handle(Board& board, const RoundPlan& plan);
void peek(Board& board, const RoundPlan& plan);
void look_on(Board& board, const RoundPlan& plan);

// The domain as a process of its own has it; says so on the board if it cannot be opened.
[[nodiscard]] std::optional<Channel> open_channel(Board& board, const RoundPlan& plan,
                                                  const char* participant);

}  // namespace millrace::liar
