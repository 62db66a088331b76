// A channel: a named message stream with one lane per publisher and any number of readers.
#pragma once

#include "millrace/core/result.hpp"
#include "millrace/transport/options.hpp"
#include "millrace/transport/publisher.hpp"
#include "millrace/transport/schema.hpp"
#include "millrace/transport/stats.hpp"
#include "millrace/transport/subscriber.hpp"
#include "millrace/transport/trace.hpp"
#include "millrace/transport/typed.hpp"

#include <memory>
#include <string>

namespace millrace {

namespace detail {
struct ChannelState;
struct DomainState;
}  // namespace detail

// A handle; copies are cheap and mean the same channel. Publishers and subscribers keep what they
// need alive by themselves. Any thread.
class Channel {
 public:
  // A new publisher with a lane of its own, or, if it has a name, the lane of that name continued.
  // Errors: busy (a living process publishes under that name), too_many, no_space, no_permission,
  // poisoned (the lane of that name cannot be continued).
  [[nodiscard]] Result<Publisher> publisher(const PublisherOptions& options = {}) const;

  // A new subscriber, in place before this returns: it misses nothing that is published from now
  // on. Errors: too_many, no_space, no_permission.
  [[nodiscard]] Result<Subscriber> subscriber(const SubscriberOptions& options = {}) const;

  [[nodiscard]] const std::string& name() const noexcept;

  // As it was created.
  [[nodiscard]] const ChannelOptions& options() const noexcept;

  // Lanes, readers, who blocks whom. Reads only, and needs nobody's cooperation.
  [[nodiscard]] Result<ChannelStats> stats() const;

  // What its flight recorders hold. Reads only, and needs nobody's cooperation. Errors:
  // no_permission, format (the domain's clock is damaged).
  [[nodiscard]] Result<ChannelTrace> trace() const;

  // The message type it was created for; empty for bytes.
  [[nodiscard]] std::string schema() const;

 private:
  friend class Domain;

  explicit Channel(std::shared_ptr<detail::ChannelState> state) noexcept
      : state_(std::move(state)) {}

  std::shared_ptr<detail::ChannelState> state_;
};

// A channel of T.
template <Sendable T>
class TypedChannel {
 public:
  explicit TypedChannel(Channel channel) noexcept : channel_(std::move(channel)) {}

  [[nodiscard]] Result<TypedPublisher<T>> publisher(const PublisherOptions& options = {}) const {
    auto made = channel_.publisher(options);
    if (!made) return Failure(made.error());
    return TypedPublisher<T>(std::move(*made));
  }

  [[nodiscard]] Result<TypedSubscriber<T>> subscriber(const SubscriberOptions& options = {}) const {
    auto made = channel_.subscriber(options);
    if (!made) return Failure(made.error());
    return TypedSubscriber<T>(std::move(*made));
  }

  // The same channel as bytes.
  [[nodiscard]] const Channel& untyped() const noexcept { return channel_; }

 private:
  Channel channel_;
};

}  // namespace millrace
