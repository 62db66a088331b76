// Kills, or stops, a victim at the points of one operation, each time a fresh one.
//
// Where the image of shared memory is that of the point before, and no system call lies between,
// a kill leaves the very same world: what differs was the victim's own. There the survivors read,
// count and publish on; the whole judgement, with newcomers, successor and cleaner, is for the
// first of these points that a victim came to.
#pragma once

#include "attempt.hpp"

#include <string>
#include <vector>

namespace millrace::crash {

struct SearchSettings {
  bool freeze = false;      // stop it instead of killing it
  std::uint32_t every = 1;  // points that others cannot tell from the one before: every so many
  bool calls = true;        // also before and after each system call, not only at each image
  std::uint32_t most = 0;   // and about so many of them; 0: no bound
  std::uint64_t seed = 1;   // with which of them that begins
  bool whole = false;       // the whole judgement at each point
};

struct SearchReport {
  std::string operation;
  std::uint32_t instructions = 0;
  std::uint32_t images = 0;  // of shared memory that others could see
  std::uint32_t calls = 0;   // system calls
  std::uint32_t points = 0;  // at which a victim met its fate
  std::uint32_t whole = 0;   // of these, with the whole judgement
  std::uint32_t missed = 0;  // where it took another way, three times
  std::uint32_t violations = 0;
  std::string first;  // violation, with its point
  double seconds = 0;
};

SearchReport search(const Operation& operation, const SearchSettings& settings);

// All that are good, in the order of the report.
std::vector<const Operation*> all_operations();

// With a mistake planted, which a search must find.
std::vector<const Operation*> all_flawed_operations();

}  // namespace millrace::crash
