// Histograms as an HdrHistogram log, format 1.3, which the tools of that family read: one line an
// interval, with a tag for each stage, and the counts in the compressed V2 encoding.
//
//   Tag=transfer,0.000,2.500,1.234,HISTFAAA...      start and length in s, largest value in ms
//
// Our cells are at most 0.78 % wide, which is two significant digits of theirs: a value is written
// as the middle of its cell. Times in the log are those of the wall clock.
#pragma once

#include "millrace/core/histogram.hpp"
#include "millrace/core/result.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace millrace::bench {

struct HlogRow {
  std::string tag;     // no comma, no space
  double start_s = 0;  // after the log's beginning
  double length_s = 0;
  HistogramView histogram;
};

// The whole text. `began_wall_ns`: since 1970. Error unsupported: built without zlib.
[[nodiscard]] Result<std::string> hlog_text(std::uint64_t began_wall_ns, const std::string& comment,
                                            const std::vector<HlogRow>& rows);

// The payload of one row: base64 of the compressed encoding.
[[nodiscard]] Result<std::string> hlog_payload(HistogramView histogram);

}  // namespace millrace::bench
