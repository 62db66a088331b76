// Reads what a durable run has left on disk, and compares it with what the publishers say.
#pragma once

#include "run_result.hpp"

#include <cstdint>
#include <string>

namespace millrace::tools {

// REQUIRES that the recorder has ended. Adds to `result`: its journal, and a sentence for whatever
// differs. `began_ns`: wall clock before the first message, so that a long journal is not read from
// its beginning.
void check_run_journal(const RunPage& page, const std::string& directory, bool kept,
                       std::uint64_t began_ns, RunResult& result);

}  // namespace millrace::tools
