// A message of a storm proves itself: a seal over all of its bytes, who published it, and its place
// in that publisher's lane.
//
//   offset  bytes  field
//   0       8      seal of everything behind it
//   8       8      producer: the slot of a named one, else kStormUnnamed + its life
//   16      8      sequence in the lane
//   24      4      life that published it
//   28      4      zero
//   32      n      filling, made from producer and sequence
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace millrace::tools {

inline constexpr std::uint64_t kStormUnnamed = std::uint64_t{1} << 32;
inline constexpr std::size_t kStormHeadBytes = 32;
inline constexpr std::size_t kStormFillMax = 600;

struct StormHead {
  std::uint64_t producer = 0;
  std::uint64_t sequence = 0;
  std::uint32_t life = 0;
};

// Writes the message into `into`, which is at least kStormHeadBytes long.
void make_storm_message(std::uint64_t seed, const StormHead& head,
                        std::span<std::byte> into) noexcept;

// What the message says, if every byte of it is as it was made.
[[nodiscard]] std::optional<StormHead> open_storm_message(
    std::uint64_t seed, std::span<const std::byte> message) noexcept;

// "publisher storm-3", "unnamed publisher of life 17": for sentences.
[[nodiscard]] std::string storm_producer_text(std::uint64_t producer);

}  // namespace millrace::tools
