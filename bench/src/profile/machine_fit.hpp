// How fit this machine is for verdicts, from what was measured anyway.
#pragma once

#include "millrace/bench/profile_run.hpp"

#include <string>
#include <vector>

namespace millrace::bench {

struct MachineFit {
  double stolen_share = 0;         // of the subscriber's time: its loop did not run
  double kernel_stolen_share = 0;  // what the kernel admits
  double gaps_per_second = 0;
  double gap_p50_ns = 0, gap_p999_ns = 0, gap_max_ns = 0;
  std::size_t own_slices = 0;  // in which the reader faulted or slept by itself

  struct Place {
    std::string name;
    double bare_ns = 0;
    double share = 0;  // of the bare slices
    std::size_t slices = 0;
  };

  std::vector<Place> places;
  double agreeing_share = 0;  // slices whose two bare neighbours agree
  int score = 0;              // 0 to 100
  double fit_above_ns = 0;    // verdicts on latencies below this would judge the host
  std::string sentence;
};

[[nodiscard]] MachineFit fit_of(std::span<const LoadEvidence> restarts, const LoadCpus& cpus);

}  // namespace millrace::bench
