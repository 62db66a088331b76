// Counts every call of malloc and its kin in this program, operator new included: the program's own
// definitions stand before the C library's. Under a sanitizer, which has its own, nothing is
// counted.
#pragma once

#include <cstdint>

namespace millrace::bench {

// Since the program began; any thread.
[[nodiscard]] std::uint64_t allocations() noexcept;

[[nodiscard]] bool allocations_counted() noexcept;

}  // namespace millrace::bench
