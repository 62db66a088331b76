// A message as a subscriber sees it: bytes, and where they stand.
#pragma once

#include "millrace/core/position.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace millrace {

namespace detail {
class MessageMaker;
}

// Valid until the subscriber is polled or released again: under Policy::block it points into the
// ring, otherwise at the subscriber's private copy. 64 bytes, some of them kept for queues.
class alignas(64) Message {
 public:
  // Not defaulted: what makes a Result of it would clear the whole Result first.
  Message() noexcept {}

  [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return {data_, length_}; }

  [[nodiscard]] std::string_view text() const noexcept {
    return {reinterpret_cast<const char*>(data_), length_};
  }

  // Number of this message in its lane, or with Order::total in its channel; from 0, no gaps.
  [[nodiscard]] Sequence sequence() const noexcept { return sequence_; }

  // Which publisher's lane it came through.
  [[nodiscard]] std::uint32_t lane() const noexcept { return lane_; }

  [[nodiscard]] std::uint16_t key() const noexcept { return key_; }

  // Bytes before it in its lane; 0 for a message that was read from a journal, which knows no ring.
  [[nodiscard]] Position position() const noexcept { return position_; }

 private:
  friend class detail::MessageMaker;

  const std::byte* data_ = nullptr;
  Position position_ = 0;
  Sequence sequence_ = 0;
  std::uint32_t length_ = 0;
  std::uint32_t lane_ = 0;
  std::uint16_t key_ = 0;
  // 30 bytes are left of the 64, for queues.
};

static_assert(sizeof(Message) == 64);

}  // namespace millrace
