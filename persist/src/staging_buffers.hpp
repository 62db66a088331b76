// Page-aligned private memory that writes start from. Forked children do not get it: a page that is
// being written to a device must not be copied under it.
//
// Thread rules: like an array.
#pragma once

#include "millrace/core/fork_guard.hpp"

#include <cstddef>
#include <span>

namespace millrace {

class StagingBuffers {
 public:
  StagingBuffers() noexcept = default;
  StagingBuffers(const StagingBuffers&) = delete;
  StagingBuffers& operator=(const StagingBuffers&) = delete;
  ~StagingBuffers();

  // `count` buffers of `bytes` each, rounded up to whole pages; all zero. Once. False: no memory.
  [[nodiscard]] bool make(std::size_t count, std::size_t bytes) noexcept;

  [[nodiscard]] std::size_t count() const noexcept { return count_; }

  [[nodiscard]] std::span<std::byte> at(std::size_t index) const noexcept {
    return index < count_ ? std::span(data_ + index * stride_, bytes_) : std::span<std::byte>();
  }

  // All of them, as one piece.
  [[nodiscard]] std::span<std::byte> all() const noexcept { return {data_, count_ * stride_}; }

 private:
  ForkGuard guard_;
  std::byte* data_ = nullptr;
  std::size_t count_ = 0;
  std::size_t bytes_ = 0;
  std::size_t stride_ = 0;
};

}  // namespace millrace
