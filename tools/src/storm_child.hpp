// The processes of a storm: this program, started by the parent with the page as descriptor 3 and
// the number of its life. They die with their parent, whatever kills it.
#pragma once

#include "millrace/transport/domain.hpp"
#include "storm_page.hpp"

#include <cstdint>
#include <functional>
#include <random>
#include <string>
#include <string_view>

namespace millrace::tools {

struct StormChild {
  StormPage& page;
  StormLife& life;
  std::uint32_t number;  // of the life
  int domain_fd;
  Domain domain;
  std::mt19937_64 random;

  [[nodiscard]] const StormSettings& settings() const noexcept { return page.settings; }

  // "publisher 3 (life 17)"
  [[nodiscard]] std::string who() const;

  [[nodiscard]] bool asked_to_leave() const noexcept;

  // Waits until the parent is about to kill the predecessor, and then until that one is dead: the
  // lock of its participant is free. False: the storm ends before.
  [[nodiscard]] bool await_turn() const;

  // Tries until it works: who follows a dead one may find the world not yet tidied up. Other errors
  // than those of a full or busy world are violations. False: no object was made.
  [[nodiscard]] bool insist(const std::function<Result<void>()>& make) const;

  // Leaves the name of its participant, for the parent's and the successor's proof of death.
  void introduce() const;
};

void publish_in_storm(StormChild& child);
void subscribe_in_storm(StormChild& child);
void clean_in_storm(StormChild& child);

// The whole life of a child. Returns the exit code.
int live_as_storm_child(std::string_view role, std::uint32_t life);

}  // namespace millrace::tools
