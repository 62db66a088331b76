// What one message costs in instructions and in shared cache lines, exact and the same on every run
// of one build: 32 bytes, copied in and out, the loop around it included.
#pragma once

#include "solo_rows.hpp"

namespace millrace::bench {

void cost_of_publish(const SoloPlan& plan, Row& row);  // claim, copy in, publish
void cost_of_send(const SoloPlan& plan, Row& row);
void cost_of_batch(const SoloPlan& plan, Row& row);  // of 16
void cost_of_poll(const SoloPlan& plan, Row& row);   // try_poll, copy out
void cost_of_each(const SoloPlan& plan, Row& row);   // poll_each, copy out

}  // namespace millrace::bench
