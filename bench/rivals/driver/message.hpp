// What every message of this bench says: its count, when it was sent, and by whom. The rest is
// payload that is copied in and out like any other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace millrace::rivals {

struct Stamp {
  std::uint64_t count = 0;
  std::uint64_t sent_at_ns = 0;  // 0 where nobody asks
};

inline void put(std::byte* message, const Stamp& stamp) noexcept {
  std::memcpy(message, &stamp, sizeof stamp);
}

[[nodiscard]] inline Stamp stamp_of(const std::byte* message) noexcept {
  Stamp stamp;
  std::memcpy(&stamp, message, sizeof stamp);
  return stamp;
}

// Makes the compiler believe that somebody looks at all the bytes.
inline void keep(const std::byte* bytes) noexcept {
  asm volatile("" : : "r"(bytes) : "memory");
}

}  // namespace millrace::rivals
