#include "millrace/core/unique_number.hpp"

#include "millrace/core/descriptor.hpp"

#include <atomic>
#include <cstring>
#include <fcntl.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

namespace millrace {
namespace {

constexpr unsigned kRandomBits = 12;

std::uint64_t wall_microseconds() noexcept {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000 +
         static_cast<std::uint64_t>(now.tv_nsec) / 1000;
}

// Before the kernel's pool is ready, or where a sandbox refuses the call, the process id, the clock
// and a count of calls stand in: they differ between the processes and calls that could collide.
void fill_random(void* bytes, std::size_t count) noexcept {
  static std::atomic<std::uint64_t> calls{0};
  if (getrandom(bytes, count, GRND_NONBLOCK) == static_cast<ssize_t>(count)) return;
  std::uint64_t state = wall_microseconds() * 0x9e37'79b9'7f4a'7c15;
  state ^= static_cast<std::uint64_t>(getpid()) << 32;
  state ^= calls.fetch_add(1, std::memory_order_relaxed);
  for (std::size_t at = 0; at < count; ++at) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    static_cast<std::uint8_t*>(bytes)[at] = static_cast<std::uint8_t>(state >> 56);
  }
}

int hex_digit(char character) noexcept {
  if (character >= '0' && character <= '9') return character - '0';
  if (character >= 'a' && character <= 'f') return character - 'a' + 10;
  return -1;
}

}  // namespace

std::uint64_t unique_number() noexcept {
  static std::atomic<std::uint64_t> last{0};
  std::uint16_t noise = 0;
  fill_random(&noise, sizeof noise);
  const std::uint64_t mask = (std::uint64_t{1} << kRandomBits) - 1;
  const std::uint64_t fresh = wall_microseconds() << kRandomBits | (noise & mask);
  // Relaxed: the number itself is the whole message, nothing else is published with it.
  std::uint64_t seen = last.load(std::memory_order_relaxed);
  std::uint64_t mine = 0;
  do {
    mine = fresh > seen ? fresh : seen + 1;
  } while (!last.compare_exchange_weak(seen, mine, std::memory_order_relaxed));
  return mine;
}

Uuid boot_id() noexcept {
  Uuid id{};
  const Descriptor file(open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC));
  std::array<char, 64> text{};
  if (!file.valid() || read(file.get(), text.data(), text.size()) < 36) return id;
  std::size_t digits = 0;
  for (const char character : text) {
    const int value = hex_digit(character);
    if (value < 0) continue;
    if (digits == 2 * id.size()) break;
    id[digits / 2] = static_cast<std::uint8_t>(id[digits / 2] << 4 | value);
    ++digits;
  }
  return digits == 2 * id.size() ? id : Uuid{};
}

Uuid random_uuid() noexcept {
  Uuid id{};
  fill_random(id.data(), id.size());
  id[6] = static_cast<std::uint8_t>((id[6] & 0x0f) | 0x40);
  id[8] = static_cast<std::uint8_t>((id[8] & 0x3f) | 0x80);
  return id;
}

}  // namespace millrace
