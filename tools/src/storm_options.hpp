// What `millrace storm` was asked for.
#pragma once

#include "domain_argument.hpp"
#include "storm_page.hpp"

#include <CLI/App.hpp>
#include <chrono>
#include <cstdint>
#include <string>

namespace millrace::tools {

inline constexpr std::uint64_t kStormPublishersMax = 64;
inline constexpr std::uint64_t kStormSubscribersMax = 64;
inline constexpr std::uint64_t kFatDefault = std::uint64_t{1} << 30;

struct StormOptions {
  DomainArgument domain;
  std::chrono::nanoseconds seconds = std::chrono::seconds(10);
  std::uint64_t kills = 0;  // 0: until the time is over
  std::uint64_t publishers = 6;
  std::uint64_t subscribers = 6;
  StormOrder order = StormOrder::lane;
  std::uint64_t seed = 0;  // 0: a random one
  std::uint64_t fat_bytes = kFatDefault;
  bool fat_asked = false;  // then memory that is too small is an error
  bool points = false;     // the JSON names every kill point

  // Not for users: how the program starts itself, and how a test makes the verdict fail.
  std::string role;
  std::uint64_t number = 0;
  StormPlant plant = StormPlant::none;
};

void add_storm_options(CLI::App& verb, StormOptions& options);

// What the options say together.
[[nodiscard]] Result<void> check_storm_options(const StormOptions& options);

}  // namespace millrace::tools
