// Numbers that never come twice on one host, and the name of this kernel boot.
//
// Every function here may be called by any thread, and costs a system call or two: never use them
// on a message path.
#pragma once

#include <array>
#include <cstdint>

namespace millrace {

// Incarnations and lane epochs: wall-clock microseconds in the upper 52 bits (enough until 2112),
// 12 random bits below. Never 0. In one process each number is greater than the one before, also
// when the clock is set back; between processes two calls in the same microsecond still differ in
// 4,095 of 4,096 cases, and every name made from a number is linked with "must not exist".
[[nodiscard]] std::uint64_t unique_number() noexcept;

using Uuid = std::array<std::uint8_t, 16>;

// /proc/sys/kernel/random/boot_id as 16 bytes; all zero where proc is not readable. An equal boot
// id does not prove that nothing was restored from a snapshot: only the lock probe proves life.
[[nodiscard]] Uuid boot_id() noexcept;

// A random (version 4) identifier.
[[nodiscard]] Uuid random_uuid() noexcept;

}  // namespace millrace
