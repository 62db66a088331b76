// Random numbers that are the same on every machine: the generator is the standard's, the
// distributions are ours, because the standard leaves theirs open.
#pragma once

#include <cmath>
#include <cstdint>
#include <random>

namespace millrace::bench {

class Seeded {
 public:
  explicit Seeded(std::uint64_t seed) : generator_(seed) {}

  // In (0, 1].
  double uniform() { return (static_cast<double>(generator_() >> 11) + 1) * 0x1p-53; }

  // Exponential with this mean.
  double exponential(double mean) { return -mean * std::log(uniform()); }

 private:
  std::mt19937_64 generator_;
};

}  // namespace millrace::bench
