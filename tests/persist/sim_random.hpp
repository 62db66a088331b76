// The only source of chance in the simulator: one seed, one history, on every machine.
#pragma once

#include <cstddef>
#include <cstdint>

namespace millrace::sim {

// splitmix64: any seed is as good as any other, and a copy goes on as the original would have.
class Random {
 public:
  explicit constexpr Random(std::uint64_t seed) noexcept : state_(seed) {}

  constexpr std::uint64_t next() noexcept { return mixed(state_ += 0x9e37'79b9'7f4a'7c15); }

  // REQUIRES bound > 0. From 0 to bound - 1.
  constexpr std::uint64_t below(std::uint64_t bound) noexcept { return next() % bound; }

  // Both ends are possible.
  constexpr std::uint64_t between(std::uint64_t low, std::uint64_t high) noexcept {
    return low + below(high - low + 1);
  }

  constexpr bool one_in(std::uint64_t times) noexcept { return below(times) == 0; }

  constexpr bool chance(std::uint32_t per_mille) noexcept { return below(1000) < per_mille; }

  // A stream of its own, so that one part's draws do not move another's.
  constexpr Random split() noexcept { return Random(next()); }

  static constexpr std::uint64_t mixed(std::uint64_t word) noexcept {
    word = (word ^ (word >> 30)) * 0xbf58'476d'1ce4'e5b9;
    word = (word ^ (word >> 27)) * 0x94d0'49bb'1331'11eb;
    return word ^ (word >> 31);
  }

 private:
  std::uint64_t state_;
};

}  // namespace millrace::sim
