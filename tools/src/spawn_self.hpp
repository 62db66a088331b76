// Starts this program again, as a part of itself: how `run` and `storm` make their processes.
//
// The child begins with Ctrl-C, SIGTERM and SIGHUP blocked, so that it never sees one before it
// has said what it makes of them.
#pragma once

#include "millrace/core/result.hpp"

#include <string>
#include <sys/types.h>
#include <vector>

namespace millrace::tools {

// `words` are its command line, the first of them its name; `fds` become 3, 4, ... in it, and -1
// leaves its place free. Error system: no more processes or descriptors.
[[nodiscard]] Result<pid_t> spawn_self(std::vector<std::string> words, const std::vector<int>& fds);

}  // namespace millrace::tools
