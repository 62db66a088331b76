// The rows of the speed table, for whoever has a command line: which there are, and running them.
//
// Two processes are forked for every restart, so call it from a process of one thread that has no
// domain open. Several calls at once would disturb each other.
#pragma once

#include "millrace/core/result.hpp"

#include <cstdint>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

namespace millrace::bench {

struct RowsRequest {
  std::vector<std::string> rows;      // names, or what stands before a slash; empty: all
  double seconds = 40;                // of measuring in slices, over all restarts
  std::uint32_t restarts = 0;         // 0: ten, or as many of 4 s as fill the seconds
  std::uint64_t counted = 1'000'000;  // messages of the rows that count
  std::string cpus;                   // "A,B"; empty: the first two allowed
  std::string directory;              // where to make the domains; empty: shared memory
  bool json = false;                  // one object on one line instead of the table

  // Before every restart, with its number and how many there will be; false ends the run.
  std::function<bool(std::uint32_t, std::uint32_t)> go_on;
};

// Prints the result. Returns 0, or 1 if a goal was missed. What cannot be measured on this machine
// is said in the result and marks its rows. Errors: bad_argument (a name that no row has, CPUs that
// are not allowed), or a process that failed; nothing was printed, and nothing is left behind.
[[nodiscard]] Result<int> run_rows(const RowsRequest& request, std::FILE* to);

// One line a row: its name, and what it measures.
void print_rows(std::FILE* to);

}  // namespace millrace::bench
