// Counters in shared memory have one writer each, so they need no read-modify-write: observers may
// see an old value, never a wrong one.
#pragma once

#include "millrace/core/lane_layout.hpp"

namespace millrace::detail {

inline void add(layout::Word& counter, std::uint64_t amount = 1) noexcept {
  counter.store(counter.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
}

[[nodiscard]] inline std::uint64_t value(const layout::Word& counter) noexcept {
  return counter.load(std::memory_order_relaxed);
}

}  // namespace millrace::detail
