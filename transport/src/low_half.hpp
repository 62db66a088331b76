// What a word of shared memory looks like to somebody who sleeps on it: a futex has 32 bits.
#pragma once

#include "millrace/core/lane_layout.hpp"

#include <atomic>
#include <bit>
#include <cstdint>

namespace millrace::detail {

[[nodiscard]] inline const std::atomic<std::uint32_t>* low_half(const layout::Word& word) noexcept {
  static_assert(std::endian::native == std::endian::little);
  return reinterpret_cast<const std::atomic<std::uint32_t>*>(&word);
}

}  // namespace millrace::detail
