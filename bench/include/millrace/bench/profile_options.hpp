// What a user wants to know of a load: the options of `millrace profile`.
#pragma once

#include "millrace/bench/load_plan.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::bench {

// So much of all messages must be faster than that: "p99=10us", "p99.9=1ms", "max=5ms".
struct Slo {
  double percent = 99;  // 100: the slowest, too
  double ns = 0;
};

// Error bad_argument.
[[nodiscard]] Result<Slo> parse_slo(std::string_view text);
[[nodiscard]] std::string to_string(const Slo& slo);

enum class ProfileMode : std::uint8_t {
  quick,   // 3 restarts: some 10 s; can PASS only wide limits
  normal,  // 5 restarts: under a minute
  full,    // 10 restarts of 2 s: some minutes
};

[[nodiscard]] const char* to_string(ProfileMode mode) noexcept;

struct ProfileOptions {
  LoadPlan plan;  // of the load at the user's rate; its seconds are set by the mode
  ProfileMode mode = ProfileMode::normal;
  double seconds = 0;  // of load in a restart; 0: as the mode says
  std::vector<Slo> slo;
  bool search = true;  // for the highest rates
  bool curve = true;   // latency at other rates

  // A calibration that was frozen before (frozen_calibration.hpp); empty: a new one is made first.
  std::string frozen{};
  std::function<void(const std::string&)> progress{};  // a line on what runs now
};

// By the mode: how many restarts, and how long the load lasts in each.
[[nodiscard]] std::uint32_t restarts_of(ProfileMode mode) noexcept;
[[nodiscard]] double seconds_of(const ProfileOptions& options) noexcept;

}  // namespace millrace::bench
