// The part of the analysis that looks at calibration and bare slices only.
#include "millrace/bench/load_analysis.hpp"
#include "millrace/bench/student.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace millrace::bench {

namespace {

constexpr std::size_t kSamplesMax = 5000;

bool gap_between(std::span<const Gap> gaps, std::uint64_t begin_ns, std::uint64_t end_ns) {
  return gaps_within(gaps, begin_ns, end_ns).count > 0;
}

}  // namespace

GapSum gaps_within(std::span<const Gap> gaps, std::uint64_t begin_ns,
                   std::uint64_t end_ns) noexcept {
  GapSum sum;
  auto gap = std::lower_bound(
      gaps.begin(), gaps.end(), begin_ns,
      [](const Gap& one, std::uint64_t at) { return one.begin + one.length <= at; });
  for (; gap != gaps.end() && gap->begin < end_ns; ++gap) {
    const std::uint64_t from = std::max(gap->begin, begin_ns);
    const std::uint64_t to = std::min(gap->begin + gap->length, end_ns);
    const auto length = static_cast<double>(to - from);
    sum.count += 1;
    sum.total_ns += length;
    sum.max_ns = std::max(sum.max_ns, length);
  }
  return sum;
}

Placements placements_of(std::span<const LoadEvidence> restarts) {
  std::vector<double> bare;
  for (const LoadEvidence& restart : restarts) {
    for (std::size_t each = 0; each + 1 < restart.bare_ns.size(); ++each) {
      const double before = restart.bare_ns[each];
      const double after = restart.bare_ns[each + 1];
      if (agree(before, after)) bare.push_back((before + after) / 2);
    }
  }
  return Placements::find(bare);
}

std::optional<std::size_t> placement_of(const Placements& placements, const LoadSlice& slice) {
  if (slice.bare_before_ns <= 0 || !agree(slice.bare_before_ns, slice.bare_after_ns))
    return std::nullopt;
  return placements.of(slice.bare_ns());
}

std::string placement_name(const Placements& placements, std::size_t placement) {
  char text[32];
  std::snprintf(text, sizeof text, "%.0f ns", placements.bare_ns(placement));
  return text;
}

std::vector<double> drained_service(std::span<const LoadEvidence> restarts) {
  std::vector<double> all;
  for (const LoadEvidence& restart : restarts) {
    for_each_slice(restart, SliceKind::drain, [&](const LoadSlice& slice) {
      for (std::uint64_t each = slice.first + 1; each < slice.first + slice.count; ++each) {
        const std::uint64_t from = restart.processed[each - 1];
        const std::uint64_t to = restart.processed[each];
        if (from == 0 || to <= from || gap_between(restart.subscriber_gaps, from, to)) continue;
        all.push_back(static_cast<double>(to - from));
      }
    });
  }
  const std::size_t step = all.size() / kSamplesMax + 1;
  std::vector<double> kept;
  for (std::size_t each = 0; each < all.size(); each += step)
    kept.push_back(all[each]);
  return kept;
}

double idle_hand_over(std::span<const LoadEvidence> restarts, const Placements& placements,
                      std::optional<std::size_t> placement, double service_ns) {
  std::vector<double> times;
  for (const LoadEvidence& restart : restarts) {
    for_each_slice(restart, SliceKind::idle, [&](const LoadSlice& slice) {
      if (placement && placement_of(placements, slice) != placement) return;
      for (std::uint64_t each = slice.first; each < slice.first + slice.count; ++each) {
        const std::uint64_t from = restart.published[each];
        const std::uint64_t to = restart.processed[each];
        if (to <= from || gap_between(restart.subscriber_gaps, from, to)) continue;
        times.push_back(static_cast<double>(to - from));
      }
    });
  }
  return times.empty() ? 0 : std::max(1.0, quantile(std::move(times), 0.5) - service_ns);
}

}  // namespace millrace::bench
