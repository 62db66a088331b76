// What a storm says when it is over.
#pragma once

#include "storm_figures.hpp"
#include "storm_options.hpp"

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace millrace::tools {

struct StormReport {
  const StormOptions& options;
  const StormCourse& course;
  StormFigures figures;
  std::uint64_t fat_bytes = 0;
  std::string no_fat;  // why there were no fat victims, if they were not refused by wish
  std::uint64_t noise_before_ns = 0;
  std::uint64_t noise_after_ns = 0;
  std::vector<std::string> violations;

  [[nodiscard]] bool ok() const noexcept { return violations.empty(); }
};

[[nodiscard]] std::string to_text(const StormReport& report);
[[nodiscard]] nlohmann::json to_json(const StormReport& report);

}  // namespace millrace::tools
