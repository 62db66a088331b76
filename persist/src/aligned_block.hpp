// Private memory that direct writes accept: zeroed, and aligned to the block.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <span>

namespace millrace {

class AlignedBlock {
 public:
  // `bytes` is a multiple of `block_bytes`, which is a power of two.
  AlignedBlock(std::size_t block_bytes, std::size_t bytes)
      : memory_(static_cast<std::byte*>(std::aligned_alloc(block_bytes, bytes))), bytes_(bytes) {
    if (!memory_) throw std::bad_alloc();
    std::memset(memory_.get(), 0, bytes);
  }

  [[nodiscard]] std::span<std::byte> span() noexcept { return {memory_.get(), bytes_}; }

 private:
  struct Free {
    void operator()(std::byte* memory) const noexcept { std::free(memory); }
  };

  std::unique_ptr<std::byte, Free> memory_;
  std::size_t bytes_;
};

}  // namespace millrace
