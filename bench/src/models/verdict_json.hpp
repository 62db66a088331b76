// The pieces of a report's JSON that others build in: see verdict_report.hpp for their form.
#pragma once

#include "millrace/bench/verdict_report.hpp"

#include <nlohmann/json.hpp>

namespace millrace::bench {

[[nodiscard]] nlohmann::json check_to_json(const CheckResult& row);

[[nodiscard]] nlohmann::json models_to_json(const VerdictReport& report);

}  // namespace millrace::bench
