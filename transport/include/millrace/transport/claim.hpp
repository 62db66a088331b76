// A claim is room in the ring that belongs to its holder: write the message there, then publish.
// A claim that is dropped is aborted: nothing was ever visible, and the room is free again.
#pragma once

#include "millrace/transport/detail/publisher_state.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

namespace millrace {

// Move-only. A publisher has at most one open claim or batch at a time; the claim must not outlive
// the publisher. Same thread rules as the publisher.
class [[nodiscard]] Claim {
 public:
  Claim(Claim&& other) noexcept
      : state_(std::exchange(other.state_, nullptr)), length_(other.length_), key_(other.key_) {}

  Claim& operator=(Claim&&) = delete;

  ~Claim() {
    if (state_ != nullptr) std::move(*this).abort();
  }

  // Where the message goes: the ring itself, not initialised.
  [[nodiscard]] std::span<std::byte> bytes() const noexcept {
    return {state_->claim_bytes(), length_};
  }

  // Makes the message visible to every reader at once, and returns its sequence. In a forked child
  // it publishes nothing: the claim is the parent's.
  Sequence publish() && noexcept {
    detail::PublisherState* const state = std::exchange(state_, nullptr);
    if (state->guard.foreign()) [[unlikely]]
      return state->forget();
    return state->publish(length_, key_);
  }

  // The same, if the message turned out shorter than the claim. REQUIRES length <= bytes().size().
  Sequence publish(std::size_t length) && noexcept {
    if (length < length_) length_ = static_cast<std::uint32_t>(length);
    return std::move(*this).publish();
  }

  // Publishes, and waits until the message is durable (Publisher::wait_durable says what may come
  // of it). Errors `timeout` and `gap`: it is published, only not known to be durable;
  // bad_argument: nothing was published; journal_poisoned and journal_unavailable: one or the
  // other.
  Result<Sequence> publish_durable(std::chrono::nanoseconds timeout) && noexcept;

  // Gives the room back. Counted.
  void abort() && noexcept { std::exchange(state_, nullptr)->abort(); }

 private:
  friend class Publisher;

  Claim(detail::PublisherState* state, std::uint32_t length, std::uint16_t key) noexcept
      : state_(state), length_(length), key_(key) {
    state_->open = true;
  }

  Result<Sequence> publish_until(std::uint64_t deadline_ns) && noexcept;

  detail::PublisherState* state_;
  std::uint32_t length_;
  std::uint16_t key_;
};

}  // namespace millrace
