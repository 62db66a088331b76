// What sleeping costs those who sleep, and those who do not: the heavy barrier that a sleeper runs
// so that publishers need no fence, and the hole it makes in a publisher that spins meanwhile.
#pragma once

#include "solo_rows.hpp"

namespace millrace::bench {

void cost_to_sleep(const SoloPlan& plan, Row& row);
void hole_in_publisher(const SoloPlan& plan, Row& row);

}  // namespace millrace::bench
