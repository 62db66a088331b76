// What the memory cgroups of this process still allow: the least of limit - usage over every level
// from the process's own cgroup up to the mounted root, in version 1 and version 2 trees.
#pragma once

#include "millrace/core/headroom.hpp"

#include <string>

namespace millrace::detail {

// Fills cgroup_bytes, cgroup_limit_bytes and cgroup; leaves them alone where there is no limit.
// Reads PROC/self/cgroup and PROC/self/mountinfo and follows what they say.
void measure_cgroups(const std::string& proc, Headroom& headroom);

}  // namespace millrace::detail
