// Which messages are stamped: one in each block of 2^shift sequences, at a place inside the block
// that a hash of the block's number gives. The next one is known in advance, so whoever follows the
// sequence compares one number a message; and it depends on nothing but the sequence, so every
// process that a message passes picks the same ones, in exactly the same number.
//
// A hashed place, not a fixed one: a fixed one would meet the same phase of every batch, wrap and
// period for ever. Source: anchors/profiler.md section 5.
//
// Thread rules: a value; never changes.
#pragma once

#include "millrace/core/position.hpp"

#include <cstdint>

namespace millrace {

class Sampling {
 public:
  static constexpr Sequence kNever = ~Sequence{0};  // no message has this sequence
  static constexpr unsigned kShiftMax = 20;         // one in about a million

  // None at all.
  constexpr Sampling() noexcept = default;

  // One in 2^shift; 0: every message. REQUIRES shift <= kShiftMax.
  constexpr explicit Sampling(unsigned shift) noexcept : shift_(shift), on_(true) {}

  // The first one that is `sequence` or follows it; kNever if there is none.
  [[nodiscard]] constexpr Sequence at_or_after(Sequence sequence) const noexcept {
    if (!on_) return kNever;
    const std::uint64_t block = sequence >> shift_;
    const Sequence here = in_block(block);
    if (here >= sequence) return here;
    return block < kNever >> shift_ ? in_block(block + 1) : kNever;
  }

 private:
  [[nodiscard]] constexpr Sequence in_block(std::uint64_t block) const noexcept {
    const std::uint64_t place = shift_ == 0 ? 0 : mix(block) >> (64 - shift_);
    return block << shift_ | place;
  }

  // splitmix64: neighbouring blocks get places that have nothing to do with each other.
  static constexpr std::uint64_t mix(std::uint64_t x) noexcept {
    x += 0x9e37'79b9'7f4a'7c15;
    x = (x ^ x >> 30) * 0xbf58'476d'1ce4'e5b9;
    x = (x ^ x >> 27) * 0x94d0'49bb'1331'11eb;
    return x ^ x >> 31;
  }

  unsigned shift_ = 0;
  bool on_ = false;
};

}  // namespace millrace
