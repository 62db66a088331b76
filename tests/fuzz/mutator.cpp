#include "fuzz_target.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace millrace::fuzz {

void broken_promise(const char* sentence) {
  std::fprintf(stderr, "broken promise: %s\n", sentence);
  std::abort();
}

std::uint64_t touch(std::span<const std::byte> bytes) {
  [[maybe_unused]] static volatile std::uint64_t sink;
  std::uint64_t sum = 0;
  for (const std::byte value : bytes)
    sum = sum * 31 + std::to_integer<std::uint64_t>(value);
  sink = sum;
  return sum;
}

// Steele, Lea and Flood's splitmix64: any state will do.
std::uint64_t Mutator::next() {
  std::uint64_t value = state_ += 0x9e37'79b9'7f4a'7c15;
  value = (value ^ value >> 30) * 0xbf58'476d'1ce4'e5b9;
  value = (value ^ value >> 27) * 0x94d0'49bb'1331'11eb;
  return value ^ value >> 31;
}

std::uint64_t Mutator::below(std::uint64_t bound) {
  return next() % bound;
}

// Numbers that programs trip over: edges, near misses, and records of all types and lengths.
std::uint64_t Mutator::interesting(std::uint64_t old) {
  switch (below(9)) {
    case 0: return old ^ std::uint64_t{1} << below(64);
    case 1: return old + below(33) - 16;
    case 2: return old + (below(65) - 32) * 8;
    case 3: return (std::uint64_t{1} << below(64)) + below(17) - 8;
    case 4: return ~std::uint64_t{0} - below(5000);
    case 5: return below(5000);
    case 6: return below(600) * 8;
    case 7:
      return (old & ~std::uint64_t{0xffff'ff00'ffff'ffff}) | below(16) << 28 | below(1500) |
             below(4) / 3 << 40;
    default: return next();
  }
}

// Most of a file are zeroes that nobody looks at, so words that are something are hit more often.
void Mutator::change_word(Bytes& input) {
  const std::size_t words = input.size() / 8;
  if (words == 0) return;
  std::size_t at = 0;
  std::uint64_t old = 0;
  for (int attempt = 0; attempt < 16 && old == 0; ++attempt) {
    at = below(words) * 8;
    std::memcpy(&old, input.data() + at, sizeof old);
    if (below(8) == 0) break;
  }
  const std::uint64_t value = interesting(old);
  std::memcpy(input.data() + at, &value, sizeof value);
}

void Mutator::change_field(Bytes& input) {
  if (input.empty()) return;
  const std::size_t at = below(input.size());
  const std::uint64_t value = interesting(input[at]);
  const std::size_t width = std::min(std::size_t{1} << below(3), input.size() - at);
  std::memcpy(input.data() + at, &value, width);
}

void Mutator::copy_range(Bytes& input) {
  if (input.size() < 16) return;
  const std::size_t bytes = below(std::min<std::size_t>(input.size() / 2, 256)) + 1;
  const std::size_t from = below(input.size() - bytes) & ~std::size_t{7};
  const std::size_t to = below(input.size() - bytes) & ~std::size_t{7};
  std::memmove(input.data() + to, input.data() + from, bytes);
}

void Mutator::change_length(Bytes& input) {
  if (below(2) == 0) {
    input.resize(below(input.size() + 1));
  } else {
    input.resize(input.size() + below(300), static_cast<std::uint8_t>(below(256)));
  }
}

void Mutator::mutate(Bytes& input) {
  const std::uint64_t changes = 1 + below(6);
  for (std::uint64_t change = 0; change < changes; ++change) {
    switch (below(16)) {
      case 0: copy_range(input); break;
      case 1:
      case 2:
      case 3: change_field(input); break;
      case 4:
        if (below(8) == 0) change_length(input);
        break;
      default: change_word(input);
    }
  }
}

}  // namespace millrace::fuzz
