#include "machine_fit.hpp"

#include "millrace/bench/student.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace millrace::bench {

namespace {

// A wait that the host adds is judged with only if it is no more than this of what is judged.
constexpr double kHostShare = 0.10;

struct Sums {
  double time_ns = 0;
  double gap_ns = 0;
  double weighted_ns2 = 0;  // sum of squares: what a message that comes at random waits
  std::size_t slices = 0;
  std::size_t agreeing = 0;
  std::uint64_t stolen = 0;
  std::uint64_t ticks = 0;
};

void add_slice(const LoadEvidence& restart, const LoadSlice& slice, Sums& sums,
               std::vector<double>& gaps, MachineFit& fit) {
  if (slice.end_ns <= slice.begin_ns) return;
  sums.time_ns += static_cast<double>(slice.end_ns - slice.begin_ns);
  sums.stolen += slice.stolen_ticks;
  sums.ticks += slice.all_ticks;
  ++sums.slices;
  if (slice.bare_before_ns > 0 && agree(slice.bare_before_ns, slice.bare_after_ns)) ++sums.agreeing;
  if (slice.subscriber.minor_faults + slice.subscriber.voluntary > 0) ++fit.own_slices;
  for (const Gap& gap : restart.subscriber_gaps) {
    if (gap.begin < slice.begin_ns || gap.begin >= slice.end_ns) continue;
    const auto length = static_cast<double>(gap.length);
    gaps.push_back(length);
    sums.gap_ns += length;
    sums.weighted_ns2 += length * length;
  }
}

std::string sentence_of(const MachineFit& fit, const LoadCpus& cpus) {
  char text[240];
  if (!cpus.apart()) {
    return "not fit for verdicts on latency: one processor for two processes (oversubscribed); "
           "counts are judged all the same";
  }
  if (fit.fit_above_ns > 1e6) {
    std::snprintf(text, sizeof text,
                  "not fit for verdicts on latency: the host takes %.1f %% of the time, up to %.1f "
                  "ms at once",
                  fit.stolen_share * 100, fit.gap_max_ns / 1e6);
  } else {
    std::snprintf(text, sizeof text, "fit for verdicts on latencies above %.1f us",
                  fit.fit_above_ns / 1e3);
  }
  return text;
}

}  // namespace

MachineFit fit_of(std::span<const LoadEvidence> restarts, const LoadCpus& cpus) {
  MachineFit fit;
  Sums sums;
  std::vector<double> gaps;
  for (const LoadEvidence& restart : restarts) {
    for (const LoadSlice& slice : restart.slices)
      add_slice(restart, slice, sums, gaps, fit);
  }
  if (sums.time_ns > 0) {
    fit.stolen_share = sums.gap_ns / sums.time_ns;
    fit.gaps_per_second = static_cast<double>(gaps.size()) / sums.time_ns * 1e9;
    // Mean wait of a message at a random moment, 1 / kHostShare times as long is judged.
    fit.fit_above_ns = sums.weighted_ns2 / (2 * sums.time_ns) / kHostShare;
  }
  if (sums.ticks > 0) {
    fit.kernel_stolen_share = static_cast<double>(sums.stolen) / static_cast<double>(sums.ticks);
  }
  std::sort(gaps.begin(), gaps.end());
  fit.gap_p50_ns = quantile_of_sorted(gaps, 0.5);
  fit.gap_p999_ns = quantile_of_sorted(gaps, 0.999);
  fit.gap_max_ns = gaps.empty() ? 0 : gaps.back();
  if (sums.slices > 0)
    fit.agreeing_share = static_cast<double>(sums.agreeing) / static_cast<double>(sums.slices);
  const Placements placements = placements_of(restarts);
  double all = 0;
  for (std::size_t each = 0; each < placements.count(); ++each)
    all += static_cast<double>(placements.slices(each));
  for (std::size_t each = 0; each < placements.count(); ++each) {
    const auto slices = static_cast<double>(placements.slices(each));
    fit.places.push_back({placement_name(placements, each), placements.bare_ns(each), slices / all,
                          placements.slices(each)});
  }
  const double theft = std::min(1.0, fit.stolen_share * 5);
  const double moves = 1 - fit.agreeing_share;
  const double score = cpus.apart() ? 100 * (1 - theft) * (1 - 0.5 * moves) : 0;
  fit.score = static_cast<int>(std::lround(score));
  fit.sentence = sentence_of(fit, cpus);
  return fit;
}

}  // namespace millrace::bench
