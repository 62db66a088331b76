// Many histories, one after the other, until one of them shows that the log broke its word.
#pragma once

#include "flaw.hpp"
#include "sim_history.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace millrace::sim {

struct Broken {
  std::uint64_t seed = 0;
  std::string how;
};

// Seeds [from, from + count). `progress` is called after each one; false ends the search.
[[nodiscard]] std::optional<Broken> search(
    std::uint64_t from, std::uint64_t count, Counts& counts,
    const std::function<bool(std::uint64_t done)>& progress = {});

// Plants a mistake for as long as it lives.
class PlantedFlaw {
 public:
  explicit PlantedFlaw(Flaw flaw) noexcept { planted_flaw = flaw; }

  PlantedFlaw(const PlantedFlaw&) = delete;
  PlantedFlaw& operator=(const PlantedFlaw&) = delete;

  ~PlantedFlaw() { planted_flaw = Flaw::none; }
};

struct NamedFlaw {
  const char* name;
  Flaw flaw;
};

inline constexpr NamedFlaw kFlaws[] = {
    {"free_at_copy", Flaw::free_at_copy},
    {"predecessor_is_evidence", Flaw::predecessor_is_evidence},
    {"order_by_number", Flaw::order_by_number},
    {"sequence_watermark", Flaw::sequence_watermark},
    {"window_by_count", Flaw::window_by_count},
    {"two_headers_in_flight", Flaw::two_headers_in_flight},
    {"short_segments", Flaw::short_segments},
    {"unreadable_is_spare", Flaw::unreadable_is_spare},
    {"read_before_flush", Flaw::read_before_flush},
    {"publish_before_header", Flaw::publish_before_header},
};

// The command that shows it again.
[[nodiscard]] std::string repeat_command(std::uint64_t seed, std::string_view flaw = {});

}  // namespace millrace::sim
