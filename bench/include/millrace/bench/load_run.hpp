// One restart of a measured run: new processes, new mappings, a channel of its own that is gone
// afterwards. The caller's process only waits meanwhile.
//
// REQUIRES that the caller has a single thread: the processes are its forks.
#pragma once

#include "millrace/bench/load_evidence.hpp"
#include "millrace/bench/load_plan.hpp"
#include "millrace/core/result.hpp"

namespace millrace::bench {

// Errors: what the plan cannot be, what the domain or the journal refuses, a process that died
// (with its signal), timeout (no progress: both processors taken), closed (give_up said so).
// Nothing of the run is left behind but the journal's files, if it has one.
[[nodiscard]] Result<LoadEvidence> run_load(const LoadPlan& plan, std::uint32_t restart);

}  // namespace millrace::bench
