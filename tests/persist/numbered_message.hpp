// Messages whose length and bytes follow from their producer and number, so that whoever finds one
// anywhere can tell whether it is whole, and whether it is the right one.
#pragma once

#include "millrace/core/position.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

namespace millrace::testing_support {

class NumberedMessage {
 public:
  // `most`: no message is longer. Small ones are frequent, and so are the edges.
  NumberedMessage(std::string_view producer, Sequence sequence, std::size_t most)
      : state_(seed(producer, sequence)) {
    const std::uint64_t kind = next() % 16;
    const std::size_t some = next() % (most + 1);
    length_ = kind == 0 ? 0 : kind == 1 ? most : kind == 2 ? some : some % 200;
    if (length_ > most) length_ = most;
  }

  [[nodiscard]] std::size_t length() const noexcept { return length_; }

  // REQUIRES into.size() == length().
  void write(std::span<std::byte> into) const noexcept {
    NumberedMessage source = *this;
    while (!into.empty()) {
      const std::uint64_t word = source.next();
      const std::size_t bytes = into.size() < sizeof(word) ? into.size() : sizeof(word);
      std::memcpy(into.data(), &word, bytes);
      into = into.subspan(bytes);
    }
  }

  [[nodiscard]] std::vector<std::byte> bytes() const {
    std::vector<std::byte> all(length_);
    write(all);
    return all;
  }

  [[nodiscard]] bool is(std::span<const std::byte> seen) const noexcept {
    if (seen.size() != length_) return false;
    NumberedMessage source = *this;
    while (!seen.empty()) {
      const std::uint64_t word = source.next();
      const std::size_t bytes = seen.size() < sizeof(word) ? seen.size() : sizeof(word);
      if (std::memcmp(seen.data(), &word, bytes) != 0) return false;
      seen = seen.subspan(bytes);
    }
    return true;
  }

 private:
  static std::uint64_t seed(std::string_view producer, Sequence sequence) noexcept {
    std::uint64_t hash = 0xcbf2'9ce4'8422'2325;
    for (const char letter : producer)
      hash = (hash ^ static_cast<unsigned char>(letter)) * 0x100'0000'01b3;
    return hash ^ (sequence + 1) * 0x9e37'79b9'7f4a'7c15;
  }

  std::uint64_t next() noexcept {
    std::uint64_t z = (state_ += 0x9e37'79b9'7f4a'7c15);
    z = (z ^ (z >> 30)) * 0xbf58'476d'1ce4'e5b9;
    z = (z ^ (z >> 27)) * 0x94d0'49bb'1331'11eb;
    return z ^ (z >> 31);
  }

  std::uint64_t state_;
  std::size_t length_ = 0;
};

}  // namespace millrace::testing_support
