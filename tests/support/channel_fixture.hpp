// A private domain with one channel in it, for tests of the transport.
#pragma once

#include "millrace/transport/domain.hpp"
#include "support/scratch_directory.hpp"

#include <chrono>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace millrace::testing_support {

// A test that takes longer hangs; it measures nothing.
inline constexpr std::chrono::seconds kWatchdog{60};

inline std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

// What a failed call said, for messages of assertions.
template <class T>
std::string said(const Result<T>& result) {
  return result ? std::string("no error") : std::string(result.error().sentence());
}

template <class T>
std::optional<Errc> code_of(const Result<T>& result) {
  return result ? std::nullopt : std::optional(result.error().code());
}

// The text of the next message, "<nothing>" if there is none, "<code>" if there is an error.
inline std::string next_text(Subscriber& subscriber) {
  const auto message = subscriber.try_poll();
  // Appended: g++ 12 takes "literal" + std::string for an overlapping copy.
  if (!message) return std::string("<").append(to_string(message.error().code())).append(">");
  return *message ? std::string((*message)->text()) : "<nothing>";
}

class ChannelTest : public ::testing::Test {
 protected:
  static constexpr std::uint64_t kRing = 4096;

  // A domain of its own, as another process would have it: with a participant of its own.
  [[nodiscard]] Domain another_domain(const std::string& participant = "other") const {
    DomainOptions options;
    options.path = scratch_ / "domain";
    options.participant = participant;
    auto opened = Domain::open(options);
    EXPECT_TRUE(opened) << said(opened);
    return std::move(*opened);
  }

  [[nodiscard]] Channel channel(const ChannelOptions& options = {}) {
    auto opened = domain_.channel("quotes", options);
    EXPECT_TRUE(opened) << said(opened);
    return *opened;
  }

  [[nodiscard]] Channel small_channel(Policy policy = Policy::block, std::uint64_t ring = kRing) {
    ChannelOptions options;
    options.ring_bytes = ring;
    options.policy = policy;
    return channel(options);
  }

  [[nodiscard]] static Publisher publisher(const Channel& channel, const std::string& name = "") {
    PublisherOptions options;
    options.name = name;
    auto made = channel.publisher(options);
    EXPECT_TRUE(made) << said(made);
    return std::move(*made);
  }

  [[nodiscard]] static Subscriber subscriber(const Channel& channel,
                                             const SubscriberOptions& options = {}) {
    auto made = channel.subscriber(options);
    EXPECT_TRUE(made) << said(made);
    return std::move(*made);
  }

  [[nodiscard]] static Subscriber subscriber(const Channel& channel, From from) {
    SubscriberOptions options;
    options.from = from;
    return subscriber(channel, options);
  }

  static void send(Publisher& publisher, std::string_view text, std::uint16_t key = 0) {
    const auto sent = publisher.try_send(bytes_of(text), key);
    EXPECT_TRUE(sent) << said(sent);
  }

  [[nodiscard]] std::string file(const std::string& name) const {
    return scratch_ / ("domain/quotes/" + name);
  }

  ScratchDirectory scratch_;
  Domain domain_ = another_domain("test");
};

}  // namespace millrace::testing_support
