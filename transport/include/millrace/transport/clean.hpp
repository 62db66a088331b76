// What `clean` may remove, and what it did.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace millrace {

struct CleanOptions {
  // Channels without a living publisher or subscriber too, with every message in them.
  bool channels_too = false;
};

struct CleanReport {
  std::size_t participants = 0;  // dead ones, all repairs complete
  std::size_t readers = 0;       // of dead participants
  std::size_t recorders = 0;     // flight recorders whose owners have left or are dead
  std::size_t lanes = 0;         // unnamed, their publisher gone, read to the end by every reader
  std::size_t unfinished = 0;    // channels whose creator died while building them
  std::size_t channels = 0;      // only with channels_too

  // What could not be removed, a sentence each (somebody else's, no permission).
  std::vector<std::string> kept;
};

}  // namespace millrace
