// Many reports of a world in which the truth is known: how often does a check say what.
#pragma once

#include "millrace/bench/verdict.hpp"

#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

namespace millrace::bench {

inline constexpr int kReports = 200;
inline constexpr int kRestarts = 10;

// More FAILs than this among 200 reports of a system at its limit happen by chance once in a
// thousand, if one in a hundred is what was promised.
inline constexpr int kFalseFails = 7;

// Of `count` reports, how many come to this verdict. `make(seed)` is one report.
template <class Make>
int reports(Verdict verdict, Make make, int count = kReports) {
  int found = 0;
  for (int report = 0; report < count; ++report)
    found += make(static_cast<std::uint64_t>(report) + 1).verdict == verdict ? 1 : 0;
  return found;
}

// Noise as it was measured between restarts: a factor around 1.
class Noise {
 public:
  Noise(std::uint64_t seed, double sigma) : random_(seed), normal_(0, sigma) {}

  double operator()() { return std::exp(normal_(random_)); }

  std::mt19937_64& random() noexcept { return random_; }

 private:
  std::mt19937_64 random_;
  std::normal_distribution<double> normal_;
};

// One value a restart.
template <class Make>
auto restarts_of(Make make, int count = kRestarts) {
  std::vector<decltype(make())> all;
  for (int restart = 0; restart < count; ++restart)
    all.push_back(make());
  return all;
}

inline const Circumstances kHere{.placement = "120 ns", .restart_seconds = 4};

}  // namespace millrace::bench
