// Comparing things that write to a disk. Entrants take turns, one run each per round, in an order
// that changes; the ratio of two entrants is taken within a round, because a disk that others use
// has its good and bad minutes. A round is the unit of replication.
#pragma once

#include "millrace/bench/slice_statistics.hpp"
#include "millrace/core/result.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace millrace::bench {

// What one run of one entrant came to.
struct Run {
  double value = 0;          // in the row's unit
  std::vector<double> more;  // further figures, in the order of Row::more
};

struct Entrant {
  std::string name;
  std::function<Result<Run>()> run;
  std::string absent;  // why it cannot run here; empty: it can
};

// The first entrant is the subject, the second what it is compared with.
struct Row {
  std::string name;
  std::string unit;
  std::string what;                 // one sentence
  std::vector<std::string> more{};  // names of the further figures
  Better better = Better::higher;
  double goal = 0;  // of the ratio; 0: reported only
  std::vector<Entrant> entrants{};
};

struct EntrantFigures {
  std::string name;
  std::string absent{};
  double median = 0;
  double lowest = 0;
  double highest = 0;
  std::vector<double> more{};  // medians
};

struct RowFigures {
  std::string name;
  std::string unit;
  std::string what;
  std::vector<std::string> more{};
  std::vector<EntrantFigures> entrants{};
  Estimate ratio{};  // subject to the second entrant
  double goal = 0;
  Met met = Met::inconclusive;
};

// Runs every entrant once a round. Stops at the first error.
[[nodiscard]] Result<RowFigures> run_rounds(const Row& row, std::uint32_t rounds);

}  // namespace millrace::bench
