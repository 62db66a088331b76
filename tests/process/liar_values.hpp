// What a liar says: random numbers, the edges of what a word can hold, and above all what could be
// true: numbers that stand elsewhere in the domain (places, limits, epochs, incarnations of others)
// and neighbours of what stands here.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

namespace millrace::liar {

class Values {
 public:
  Values(std::uint64_t seed, std::uint64_t ring_bytes) : random_(seed), ring_bytes_(ring_bytes) {}

  std::uint64_t below(std::uint64_t end) { return random_() % end; }

  bool once_in(std::uint64_t times) { return below(times) == 0; }

  // A number that was seen somewhere in the domain.
  void learn(std::uint64_t seen) {
    if (seen == 0) return;
    if (pool_.size() < kPool) {
      pool_.push_back(seen);
    } else {
      pool_[below(kPool)] = seen;
    }
  }

  // For a word that says `present`.
  std::uint64_t lie(std::uint64_t present) {
    switch (below(8)) {
      case 0: return random_();
      case 1: return kEdges[below(kEdges.size())];
      case 2: return present + small();
      case 3: return present + 8 * small();
      case 4: return once_in(2) ? present + ring_bytes_ : present - ring_bytes_;
      case 5: return below(4 * ring_bytes_) & ~std::uint64_t{7};
      case 6: return from_pool();
      default: return from_pool() + small();
    }
  }

 private:
  static constexpr std::size_t kPool = 2048;
  static constexpr std::array<std::uint64_t, 12> kEdges{
      0,
      1,
      2,
      3,
      0x7fff'ffff,
      0xffff'ffff,
      0x1'0000'0000,
      0x7fff'ffff'ffff'ffff,
      0x8000'0000'0000'0000,
      0xffff'ffff'ffff'fff0,
      0xffff'ffff'ffff'fff8,
      0xffff'ffff'ffff'ffff,
  };

  std::uint64_t small() { return below(5) - 2; }

  std::uint64_t from_pool() { return pool_.empty() ? random_() : pool_[below(pool_.size())]; }

  std::mt19937_64 random_;
  std::uint64_t ring_bytes_;
  std::vector<std::uint64_t> pool_;
};

}  // namespace millrace::liar
