#include "allocation_count.hpp"

#include <atomic>
#include <cerrno>
#include <cstddef>

namespace millrace::bench {

namespace {

constinit std::atomic<std::uint64_t> calls{0};

}  // namespace

std::uint64_t allocations() noexcept {
  return calls.load(std::memory_order_relaxed);  // a count, it orders nothing
}

#if defined(MILLRACE_ASAN) || defined(MILLRACE_TSAN)

bool allocations_counted() noexcept {
  return false;
}

#else

bool allocations_counted() noexcept {
  return true;
}

extern "C" {

// The C library's own, under the names it keeps for this.
void* __libc_malloc(std::size_t bytes);
void* __libc_calloc(std::size_t count, std::size_t bytes);
void* __libc_realloc(void* old, std::size_t bytes);
void* __libc_memalign(std::size_t alignment, std::size_t bytes);

void* malloc(std::size_t bytes) noexcept {
  calls.fetch_add(1, std::memory_order_relaxed);
  return __libc_malloc(bytes);
}

void* calloc(std::size_t count, std::size_t bytes) noexcept {
  calls.fetch_add(1, std::memory_order_relaxed);
  return __libc_calloc(count, bytes);
}

void* realloc(void* old, std::size_t bytes) noexcept {
  calls.fetch_add(1, std::memory_order_relaxed);
  return __libc_realloc(old, bytes);
}

void* aligned_alloc(std::size_t alignment, std::size_t bytes) noexcept {
  calls.fetch_add(1, std::memory_order_relaxed);
  return __libc_memalign(alignment, bytes);
}

int posix_memalign(void** out, std::size_t alignment, std::size_t bytes) noexcept {
  calls.fetch_add(1, std::memory_order_relaxed);
  void* const memory = __libc_memalign(alignment, bytes);
  if (memory == nullptr) return ENOMEM;
  *out = memory;
  return 0;
}
}

#endif

}  // namespace millrace::bench
