#include "slice_noise.hpp"

#include <array>
#include <cstdlib>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

namespace millrace::bench {

NoiseReader::NoiseReader() noexcept
    : schedstat_(open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC)) {}

SliceNoise NoiseReader::read() const noexcept {
  SliceNoise noise;
  rusage usage{};
  if (getrusage(RUSAGE_THREAD, &usage) == 0) {
    noise.minor_faults = static_cast<std::uint64_t>(usage.ru_minflt);
    noise.voluntary = static_cast<std::uint64_t>(usage.ru_nvcsw);
    noise.involuntary = static_cast<std::uint64_t>(usage.ru_nivcsw);
  }
  // "time on the processor, time waiting for it, slices"
  std::array<char, 128> text{};
  if (schedstat_.valid() && pread(schedstat_.get(), text.data(), text.size() - 1, 0) > 0) {
    char* end = nullptr;
    static_cast<void>(std::strtoull(text.data(), &end, 10));
    noise.run_delay_ns = std::strtoull(end, nullptr, 10);
  }
  return noise;
}

SliceNoise NoiseReader::end() const noexcept {
  const SliceNoise now = read();
  return {now.run_delay_ns - before_.run_delay_ns, now.minor_faults - before_.minor_faults,
          now.voluntary - before_.voluntary, now.involuntary - before_.involuntary};
}

}  // namespace millrace::bench
