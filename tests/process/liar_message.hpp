// What the victims of a liar say to each other: bytes that follow from the run, the lane and the
// sequence alone, so that a reader knows each one of them beforehand. A byte of another lane, of
// another message or of another lap cannot pass.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace millrace::liar {

// A number from a number, well mixed (splitmix64).
constexpr std::uint64_t mix(std::uint64_t number) noexcept {
  number += 0x9e37'79b9'7f4a'7c15;
  number = (number ^ number >> 30) * 0xbf58'476d'1ce4'e5b9;
  number = (number ^ number >> 27) * 0x94d0'49bb'1331'11eb;
  return number ^ number >> 31;
}

class Text {
 public:
  // `longest`: of the channel, in bytes.
  Text(std::uint64_t run, std::uint32_t lane, std::uint64_t sequence, std::size_t longest) noexcept
      : key_(mix(mix(run + lane) + sequence)),
        length_(sizeof(std::uint64_t) + mix(key_) % (longest / 2)) {}

  [[nodiscard]] std::size_t length() const noexcept { return length_; }

  // REQUIRES: to.size() == length()
  void write(std::span<std::byte> to) const noexcept {
    for (std::size_t at = 0; at < length_; at += sizeof(std::uint64_t)) {
      const std::uint64_t word = mix(key_ + at);
      std::memcpy(to.data() + at, &word, chunk(at));
    }
  }

  // In one order a sequence counts the messages of all lanes, so a message begins with its number
  // in its own. REQUIRES: to.size() == length() + kNumberBytes
  void write_numbered(std::span<std::byte> to, std::uint64_t number) const noexcept {
    std::memcpy(to.data(), &number, kNumberBytes);
    write(to.subspan(kNumberBytes));
  }

  static constexpr std::size_t kNumberBytes = sizeof(std::uint64_t);

  [[nodiscard]] bool is(std::span<const std::byte> bytes) const noexcept {
    if (bytes.size() != length_) return false;
    for (std::size_t at = 0; at < length_; at += sizeof(std::uint64_t)) {
      const std::uint64_t word = mix(key_ + at);
      if (std::memcmp(bytes.data() + at, &word, chunk(at)) != 0) return false;
    }
    return true;
  }

 private:
  [[nodiscard]] std::size_t chunk(std::size_t at) const noexcept {
    return length_ - at < sizeof(std::uint64_t) ? length_ - at : sizeof(std::uint64_t);
  }

  std::uint64_t key_;
  std::size_t length_;
};

}  // namespace millrace::liar
