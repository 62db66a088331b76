// Several messages that become visible together, with one release store: cheaper than one by one,
// and all or nothing for every reader and every crash.
#pragma once

#include "millrace/transport/detail/publisher_state.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

namespace millrace {

// Move-only; dropping it aborts the batch. A batch takes at most half of the ring, and on a channel
// with Order::total at most 256 messages. While it is open its publisher can neither claim nor
// send. Same thread rules as the publisher.
class [[nodiscard]] Batch {
 public:
  Batch(Batch&& other) noexcept
      : state_(std::exchange(other.state_, nullptr)), timeout_(other.timeout_) {}

  Batch& operator=(Batch&&) = delete;

  ~Batch() {
    if (state_ != nullptr) state_->abort();
  }

  // Copies a message into the ring. Errors: too_big (alone, or for this batch), full, and what
  // Publisher::try_claim may say; the batch stays as it was.
  Result<void> add(std::span<const std::byte> message, std::uint16_t key = 0) noexcept {
    auto room = claim(message.size());
    if (!room) return Failure(room.error());
    state_->write(message);
    commit(message.size(), key);
    return {};
  }

  // Zero copy: room for one message of at most `length` bytes, to be filled and then committed (or
  // forgotten: the next claim takes the same room).
  Result<std::span<std::byte>> claim(std::size_t length) noexcept;

  // Adds the message written into the last claim. REQUIRES length <= the claim's.
  void commit(std::size_t length, std::uint16_t key = 0) noexcept {
    state_->append(static_cast<std::uint32_t>(length), key);
  }

  // Messages added so far.
  [[nodiscard]] std::uint64_t count() const noexcept { return state_->writer.open_count(); }

  // Makes them visible at once; returns the sequence of the first. An empty batch publishes
  // nothing, and neither does one in a forked child.
  Sequence publish() && noexcept {
    detail::PublisherState* const state = std::exchange(state_, nullptr);
    if (state->guard.foreign()) [[unlikely]]
      return state->forget();
    if (state->writer.open_count() != 0) return state->publish();
    state->open = false;
    return state->next_sequence();
  }

  // The same, and waits until all of them are durable; errors as Claim::publish_durable. An empty
  // batch waits for nothing.
  Result<Sequence> publish_durable(std::chrono::nanoseconds timeout) && noexcept;

 private:
  friend class Publisher;

  Batch(detail::PublisherState* state, std::chrono::nanoseconds timeout) noexcept
      : state_(state), timeout_(timeout) {
    state_->open = true;
  }

  detail::PublisherState* state_;
  std::chrono::nanoseconds timeout_;
};

}  // namespace millrace
