// One life of a liar: a process that enters a domain as anybody would, and then lies in every word
// that its rights let it write. It never returns: it is killed.
#pragma once

#include "process/liar_board.hpp"
#include "process/liar_victims.hpp"
#include "process/liar_words.hpp"

namespace millrace::liar {

// Who lies. With rights of its own it is another uid than its victims, and tries everything: the
// kernel says what it may. Without (where nobody is root) it keeps to what its role could.
struct LiarPlan {
  Role role = Role::subscriber;
  bool own_rights = false;
  std::uint64_t seed = 1;
};

[[noreturn]] void lie(Board& board, const RoundPlan& round, const LiarPlan& plan);

}  // namespace millrace::liar
