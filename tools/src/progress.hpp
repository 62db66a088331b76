// A progress bar with a rate for work that takes longer than a moment, redrawn in place on stderr:
//
//   verify  [##########..........]  51 %  1.2 GiB/s  5.1 GiB of 10 GiB
//
// Where stderr is no terminal nothing is drawn, so logs stay readable.
//
// Thread rules: one thread.
#pragma once

#include <cstdint>
#include <string>

namespace millrace::tools {

class Progress {
 public:
  enum class Unit : std::uint8_t { bytes, messages };

  // `draw` false: silent, as with --json.
  Progress(std::string what, Unit unit, bool draw);
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  ~Progress() { clear(); }

  // `all` 0: not known, only the rate is shown. Redraws ten times a second at most.
  void show(std::uint64_t done, std::uint64_t all);

  // Takes the line away, before anything else is printed.
  void clear();

  // The line itself, without the terminal's signs.
  [[nodiscard]] static std::string line(const std::string& what, Unit unit, std::uint64_t done,
                                        std::uint64_t all, double per_second);

 private:
  std::string what_;
  Unit unit_;
  bool drawing_;
  bool drawn_ = false;
  std::uint64_t began_ns_;
  std::uint64_t shown_ns_ = 0;
};

}  // namespace millrace::tools
