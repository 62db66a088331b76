// The figures of a storm, from what every life has left in the page and what the parent has seen.
#pragma once

#include "storm_conduct.hpp"
#include "storm_page.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace millrace::tools {

// Durations of one kind, sorted. Each is at least what it was: the moment at which a lock became
// free is only known to lie between two looks at it.
struct StormTimes {
  std::vector<std::uint64_t> ns;

  void add(std::uint64_t from_ns, std::uint64_t to_ns) {
    ns.push_back(to_ns > from_ns ? to_ns - from_ns : 0);
  }

  // Nearest rank; 0 when empty. REQUIRES: sorted.
  [[nodiscard]] std::uint64_t percentile(double percent) const noexcept;
};

// What followed the death of publishers of one kind.
struct StormRecovery {
  StormTimes detect;   // lock free → the successor knows
  StormTimes repair;   // → it has its lane
  StormTimes message;  // → a subscriber has its first message
  StormTimes whole;    // lock free → that message
};

// A subscriber's place, through all of its lives: U/(U+D).
struct StormAvailability {
  std::uint32_t subscriber = 0;
  const char* policy = "";
  std::uint64_t outages = 0;  // more than 10 ms without a message
  double down_seconds = 0;
  double seconds = 0;
  double availability = 0;
  double low = 0;  // 95 %: outages as a compound Poisson process
  double high = 0;
};

struct StormFigures {
  StormTimes lock_free;      // kill → lock free
  StormTimes fat_lock_free;  // the same of victims that had much memory
  StormRecovery named;       // lanes that were continued
  StormRecovery unnamed;     // lanes that were begun
  StormRecovery both;
  StormRecovery alone;  // of both, while nobody else of the channel was away
  StormTimes readers;   // lock free → a publisher that waited for the dead reader goes on
  std::uint64_t rejoined = 0;
  std::uint64_t messages = 0;  // checked
  std::uint64_t published = 0;
  std::uint64_t aborted = 0;
  std::uint64_t told_lost = 0;  // by policy: evict and lossy
  std::uint64_t evictions = 0;
  std::uint64_t retries = 0;
  std::uint64_t lives = 0;
  std::vector<StormAvailability> availability;
};

// REQUIRES that all processes have ended. Says the violations that only the whole shows: a lane
// that went on elsewhere than its last life had ended.
[[nodiscard]] StormFigures figures_of(StormPage& page, const StormCourse& course,
                                      std::uint32_t subscribers);

// The largest time that a thread which does nothing but read the clock was kept from running.
[[nodiscard]] std::uint64_t noise_floor_ns(std::uint64_t for_ns) noexcept;

}  // namespace millrace::tools
