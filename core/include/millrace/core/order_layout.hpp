// CH/order: the one order of a channel with Order::total. A page of control, then the order ring:
// one word for every 64-byte block that all lanes together have, so it can never be full before the
// lanes are; then, for every eighth word, how many messages come before it.
//
// Word k says which block of which lane the k-th publish of the channel begins at, and how many
// messages it reveals. With b = log2 of the number of words:
//
//   bits          field  meaning
//   0 to 55-b     lap    ordinal / words + 1; 0: never written
//   56-b to 55    block  lane * (ring bytes / 64) + (position modulo ring bytes) / 64
//   56 to 63      count  messages of the publish, less 1
//
// The lap and the word's own place are the 56 low bits of k, so no word is ever equal to an earlier
// one of its place: at 100 million publishes a second for 22 years. The low half changes at every
// lap, so a reader can sleep on it.
#pragma once

#include "millrace/core/fingerprint.hpp"
#include "millrace/core/lane_layout.hpp"
#include "millrace/core/segment_layout.hpp"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace millrace {

// Publishes of an ordered channel since its beginning: the number of a word, dense for ever.
using Ordinal = std::uint64_t;

namespace layout {

//   offset  size  field      writer      meaning
//        0   128  header     creator     SegmentHeader, kind order
//      128     8  words      creator     words of the ring, a power of two
//      136   120  reserved0  -           zero
//      256     8  hint       publishers  about where the next free word is; never believed
//      264  3832  reserved1  -           zero
struct OrderFile {
  SegmentHeader header;
  std::uint64_t words;
  std::uint8_t reserved0[120];
  Word hint;
  std::uint8_t reserved1[3832];
};

static_assert(sizeof(OrderFile) == kPageBytes);
static_assert(offsetof(OrderFile, header) == 0);
static_assert(offsetof(OrderFile, words) == 128);
static_assert(offsetof(OrderFile, hint) == 256);

// An ordered channel's publishes begin at multiples of this.
inline constexpr std::uint64_t kBlockBytes = 64;

// A word has eight bits for it.
inline constexpr std::uint32_t kOrderCountMax = 256;

// Every how many words the messages before them are written down: those between are summed up.
inline constexpr std::uint64_t kOrderGroup = 8;

inline constexpr std::uint64_t kOrderWordsMin = 64;
inline constexpr std::uint64_t kOrderWordsMax = std::uint64_t{1} << 28;

// Words of the order ring of a channel, whether or not that many are possible.
constexpr std::uint64_t order_words(std::uint32_t lanes, std::uint64_t ring_bytes) noexcept {
  return std::max(kOrderWordsMin, std::bit_ceil(lanes * (ring_bytes / kBlockBytes)));
}

constexpr std::size_t order_firsts_offset(std::uint64_t words) noexcept {
  return sizeof(OrderFile) + words * sizeof(Word);
}

constexpr std::size_t order_file_bytes(std::uint64_t words) noexcept {
  const std::size_t end = order_firsts_offset(words) + words / kOrderGroup * sizeof(Word);
  return (end + kPageBytes - 1) / kPageBytes * kPageBytes;
}

// How the words of a ring of this size are put together.
class OrderShape {
 public:
  OrderShape() = default;

  explicit constexpr OrderShape(std::uint64_t words) noexcept
      : place_bits_(static_cast<unsigned>(std::countr_zero(words))) {}

  [[nodiscard]] constexpr std::uint64_t words() const noexcept {
    return std::uint64_t{1} << place_bits_;
  }

  // REQUIRES block < words(), 1 <= count <= kOrderCountMax.
  [[nodiscard]] constexpr std::uint64_t word(Ordinal ordinal, std::uint64_t block,
                                             std::uint32_t count) const noexcept {
    return lap(ordinal) | block << lap_bits() | std::uint64_t{count - 1} << kCountShift;
  }

  [[nodiscard]] constexpr std::uint64_t block(std::uint64_t word) const noexcept {
    return word >> lap_bits() & (words() - 1);
  }

  [[nodiscard]] static constexpr std::uint32_t count(std::uint64_t word) noexcept {
    return static_cast<std::uint32_t>(word >> kCountShift) + 1;
  }

  // Is it word `ordinal`?
  [[nodiscard]] constexpr bool is(std::uint64_t word, Ordinal ordinal) const noexcept {
    return lap_in(word) == lap(ordinal);
  }

  // Is it that word, or one of a later lap?
  [[nodiscard]] constexpr bool reached(std::uint64_t word, Ordinal ordinal) const noexcept {
    return lap_in(word) >= lap(ordinal);
  }

  // Has a word room for its lap? What nobody can have reached is a lie.
  [[nodiscard]] constexpr bool possible(Ordinal ordinal) const noexcept {
    return lap(ordinal) < std::uint64_t{1} << lap_bits();
  }

  // The ordinal behind the word that stands where word `beside` belongs; 0 if none does yet.
  [[nodiscard]] constexpr Ordinal after(std::uint64_t word, Ordinal beside) const noexcept {
    const std::uint64_t laps = lap_in(word);
    return laps == 0 ? 0 : (laps - 1) * words() + (beside & (words() - 1)) + 1;
  }

 private:
  static constexpr unsigned kCountShift = 56;

  [[nodiscard]] constexpr unsigned lap_bits() const noexcept { return kCountShift - place_bits_; }

  // Not cut to its bits: an ordinal that nobody can have reached equals no word.
  [[nodiscard]] constexpr std::uint64_t lap(Ordinal ordinal) const noexcept {
    return (ordinal >> place_bits_) + 1;
  }

  [[nodiscard]] constexpr std::uint64_t lap_in(std::uint64_t word) const noexcept {
    return word & ((std::uint64_t{1} << lap_bits()) - 1);
  }

  unsigned place_bits_ = 6;
};

static_assert(OrderShape(64).word(64 + 5, 9, 3) == 0x0224'0000'0000'0002);
static_assert(OrderShape(64).after(OrderShape(64).word(64 + 5, 9, 3), 5) == 64 + 6);
static_assert(OrderShape(64).block(OrderShape(64).word(64 + 5, 9, 3)) == 9);

inline constexpr std::uint64_t kOrderFingerprint = fingerprint(
    {10, sizeof(OrderFile), kBlockBytes, kOrderCountMax, kOrderGroup, offsetof(OrderFile, header),
     offsetof(OrderFile, words), offsetof(OrderFile, hint)});

}  // namespace layout
}  // namespace millrace
