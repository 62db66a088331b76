// What the two halves of the topology ask of each other: numbers of processors and nodes as people
// write them ("0-3, 8"), and moving pages.
#pragma once

#include "millrace/core/topology.hpp"

#include <string>

namespace millrace::detail {

// Only what this process may use.
[[nodiscard]] std::string list_cpus(const Topology& machine);
[[nodiscard]] std::string list_nodes(const Topology& machine);

// Moves pages that others map as well, which only a holder of CAP_SYS_NICE may; whoever may not is
// told by the binding that follows. A ring is mapped twice by each of its users, and the kernel
// moves for everybody else only what is mapped once.
void move_pages_of_all(void* address, std::size_t bytes, unsigned node) noexcept;

}  // namespace millrace::detail
