// What the logs of this folder have in common: blocks of 64 bytes, a publish begins at one, its
// first 8 bytes are its own (each log says what for), and behind them lie its messages, each after
// 8 bytes that hold its length.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace millrace::alternatives {

using Message = std::span<const std::byte>;

inline constexpr std::uint64_t kLogBlock = 64;
inline constexpr std::uint64_t kLogHeader = 8;

constexpr std::uint64_t bytes_of(std::uint64_t length) noexcept {
  return kLogHeader + (length + 7) / 8 * 8;
}

inline std::uint64_t blocks_of(std::span<const Message> messages) noexcept {
  std::uint64_t bytes = kLogHeader;
  for (const Message& message : messages)
    bytes += bytes_of(message.size());
  return (bytes + kLogBlock - 1) / kLogBlock;
}

inline void write_messages(std::byte* to, std::span<const Message> messages) noexcept {
  for (const Message& message : messages) {
    const std::uint64_t length = message.size();
    std::memcpy(to, &length, sizeof length);
    if (length != 0) std::memcpy(to + kLogHeader, message.data(), length);
    to += bytes_of(length);
  }
}

// Calls handler with each of `count` messages.
template <class Handler>
void read_messages(const std::byte* from, std::uint64_t count, Handler& handler) {
  for (; count != 0; --count) {
    std::uint64_t length = 0;
    std::memcpy(&length, from, sizeof length);
    handler(Message(from + kLogHeader, length));
    from += bytes_of(length);
  }
}

}  // namespace millrace::alternatives
