// The checksum of the main job: what the publisher hashed before it copied a message into the ring
// must be what every subscriber hashes after it read it there.
//
// hash_of() multiplies and folds words of 8 bytes (two per multiplication), which costs 2 to 4 ns
// for a line of text; it finds accidents, it is no defence against a forger. LaneChecksum chains
// the hashes with the sequence numbers: each step is a bijection of the one before, so a single
// message that differs, is missing, twice or out of place can never be evened out by equal ones
// after it.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace millrace::tools {

namespace checksum_detail {

inline constexpr std::uint64_t kFirst = 0x9e3779b97f4a7c15;
inline constexpr std::uint64_t kSecond = 0xc2b2ae3d27d4eb4f;
inline constexpr std::uint64_t kThird = 0x165667b19e3779f9;

__extension__ using Wide = unsigned __int128;

// Both halves of the product, so that the high bits of the factors reach the low ones too.
constexpr std::uint64_t fold(std::uint64_t one, std::uint64_t other) noexcept {
  const Wide product = static_cast<Wide>(one) * other;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

template <class Word>
std::uint64_t load(const std::byte* from) noexcept {
  Word word;
  std::memcpy(&word, from, sizeof word);
  return word;
}

}  // namespace checksum_detail

// Of `length` bytes, any alignment. The length is part of it.
inline std::uint64_t hash_of(const std::byte* at, std::size_t length) noexcept {
  using namespace checksum_detail;
  std::uint64_t hash = kThird ^ length * kFirst;
  std::size_t rest = length;
  for (; rest > 16; rest -= 16, at += 16) {
    hash = fold(load<std::uint64_t>(at) ^ kFirst, load<std::uint64_t>(at + 8) ^ hash) ^ kSecond;
  }
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  // The pieces of the last 16 bytes overlap rather than leave one out.
  if (rest >= 8) {
    low = load<std::uint64_t>(at);
    high = load<std::uint64_t>(at + rest - 8);
  } else if (rest >= 4) {
    low = load<std::uint32_t>(at);
    high = load<std::uint32_t>(at + rest - 4);
  } else if (rest != 0) {
    low = load<std::uint8_t>(at) << 16 | load<std::uint8_t>(at + rest / 2) << 8 |
          load<std::uint8_t>(at + rest - 1);
  }
  return fold(low ^ kSecond, high ^ hash) ^ low;
}

// What a message carries when it must prove itself alone, because its neighbours may be lost.
constexpr std::uint64_t seal_of(std::uint64_t hash, std::uint64_t sequence, std::uint32_t lane,
                                std::uint64_t stamp) noexcept {
  using namespace checksum_detail;
  return fold(hash ^ sequence * kFirst, kSecond ^ stamp * kThird) + lane;
}

class LaneChecksum {
 public:
  constexpr void add(std::uint64_t hash, std::uint64_t sequence) noexcept {
    value_ = std::rotl((value_ ^ hash) * checksum_detail::kFirst + sequence, 29);
  }

  [[nodiscard]] constexpr std::uint64_t value() const noexcept { return value_; }

 private:
  std::uint64_t value_ = checksum_detail::kSecond;
};

}  // namespace millrace::tools
