// Who takes part, which program speaks for it, and which rows it has.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::rivals {

// Rows beside round trips and streams, which everybody has.
enum class Can : std::uint8_t { nothing = 0, fan_out = 1, wake = 2, kill = 4 };

constexpr Can operator|(Can a, Can b) {
  return static_cast<Can>(static_cast<unsigned>(a) | static_cast<unsigned>(b));
}

[[nodiscard]] constexpr bool has(Can all, Can one) {
  return (static_cast<unsigned>(all) & static_cast<unsigned>(one)) != 0;
}

struct RivalInfo {
  std::string_view key;
  std::string_view title;    // with how it is used
  std::string_view program;  // below the directory of the drivers
  std::string_view needs;    // what to install where the program is missing
  bool in_process = false;
  bool is_null = false;  // bare words: round trips only, must read 1.00
  Can can = Can::nothing;
  std::string_view service{};  // a process that must run beside it: program and arguments
  double warm_seconds = 0.2;   // a runtime that compiles while it runs needs longer
};

[[nodiscard]] std::span<const RivalInfo> rival_list() noexcept;

[[nodiscard]] const RivalInfo* find_rival(std::string_view key) noexcept;

inline constexpr std::string_view kBareProgram = "rival-bare";

}  // namespace millrace::rivals
