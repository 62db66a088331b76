// One round: victims publish, subscribe and look on, a liar lies for a while and is killed; then
// the victims must come to their end: every message of the one that stayed has arrived, or is
// accounted for, and nobody crashed or hangs.
#pragma once

#include "process/liar.hpp"

#include <chrono>
#include <cstdint>
#include <string>

namespace millrace::liar {

struct RoundChoice {
  Role role = Role::subscriber;
  Policy policy = Policy::block;
  Order order = Order::lane;
  std::uint64_t seed = 1;
  std::chrono::milliseconds lies_for{300};
};

struct Outcome {
  std::string broken;  // empty: the promise was kept
  std::uint64_t lies = 0;
  std::uint64_t messages = 0;
  std::uint64_t errors = 0;
  std::uint64_t lost = 0;
  std::uint64_t openings = 0;
  std::uint64_t shut_out = 0;
  std::uint64_t liars_deaths = 0;

  void add(const Outcome& other);
};

[[nodiscard]] Outcome run_round(const RoundChoice& choice);

// Does the kernel keep liar and victims apart here (they are two uids)?
[[nodiscard]] bool has_own_rights();

// Gives up root for the uid of the victims, or of the liar; nothing where nobody is root. For a
// child process. Only the liar's role decides what its group lets it do.
void become_victim();
void become_liar();

// A directory for a domain that both may enter, made by root; and a channel in it made by a victim.
[[nodiscard]] std::string make_shared_domain(const std::string& directory);
[[nodiscard]] bool make_channel(const RoundPlan& plan, Role liar);

}  // namespace millrace::liar
