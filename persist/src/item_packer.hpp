// Makes an item's payload smaller with lz4, where that saves at least a block.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace millrace {

inline constexpr std::uint8_t kCodecPlain = 0;
inline constexpr std::uint8_t kCodecLz4 = 1;

class ItemPacker {
 public:
  ItemPacker();

  // Packs `from` into at most `into.size()` bytes; nothing if it does not fit. Allocates nothing.
  [[nodiscard]] std::optional<std::size_t> pack(std::span<const std::byte> from,
                                                std::span<std::byte> into) noexcept;

 private:
  std::vector<std::byte> state_;  // lz4's tables, made once
};

}  // namespace millrace
