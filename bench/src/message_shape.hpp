// How long messages are. A shape says it for each message in turn; sender and receiver keep one
// each, so that every length is checked on arrival.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace millrace::bench {

template <std::size_t kBytes>
struct OneSize {
  static constexpr std::size_t kMost = kBytes;

  static constexpr std::size_t next() noexcept { return kBytes; }
};

// Lines of a file of stock quotes (118,497 of them, AAPL of 2012-06-21): as many of each length in
// a thousand as there, in an order that shows no pattern. The file itself is not needed.
struct QuoteShare {
  std::size_t length;
  std::size_t lines;  // of 1000
};

inline constexpr std::array<QuoteShare, 7> kQuoteShares = {
    {{19, 6}, {20, 34}, {21, 153}, {22, 270}, {23, 502}, {24, 33}, {25, 2}}};

consteval std::array<std::uint8_t, 1000> shuffled_quote_lengths() {
  std::array<std::uint8_t, 1000> lengths{};
  std::size_t filled = 0;
  for (const QuoteShare& share : kQuoteShares) {
    for (std::size_t line = 0; line < share.lines; ++line)
      lengths[filled++] = static_cast<std::uint8_t>(share.length);
  }
  std::uint32_t random = 20120621;
  for (std::size_t left = lengths.size(); left > 1; --left) {
    random = random * 1664525 + 1013904223;
    const std::size_t other = (random >> 8) % left;
    const std::uint8_t swapped = lengths[left - 1];
    lengths[left - 1] = lengths[other];
    lengths[other] = swapped;
  }
  return lengths;
}

class QuoteLengths {
 public:
  static constexpr std::size_t kMost = 32;  // room for the longest

  std::size_t next() noexcept { return kLengths[at_++ % kLengths.size()]; }

 private:
  static constexpr std::array<std::uint8_t, 1000> kLengths = shuffled_quote_lengths();

  std::size_t at_ = 0;
};

}  // namespace millrace::bench
