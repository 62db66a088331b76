// Numbers of processors and nodes as people write them: "0-3, 8". Private to the topology.
#pragma once

#include "millrace/core/topology.hpp"

#include <string>

namespace millrace::detail {

// Only what this process may use.
[[nodiscard]] std::string list_cpus(const Topology& machine);
[[nodiscard]] std::string list_nodes(const Topology& machine);

}  // namespace millrace::detail
