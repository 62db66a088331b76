// Both sides of a slice begin together: each says that it is awake, and waits for the other. The
// wake-up of the slower one is no part of what is timed.
#pragma once

#include "rival_page_layout.hpp"

namespace millrace::rivals {

inline void meet(std::atomic<std::uint64_t>& own, const std::atomic<std::uint64_t>& other,
                 std::uint64_t number) noexcept {
  // [sync:rival-gate] Release: what this side prepared is in place. Acquire: so is the other's.
  own.store(number, std::memory_order_release);
  while (other.load(std::memory_order_acquire) != number) {  // [sync:rival-gate]
  }
}

inline void meet_follower(RivalPage& page) noexcept {
  meet(page.leader_gate, page.follower_gate, page.number);
}

inline void meet_leader(RivalPage& page) noexcept {
  meet(page.follower_gate, page.leader_gate, page.number);
}

}  // namespace millrace::rivals
