// What a million messages do beside taking time, as rows: the value is everything that must not be.
#pragma once

#include "solo_rows.hpp"

namespace millrace::bench {

void count_round_trip(const SoloPlan& plan, Row& row);
void count_stream(const SoloPlan& plan, Row& row);
void count_batches(const SoloPlan& plan, Row& row);

}  // namespace millrace::bench
