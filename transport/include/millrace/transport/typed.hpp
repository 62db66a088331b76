// Publishers and subscribers of values instead of bytes. The bytes are the value's own: nothing is
// serialised.
#pragma once

#include "millrace/transport/publisher.hpp"
#include "millrace/transport/schema.hpp"
#include "millrace/transport/subscriber.hpp"

#include <chrono>
#include <cstring>
#include <optional>
#include <span>
#include <utility>

namespace millrace {

// Same thread rules and errors as Publisher.
template <Sendable T>
class TypedPublisher {
 public:
  explicit TypedPublisher(Publisher publisher) noexcept : publisher_(std::move(publisher)) {}

  Result<Sequence> send(const T& value, std::uint16_t key = 0) noexcept {
    return publisher_.send(bytes_of(value), key);
  }

  Result<Sequence> try_send(const T& value, std::uint16_t key = 0) noexcept {
    return publisher_.try_send(bytes_of(value), key);
  }

  Result<Sequence> send_for(std::chrono::nanoseconds timeout, const T& value,
                            std::uint16_t key = 0) noexcept {
    return publisher_.send_for(timeout, bytes_of(value), key);
  }

  // For claims, batches and counters.
  [[nodiscard]] Publisher& untyped() noexcept { return publisher_; }

 private:
  static std::span<const std::byte> bytes_of(const T& value) noexcept {
    return std::as_bytes(std::span<const T, 1>(&value, 1));
  }

  Publisher publisher_;
};

// Same thread rules and errors as Subscriber. A message of another size than T (a publisher that
// lies) is Errc::schema.
template <Sendable T>
class TypedSubscriber {
 public:
  explicit TypedSubscriber(Subscriber subscriber) noexcept : subscriber_(std::move(subscriber)) {}

  [[nodiscard]] Result<T> poll() noexcept { return poll_for(kForever); }

  [[nodiscard]] Result<T> poll_for(std::chrono::nanoseconds timeout) noexcept {
    auto message = subscriber_.poll_for(timeout);
    if (!message) return Failure(message.error());
    return value_of(*message);
  }

  [[nodiscard]] Result<std::optional<T>> try_poll() noexcept {
    auto message = subscriber_.try_poll();
    if (!message) return Failure(message.error());
    if (!*message) return std::optional<T>();
    auto value = value_of(**message);
    if (!value) return Failure(value.error());
    return std::optional<T>(*value);
  }

  // For descriptors, places and counters.
  [[nodiscard]] Subscriber& untyped() noexcept { return subscriber_; }

 private:
  static Result<T> value_of(const Message& message) noexcept {
    if (message.bytes().size() != sizeof(T)) {
      return fail(Errc::schema,
                  "lane %u sent a message of %zu bytes on a channel of %zu-byte values",
                  message.lane(), message.bytes().size(), sizeof(T));
    }
    T value;
    std::memcpy(&value, message.bytes().data(), sizeof value);
    return value;
  }

  Subscriber subscriber_;
};

}  // namespace millrace
