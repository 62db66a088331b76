// What a number depends on beside the code: printed above every table.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace millrace::bench {

struct Machine {
  std::string kernel;
  std::string processor;
  std::string governor;  // of the CPUs, or "not visible"
  std::string clock;     // the kernel's clock source
  std::string compiler;
  std::string pages;  // what the rings lie on
};

[[nodiscard]] Machine look_at_machine(const std::vector<int>& cpus);

// Ticks of these processors, from /proc/stat. All 0 if it cannot be read.
struct CpuTicks {
  std::uint64_t all = 0;
  std::uint64_t stolen = 0;
};

[[nodiscard]] CpuTicks cpu_ticks(const std::vector<int>& cpus);

// Share of the time between two readings that the host kept for itself, in percent.
[[nodiscard]] double stolen_percent(const CpuTicks& before, const CpuTicks& after) noexcept;

}  // namespace millrace::bench
