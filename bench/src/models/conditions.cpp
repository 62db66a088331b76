#include "millrace/bench/conditions.hpp"

namespace millrace::bench {

std::vector<std::string> broken_preconditions(const RunConditions& conditions) {
  std::vector<std::string> broken;
  if (!conditions.calibration.empty()) broken.push_back(conditions.calibration);
  if (conditions.clock_stepped) broken.emplace_back("clock step");
  if (conditions.ring_filled_by_generator) broken.emplace_back("ring full by the generator's gap");
  if (conditions.effective_load > kLoadJudged) broken.emplace_back("effective load above 0.9");
  if (conditions.own_slip_p99_ns > kSlipShare * (conditions.service_ns + conditions.hand_over_ns)) {
    broken.emplace_back("generator too slow: slip outside its own gaps");
  }
  return broken;
}

}  // namespace millrace::bench
