#include "item_packer.hpp"

#include <climits>
#include <lz4.h>

namespace millrace {

ItemPacker::ItemPacker() : state_(static_cast<std::size_t>(LZ4_sizeofState())) {}

std::optional<std::size_t> ItemPacker::pack(std::span<const std::byte> from,
                                            std::span<std::byte> into) noexcept {
  if (from.size() > LZ4_MAX_INPUT_SIZE || into.size() > INT_MAX) return std::nullopt;
  const int packed =
      LZ4_compress_fast_extState(state_.data(), reinterpret_cast<const char*>(from.data()),
                                 reinterpret_cast<char*>(into.data()),
                                 static_cast<int>(from.size()), static_cast<int>(into.size()), 1);
  if (packed <= 0) return std::nullopt;
  return static_cast<std::size_t>(packed);
}

}  // namespace millrace
