// Subscribing: poll → use → release. A subscriber sees every lane of its channel, fairly: each in
// turn gives a handful of messages, idle lanes are looked at less often.
//
//   auto message = subscriber.poll();               // waits
//   handle(message->bytes());                       // released by the next poll, or release()
//
//   subscriber.poll_each([](const Message& m) { … });   // whatever is there, released at the end
//
// Under Policy::block a message points into the ring, and the publisher waits until it is released.
// Under evict and lossy it is a private copy that has been validated, so it is never torn;
// poll_in_place() avoids that copy.
//
// Errors: overrun (lapped; Error::lost() counts exactly, the next poll goes on), evicted (the same,
// and the reader has taken a new place), poisoned (a publisher broke its lane; the other lanes go
// on), format, closed, timeout, foreign.
//
// Thread rules: one thread at a time. Several subscribers in one process are independent.
#pragma once

#include "millrace/transport/detail/subscriber_state.hpp"
#include "millrace/transport/speculative.hpp"
#include "millrace/transport/stats.hpp"

#include <chrono>
#include <memory>
#include <optional>

namespace millrace {

class Subscriber {
 public:
  Subscriber(Subscriber&&) noexcept = default;
  Subscriber& operator=(Subscriber&&) noexcept = default;
  ~Subscriber() = default;  // releases and leaves: publishers no longer wait for it

  // The next message, if one is there. Releases the one before.
  [[nodiscard]] Result<std::optional<Message>> try_poll() noexcept {
    // Made where it will be used: a Message is a cache line, and should not be copied on its way.
    Result<std::optional<Message>> result(std::in_place, std::in_place);
    const detail::Look found = state_->next(**result);
    if (found == detail::Look::nothing) result->reset();
    if (found == detail::Look::failed) [[unlikely]]
      result = Failure(*state_->failure);
    return result;
  }

  // The next message; waits for it.
  [[nodiscard]] Result<Message> poll() noexcept { return poll_for(kForever); }

  // The next message; Errc::timeout if none came in time.
  [[nodiscard]] Result<Message> poll_for(std::chrono::nanoseconds timeout) noexcept {
    Result<Message> result(std::in_place);
    for (std::uint64_t deadline_ns = 0;;) {
      const detail::Look found = state_->next(*result);
      if (found == detail::Look::message) [[likely]]
        return result;
      if (found == detail::Look::failed) return Failure(*state_->failure);
      if (auto there = state_->wait(timeout, deadline_ns); !there) return Failure(there.error());
    }
  }

  // Calls handler(const Message&) for what is there, at most `most` messages, and releases them all
  // at the end: the cheapest way to read a flood. Returns how many; 0 if nothing was there.
  template <class Handler>
  Result<std::size_t> poll_each(Handler&& handler, std::size_t most = 256) noexcept {
    return state_->each(handler, most);
  }

  // One message read where it lies, without copy and without trust: see Speculative. Empty if
  // nothing is there.
  [[nodiscard]] Result<std::optional<Speculative>> poll_in_place() noexcept;

  // Waits until something may be there; Errc::timeout if nothing came, Errc::closed as poll.
  Result<void> wait(std::chrono::nanoseconds timeout = kForever) noexcept {
    std::uint64_t deadline_ns = 0;
    return state_->wait(timeout, deadline_ns);
  }

  // Gives the room of every message polled so far back to the publishers. Error: overrun, evicted
  // or poisoned if what was read since the last release may have been overwritten meanwhile.
  Result<void> release() noexcept { return state_->release_all(); }

  // A descriptor that becomes readable when a message is there, for epoll, poll or io_uring. Read
  // it or not: it falls silent when a poll finds nothing. A thread sleeps behind it from the first
  // call on; the publishers' path does not change. The descriptor belongs to the subscriber.
  [[nodiscard]] Result<int> event_fd() noexcept;

  // Publishers whose lanes this subscriber sees and who have not left or died.
  [[nodiscard]] std::size_t publishers() noexcept;

  // What this subscriber received, lost and passed over, lane by lane.
  [[nodiscard]] ReaderStats stats() const;

 private:
  friend class Channel;

  explicit Subscriber(std::unique_ptr<detail::SubscriberState> state) noexcept
      : state_(std::move(state)) {}

  std::unique_ptr<detail::SubscriberState> state_;
};

}  // namespace millrace
