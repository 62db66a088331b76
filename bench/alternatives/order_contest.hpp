// Producers of ordered logs side by side: so many processes, each pinned, publish at once into one
// log, all of them into the same; then into another. Nobody reads, so that two processors are
// enough for two producers. With more producers than processors some share one.
#pragma once

#include "millrace/core/result.hpp"

#include <array>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace millrace::alternatives {

enum class Log : std::uint8_t {
  plain,   // fetch_add and nothing else: the baseline
  again,   // the same code in memory of its own: must come out as 1.00
  lanes,   // the order ring over lanes
  intent,  // fetch_add with intents
};

inline constexpr std::size_t kLogs = 4;
inline constexpr std::array<const char*, kLogs> kLogNames{"plain", "plain again", "lanes",
                                                          "intent"};

struct Contest {
  std::uint32_t producers = 2;
  std::uint32_t batch = 1;  // messages a publish
  std::pair<int, int> cpus;
  double seconds = 2;
};

// One slice of a log between two of the baseline.
struct Slice {
  Log log;
  double ns;  // a message, of all producers together
  double before_ns;
  double after_ns;
  double bare_ns;  // bare round trip between two of the processes just before; 0: one processor
  bool whole;      // nobody was pushed off its processor meanwhile
};

// One restart: new processes, new memory. An odd count of messages, or a process that ends, is an
// error.
[[nodiscard]] Result<std::vector<Slice>> run_contest(const Contest& contest, std::uint64_t seed);

}  // namespace millrace::alternatives
