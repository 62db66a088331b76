#include "millrace/core/heavy_barrier.hpp"

#include "millrace/core/fork_guard.hpp"

#include <atomic>
#include <cstdint>
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace millrace {
namespace {

long membarrier(int command) noexcept {
  return syscall(SYS_membarrier, command, 0U, 0);
}

// The generation for which the registration stands; registration belongs to one address space.
std::atomic<std::uint32_t> registered_generation{0};

}  // namespace

bool register_membarrier() noexcept {
  const std::uint32_t generation = process_generation();
  // Relaxed: the worst a race can do is to register twice, which the kernel allows.
  if (registered_generation.load(std::memory_order_relaxed) == generation) return true;
  if (membarrier(MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED) != 0) return false;
  registered_generation.store(generation, std::memory_order_relaxed);
  return true;
}

bool heavy_barrier() noexcept {
  return membarrier(MEMBARRIER_CMD_GLOBAL_EXPEDITED) == 0;
}

bool membarrier_available() noexcept {
  const long commands = membarrier(MEMBARRIER_CMD_QUERY);
  return commands >= 0 && (commands & MEMBARRIER_CMD_GLOBAL_EXPEDITED) != 0 &&
         (commands & MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED) != 0;
}

}  // namespace millrace
