// Several participants on one processor, each waiting the `automatic` way: one message goes round
// between them. Beside it the same round by bare futexes, which is as little as it can cost.
#pragma once

#include "solo_rows.hpp"

namespace millrace::bench {

void two_on_one_processor(const SoloPlan& plan, Row& row);
void four_on_one_processor(const SoloPlan& plan, Row& row);
void eight_on_one_processor(const SoloPlan& plan, Row& row);

}  // namespace millrace::bench
