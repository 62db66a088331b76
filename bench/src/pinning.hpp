// Which processors the two processes run on.
#pragma once

#include "millrace/core/result.hpp"

#include <string_view>
#include <vector>

namespace millrace::bench {

// "A,B": two different processor numbers, both allowed to this process; empty: the first two that
// are, or the only one. Errors: bad_argument, with what is allowed.
[[nodiscard]] Result<std::vector<int>> choose_cpus(std::string_view wish);

// Whether the kernel lets this process choose its processor. Nothing has changed afterwards.
[[nodiscard]] bool may_pin(int cpu) noexcept;

// This thread alone, from now on. False: the kernel refused it, errno says why.
[[nodiscard]] bool pin_to(int cpu) noexcept;

}  // namespace millrace::bench
