// What the processor and the kernel themselves say about the tick counter.
#include "clock_calibration.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <unistd.h>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace millrace::detail {
namespace {

#if defined(__x86_64__)
constexpr char kTrustedSource[] = "tsc";

bool counter_is_invariant() noexcept {
  unsigned eax = 0;
  unsigned ebx = 0;
  unsigned ecx = 0;
  unsigned edx = 0;
  if (__get_cpuid(0x8000'0007, &eax, &ebx, &ecx, &edx) == 0) return false;
  return (edx >> 8 & 1) != 0;
}

// What the kernel itself starts from where the processor (leaf 15h: crystal frequency and its
// ratio) or the hypervisor (leaf 4000'0010h: kHz) states the frequency.
double stated_ns_per_tick() noexcept {
  unsigned eax = 0;
  unsigned ebx = 0;
  unsigned ecx = 0;
  unsigned edx = 0;
  if (__get_cpuid(0x15, &eax, &ebx, &ecx, &edx) != 0 && eax != 0 && ebx != 0 && ecx != 0) {
    return 1e9 * eax / (static_cast<double>(ecx) * ebx);
  }
  constexpr unsigned kHypervisorPresent = 1U << 31;
  constexpr unsigned kHypervisorLeaves = 0x4000'0000;
  constexpr unsigned kTimingLeaf = 0x4000'0010;
  __cpuid(1, eax, ebx, ecx, edx);
  if ((ecx & kHypervisorPresent) == 0) return 0;
  __cpuid(kHypervisorLeaves, eax, ebx, ecx, edx);
  if (eax < kTimingLeaf) return 0;
  __cpuid(kTimingLeaf, eax, ebx, ecx, edx);
  return eax == 0 ? 0 : 1e6 / eax;
}
#elif defined(__aarch64__)
constexpr char kTrustedSource[] = "arch_sys_counter";

// The architecture demands it of its generic timer.
bool counter_is_invariant() noexcept {
  return true;
}

// The firmware states it in a register, which the kernel starts from.
double stated_ns_per_tick() noexcept {
  std::uint64_t hertz = 0;
  asm volatile("mrs %0, cntfrq_el0" : "=r"(hertz));
  return hertz == 0 ? 0 : 1e9 / static_cast<double>(hertz);
}
#else
constexpr char kTrustedSource[] = "";

bool counter_is_invariant() noexcept {
  return false;
}

double stated_ns_per_tick() noexcept {
  return 0;
}
#endif

bool kernel_trusts_counter() noexcept {
  constexpr char kPath[] = "/sys/devices/system/clocksource/clocksource0/current_clocksource";
  const int fd = ::open(kPath, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  char name[32] = {};
  const ssize_t length = ::read(fd, name, sizeof name - 1);
  ::close(fd);
  if (length <= 0) return false;
  name[std::strcspn(name, "\n")] = '\0';
  return std::strcmp(name, kTrustedSource) == 0;
}

// The first page of a perf event shows how the kernel turns ticks into nanoseconds, to 1e-9. A
// software event that counts nothing is enough, but a container may refuse even that, a guest whose
// kernel has a paravirtual clock shows nothing, and the first event of a host takes it 10 ms.
double shown_ns_per_tick() noexcept {
  perf_event_attr attributes{};
  attributes.size = sizeof attributes;
  attributes.type = PERF_TYPE_SOFTWARE;
  attributes.config = PERF_COUNT_SW_DUMMY;
  attributes.disabled = 1;
  attributes.exclude_kernel = 1;
  attributes.exclude_hv = 1;
  const auto fd = static_cast<int>(
      ::syscall(SYS_perf_event_open, &attributes, 0, -1, -1, PERF_FLAG_FD_CLOEXEC));
  if (fd < 0) return 0;
  const auto page_bytes = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  void* const mapped = ::mmap(nullptr, page_bytes, PROT_READ, MAP_SHARED, fd, 0);
  ::close(fd);
  if (mapped == MAP_FAILED) return 0;
  const auto* const page = static_cast<const perf_event_mmap_page*>(mapped);
  double rate = 0;
  if (page->cap_user_time != 0 && page->time_shift < 64) {
    rate = static_cast<double>(page->time_mult) /
           static_cast<double>(std::uint64_t{1} << page->time_shift);
  }
  ::munmap(mapped, page_bytes);
  return rate;
}

// How fast CLOCK_MONOTONIC runs against the raw counter, as NTP steers it right now. While a phase
// is being slewed away the rate changes from second to second, and there is no answer: 0.
double steering() noexcept {
  timex now{};
  if (::adjtimex(&now) < 0) return 0;  // modes = 0 only reads
  if (now.offset != 0) return 0;
  const auto ticks_per_second = static_cast<double>(::sysconf(_SC_CLK_TCK));
  const double coarse = static_cast<double>(now.tick) * ticks_per_second / 1e6;
  return coarse + static_cast<double>(now.freq) / 65536.0 / 1e6;
}

}  // namespace

bool tick_counter_is_sound() noexcept {
  return counter_is_invariant() && kernel_trusts_counter();
}

double kernel_ns_per_tick() noexcept {
  const double stated = stated_ns_per_tick();
  return (stated > 0 ? stated : shown_ns_per_tick()) * steering();
}

}  // namespace millrace::detail
