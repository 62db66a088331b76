// The one comparison that stamps cost a message that is not stamped: its sequence with that of the
// next one that is.
#pragma once

#include "millrace/core/sampling.hpp"

namespace millrace::detail {

#if !defined(MILLRACE_STAMP_TEST)

[[nodiscard]] constexpr bool stamp_is_due(Sequence sequence, Sequence due) noexcept {
  return sequence >= due;
}

#elif MILLRACE_STAMP_TEST == 0

// For tests/instructions: as if there were no stamps at all. What is compared with.
[[nodiscard]] constexpr bool stamp_is_due(Sequence, Sequence) noexcept {
  return false;
}

#else

// For tests/instructions: the planted defect, a hash of every message's sequence. The gate has to
// notice what it costs.
[[nodiscard]] constexpr bool stamp_is_due(Sequence sequence, Sequence due) noexcept {
  return due != Sampling::kNever && (sequence * 0x9e37'79b9'7f4a'7c15 >> 40) == 0;
}

#endif

// What is stamped, and the flight recorder it goes into (transport/src).
class PublisherStamps;
class SubscriberStamps;

struct StampsDelete {
  void operator()(PublisherStamps* stamps) const noexcept;
  void operator()(SubscriberStamps* stamps) const noexcept;
};

}  // namespace millrace::detail
