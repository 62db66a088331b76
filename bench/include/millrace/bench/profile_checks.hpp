// From what a profile measured to the verdicts of the models: fills the structs of evidence of
// *_checks.hpp, one row a placement where time is judged.
//
// Thread rules: none; pure functions.
#pragma once

#include "millrace/bench/profile_report.hpp"
#include "millrace/bench/profile_run.hpp"

#include <string>
#include <string_view>

namespace millrace::bench {

[[nodiscard]] ProfileVerdicts judge_profile(const ProfileRun& run);

}  // namespace millrace::bench
