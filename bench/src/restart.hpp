// One restart: two new processes with new mappings, pinned, that measure for a while and end.
//
// The parent opens no domain of its own (a forked child could not use it) and sleeps meanwhile: the
// two processors belong to the two processes. Both die with it.
#pragma once

#include "millrace/core/result.hpp"
#include "subject.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace millrace::bench {

struct RestartPlan {
  std::string domain;  // an empty directory of its own
  int leader_cpu = 0;
  int follower_cpu = 1;
  double seconds = 4;
  std::uint32_t number = 0;
  SubjectSet subjects;
  bool pinned = true;  // false: pinning was refused, and the report says so
};

// Errors: what a process said on stderr before it failed, as its exit code; timeout if nothing
// came. Only one restart at a time.
[[nodiscard]] Result<std::vector<SliceSample>> run_restart(const RestartPlan& plan);

}  // namespace millrace::bench
