// Publishing: claim → publish, or send, or a batch.
//
//   auto claim = publisher.claim(24);          // room in the ring, waits if it is full
//   encode(order, claim->bytes());
//   std::move(*claim).publish();               // forget this, and the claim aborts
//
// Forms: try_… never waits, …_for waits at most so long, the plain one waits for as long as it
// takes (a reader that is only stopped is waited for; a dead one is noticed and dropped).
//
// Errors of every form: full (or timeout, for the waiting forms: both name the slowest reader, its
// pid and its lag), too_big, no_readers, poisoned, foreign, bad_argument (another claim is open).
//
// On a durable channel a ring that is full of messages that are not durable yet counts as full, and
// the sentence names the journal; journal_poisoned: it failed, and this lane can go no further
// until the next one continues.
//
// Thread rules: one thread at a time. A process that dies at any instruction leaves nothing behind
// that stops others; at most its open claim vanishes.
#pragma once

#include "millrace/transport/batch.hpp"
#include "millrace/transport/claim.hpp"
#include "millrace/transport/stats.hpp"

#include <chrono>
#include <memory>
#include <span>
#include <string_view>

namespace millrace {

class Publisher {
 public:
  Publisher(Publisher&&) noexcept = default;
  Publisher& operator=(Publisher&&) noexcept = default;
  ~Publisher() = default;  // leaves in good order: readers see the end of the lane

  // Room for one message of `length` bytes (0 is legal). `key` is what filters look at.
  [[nodiscard]] Result<Claim> try_claim(std::size_t length, std::uint16_t key = 0) noexcept {
    return claim_for(std::chrono::nanoseconds::zero(), length, key);
  }

  [[nodiscard]] Result<Claim> claim(std::size_t length, std::uint16_t key = 0) noexcept {
    return claim_for(std::chrono::nanoseconds::max(), length, key);
  }

  [[nodiscard]] Result<Claim> claim_for(std::chrono::nanoseconds timeout, std::size_t length,
                                        std::uint16_t key = 0) noexcept {
    if (!state_->ready(length)) [[unlikely]] {
      if (auto room = state_->make_room(length, timeout); !room) return Failure(room.error());
    }
    return Claim(state_.get(), static_cast<std::uint32_t>(length), key);
  }

  // Copies `message` into the ring and publishes it. Returns its sequence.
  Result<Sequence> try_send(std::span<const std::byte> message, std::uint16_t key = 0) noexcept {
    return send_for(std::chrono::nanoseconds::zero(), message, key);
  }

  Result<Sequence> try_send(std::string_view text, std::uint16_t key = 0) noexcept {
    return try_send(std::as_bytes(std::span(text)), key);
  }

  Result<Sequence> send(std::span<const std::byte> message, std::uint16_t key = 0) noexcept {
    return send_for(std::chrono::nanoseconds::max(), message, key);
  }

  Result<Sequence> send(std::string_view text, std::uint16_t key = 0) noexcept {
    return send(std::as_bytes(std::span(text)), key);
  }

  Result<Sequence> send_for(std::chrono::nanoseconds timeout, std::span<const std::byte> message,
                            std::uint16_t key = 0) noexcept {
    if (!state_->ready(message.size())) [[unlikely]] {
      if (auto room = state_->make_room(message.size(), timeout); !room) {
        return Failure(room.error());
      }
    }
    state_->write(message);
    return state_->publish(static_cast<std::uint32_t>(message.size()), key);
  }

  // Opens a batch; each of its claims waits at most `timeout`. Fails while a claim or batch is
  // open.
  [[nodiscard]] Result<Batch> batch(std::chrono::nanoseconds timeout = kForever) noexcept;

  // Waits until message `sequence` of this lane is durable: it survives the loss of power. Waits at
  // most `timeout`, also where it is kForever as long as there is hope:
  //
  //   ok                   it is
  //   timeout              the journal is slow, stopped or full; the sentence says which
  //   journal_unavailable  after the timeout: nobody writes the journal (the next one continues).
  //                        At once: it was detached, or fails where publishers proceed
  //   journal_poisoned     at once: a write or flush failed; whether it is durable is unknown
  //   gap                  publishers proceeded without the journal: it may have been overwritten
  //   poisoned             at once: this lane contradicts the log
  //   bad_argument         the channel is not durable, or there is no such message yet
  Result<void> wait_durable(Sequence sequence,
                            std::chrono::nanoseconds timeout = kForever) noexcept;

  // Messages before it are durable; 0 if the channel is not.
  [[nodiscard]] Sequence durable() const noexcept { return state_->durable(); }

  // send_for, and waits with what is left of `timeout` until the message is durable; errors as
  // send_for and Claim::publish_durable.
  Result<Sequence> send_durable(std::span<const std::byte> message, std::uint16_t key = 0,
                                std::chrono::nanoseconds timeout = kForever) noexcept;

  // The next message was meant to be sent at that tick of the domain's clock (Domain::clock): the
  // stage `intended`, kept if the message is one that is stamped. For whoever sends by a schedule.
  void intended(std::uint64_t ticks) noexcept;

  // Sequence of the next message; with Order::total it grows with what others publish meanwhile.
  [[nodiscard]] Sequence next_sequence() const noexcept { return state_->next_sequence(); }

  // Number of this publisher's lane.
  [[nodiscard]] std::uint32_t lane() const noexcept;

  // The longest message that fits.
  [[nodiscard]] std::size_t message_bytes_max() const noexcept { return state_->longest; }

  // Counters of this lane, and where its readers stand. Not for the message path.
  [[nodiscard]] LaneStats stats() const;

 private:
  friend class Channel;

  explicit Publisher(std::unique_ptr<detail::PublisherState> state) noexcept
      : state_(std::move(state)) {}

  std::unique_ptr<detail::PublisherState> state_;
};

}  // namespace millrace
