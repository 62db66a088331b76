#include "staging_buffers.hpp"

#include "millrace/core/limits.hpp"
#include "millrace/core/mapping.hpp"

#include <cstdint>
#include <sys/mman.h>

namespace millrace {

bool StagingBuffers::make(std::size_t count, std::size_t bytes) noexcept {
  const std::size_t stride = (bytes + kPageBytes - 1) / kPageBytes * kPageBytes;
  if (data_ != nullptr || count == 0 || stride < bytes || stride == 0) return false;
  if (count > SIZE_MAX / stride) return false;
  void* const memory =
      mmap(nullptr, count * stride, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return false;
  hide_from_forks_and_dumps(memory, count * stride);
  data_ = static_cast<std::byte*>(memory);
  count_ = count;
  bytes_ = bytes;
  stride_ = stride;
  return true;
}

StagingBuffers::~StagingBuffers() {
  // In a child the range is not mapped, or holds something else by now.
  if (data_ != nullptr && !guard_.foreign()) munmap(data_, count_ * stride_);
}

}  // namespace millrace
