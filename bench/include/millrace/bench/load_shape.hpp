// How the arrivals of an open-loop load are spread over time, and the words a user says it with:
//
//   constant:rate=100k                    evenly, so many a second
//   poisson:rate=100k                     independent of each other
//   burst:rate=100k,on=1ms,off=9ms        Poisson while on, silent while off; `rate` is the average
//   burst:rate=100k,size=16               16 at once, at Poisson moments; `rate` counts messages
//   replay:FILE[,column=1][,unit=ns][,speed=1]   times in a column of a CSV file
//   replay:DIR[,speed=1]                  arrivals of a journal, as they were recorded
//
// Rates are messages a second (k and M mean a thousand and a million); times are in ns, us, ms, s.
// An open loop never waits for the receiver: who is late sends at once, and counts from the moment
// that was intended, so nothing is hidden (coordinated omission).
#pragma once

#include "millrace/core/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace millrace::bench {

struct LoadShape {
  enum class Kind : std::uint8_t { constant, poisson, on_off, batch, replay };

  Kind kind = Kind::poisson;
  double rate = 0;           // messages a second on average; 0: as recorded (replay)
  double on_ns = 0;          // of on_off: mean length of a burst
  double off_ns = 0;         // and of the silence behind it
  std::uint32_t batch = 1;   // of batch: messages at once
  std::string path{};        // of replay: a file or a journal's directory
  std::uint32_t column = 1;  // of replay: from 1
  double unit_ns = 1;        // of replay: one unit of the column
  double speed = 1;          // of replay: 2 halves every gap
};

// Rates above this are refused: no clock here tells such arrivals apart.
inline constexpr double kLoadRateMax = 1e9;

// A single message a time can be scheduled this often before the stamps themselves become the
// load (anchors/profiler.md section 3); above, a result is shown and not judged.
inline constexpr double kLoadRateJudged = 2.5e6;

// Error bad_argument: what is wrong with the text, and what may be written.
[[nodiscard]] Result<LoadShape> parse_load(std::string_view text);

// The text that parse_load reads back.
[[nodiscard]] std::string to_string(const LoadShape& shape);

// "100k", "2.5M", "0.5": a positive number of messages a second. Error bad_argument.
[[nodiscard]] Result<double> parse_load_rate(std::string_view text);

// "10us", "1.5ms", "300" (ns): nanoseconds above 0. Error bad_argument.
[[nodiscard]] Result<double> parse_load_time(std::string_view text);

}  // namespace millrace::bench
