// The report of a profile. JSON is the report; everything else is drawn from it, so no two of them
// can disagree.
//
// Thread rules: none; pure functions.
#pragma once

#include "millrace/bench/load_analysis.hpp"
#include "millrace/bench/profile_run.hpp"
#include "millrace/bench/verdict_report.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace millrace::bench {

// Rows of the models, with what could not be measured and why.
struct ProfileVerdicts {
  VerdictReport report;

  struct Unmeasured {
    std::string name;  // "little"
    std::string why;
  };

  std::vector<Unmeasured> unmeasured;
};

// Schema "millrace-profile/1"; one object.
[[nodiscard]] std::string profile_json(const ProfileRun& run, const LoadPicture& picture,
                                       const ProfileVerdicts& verdicts);

// Only how fit the machine is: measures for about 5 s, whatever the options say, and returns JSON
// {"schema": "millrace-profile/1", "machine_fit": ...}. Errors: those of run_load.
[[nodiscard]] Result<std::string> look_how_fit(const ProfileOptions& options);
[[nodiscard]] Result<std::string> fit_text(std::string_view json);

// Verdicts on latency make sense here: at least half of the score.
[[nodiscard]] bool is_fit(std::string_view json);

// The same for a terminal, from that JSON. Error format: it is no such report.
[[nodiscard]] Result<std::string> profile_text(std::string_view json);

// One self-contained page. Needs no network.
[[nodiscard]] Result<std::string> profile_page(std::string_view json);

// Prometheus text exposition.
[[nodiscard]] Result<std::string> profile_prometheus(std::string_view json);

// An HdrHistogram log with a tag for each stage.
[[nodiscard]] Result<std::string> profile_hlog(const ProfileRun& run, const LoadPicture& picture);

}  // namespace millrace::bench
