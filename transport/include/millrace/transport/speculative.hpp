// A message that may be overwritten while it is being read (policies evict and lossy). Its bytes
// can only be used through consume(), whose result counts only if nothing was overwritten.
#pragma once

#include "millrace/transport/detail/subscriber_state.hpp"

#include <span>
#include <type_traits>
#include <utility>

namespace millrace {

// Valid until the subscriber is polled again. Same thread rules as the subscriber.
class [[nodiscard]] Speculative {
 public:
  // Calls f(std::span<const std::byte>) and returns its result, or Errc::overrun if the publisher
  // got there first: then the bytes that f saw may have been torn, and what it made of them is
  // dropped. f must have no other effect, and must not trust lengths or offsets it finds inside.
  template <class F>
  [[nodiscard]] auto consume(F&& f) && noexcept
      -> Result<std::invoke_result_t<F, std::span<const std::byte>>> {
    if constexpr (std::is_void_v<std::invoke_result_t<F, std::span<const std::byte>>>) {
      std::forward<F>(f)(bytes_);
      return state_->finish(record_, lane_);
    } else {
      auto made = std::forward<F>(f)(bytes_);
      if (auto intact = state_->finish(record_, lane_); !intact) return Failure(intact.error());
      return made;
    }
  }

  [[nodiscard]] Sequence sequence() const noexcept { return record_.sequence; }

  // Which publisher's lane it came through; sequences count in their lane.
  [[nodiscard]] std::uint32_t lane() const noexcept { return lane_; }

  [[nodiscard]] std::uint16_t key() const noexcept { return record_.key; }

 private:
  friend class Subscriber;

  Speculative(detail::SubscriberState* state, Record record, std::uint32_t lane,
              std::span<const std::byte> bytes) noexcept
      : state_(state), record_(record), lane_(lane), bytes_(bytes) {}

  detail::SubscriberState* state_;
  Record record_;
  std::uint32_t lane_;
  std::span<const std::byte> bytes_;
};

}  // namespace millrace
