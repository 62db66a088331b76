// Which processors the two processes run on.
#pragma once

#include "millrace/core/result.hpp"

#include <string_view>
#include <utility>

namespace millrace::bench {

// "A,B": two different processor numbers, both allowed to this process; empty: the first two that
// are. Errors: bad_argument, with what is allowed.
[[nodiscard]] Result<std::pair<int, int>> choose_cpus(std::string_view wish);

// This thread alone, from now on. False: the kernel refused it, errno says why.
[[nodiscard]] bool pin_to(int cpu) noexcept;

}  // namespace millrace::bench
