// This host's kernel counters as sensors: every number in /proc/stat, meminfo, vmstat, diskstats,
// net/dev, interrupts and pressure/* is a reading "NAME VALUE TIME", such as
//
//   vmstat.pgfault 83100042 1763715449123456789
//   pressure.cpu.some.avg10 0.35 1763715449123456789
//
// TIME is the wall clock in nanoseconds when its file was read. Sources that a host or container
// does not have are left out. One thread; no allocation after open().
#pragma once

#include "millrace/core/clock.hpp"
#include "millrace/core/descriptor.hpp"
#include "millrace/core/result.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::tools {

inline constexpr std::size_t kReadingBytesMax = 192;

// Turns the lines of one file into readings. Not tied to /proc, so that it can be tested.
class ReadingParser {
 public:
  // `source` is what names begin with. Both must outlive the parser.
  ReadingParser(std::string_view source, std::string_view text, std::uint64_t wall_ns) noexcept
      : source_(source), rest_(text), wall_ns_(wall_ns) {}

  // The next reading, valid until the next call; empty at the end.
  [[nodiscard]] std::string_view next() noexcept;

 private:
  std::string_view take_token() noexcept;
  void lengthen_label(std::string_view token) noexcept;
  std::string_view reading(std::string_view column, std::string_view value) noexcept;

  std::string_view source_;
  std::string_view rest_;
  std::string_view line_;
  std::uint64_t wall_ns_;
  std::array<char, 96> label_{};
  std::size_t label_bytes_ = 0;
  unsigned column_ = 0;  // numbers seen in this line
  std::array<char, kReadingBytesMax> text_{};
};

class Telemetry {
 public:
  // Error: none of the sources can be read.
  [[nodiscard]] static Result<Telemetry> open();

  // Reads every source once and calls publish(std::string_view) for each reading, until it returns
  // false. Returns how many were published.
  template <class Publish>
  std::uint64_t sweep(Publish&& publish) {
    std::uint64_t count = 0;
    for (const Source& source : sources_) {
      const std::string_view text = read(source);
      ReadingParser parser(source.name, text, wall_ns());
      for (auto reading = parser.next(); !reading.empty(); reading = parser.next()) {
        if (!publish(reading)) return count;
        ++count;
      }
    }
    return count;
  }

 private:
  struct Source {
    std::string name;
    Descriptor file;
  };

  Telemetry() : buffer_(std::size_t{256} << 10) {}

  std::string_view read(const Source& source) noexcept;

  std::vector<Source> sources_;
  std::vector<char> buffer_;  // one file at a time; a longer one is cut at its last whole line
};

}  // namespace millrace::tools
