// What a channel, an idle lane and a reader cost in memory, with the default options: bytes of
// shared memory (as the file system counts them) and resident bytes of the process that has them.
#pragma once

#include "solo_rows.hpp"

namespace millrace::bench {

void weigh_channel(const SoloPlan& plan, Row& row);
void weigh_lane(const SoloPlan& plan, Row& row);
void weigh_reader(const SoloPlan& plan, Row& row);

}  // namespace millrace::bench
