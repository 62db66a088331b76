#include "check_evidence.hpp"

#include "millrace/core/record_layout.hpp"

#include <algorithm>

namespace millrace::bench {

namespace {

// Samples are drawn by blocks of so many messages: even ones to one set, odd ones to the other.
constexpr std::uint64_t kSampleBlock = 16;

double in_ns(std::uint64_t ns) noexcept {
  return static_cast<double>(ns);
}

std::vector<Vacation> vacations_in(std::span<const Gap> gaps, const LoadSlice& slice) {
  std::vector<Vacation> vacations;
  for (const Gap& gap : gaps) {
    if (gap.begin + gap.length <= slice.begin_ns || gap.begin >= slice.end_ns) continue;
    vacations.push_back({in_ns(gap.begin), in_ns(gap.begin + gap.length), true});
  }
  return vacations;
}

AlibiBlock block_of(const LoadEvidence& restart, const LoadSlice& load, const LoadSlice& still) {
  const GapSum under_load = gaps_within(restart.subscriber_gaps, load.begin_ns, load.end_ns);
  const GapSum beside = gaps_within(restart.subscriber_gaps, still.begin_ns, still.end_ns);
  AlibiBlock block;
  block.load_seconds = in_ns(load.end_ns - load.begin_ns) / 1e9;
  block.load_gaps = under_load.count;
  block.load_gap_ns = under_load.total_ns;
  block.own = load.subscriber.minor_faults + load.subscriber.voluntary > 0;
  block.bare_seconds = in_ns(still.end_ns - still.begin_ns) / 1e9;
  block.bare_gaps = beside.count;
  block.bare_gap_ns = beside.total_ns;
  return block;
}

}  // namespace

std::uint64_t framing_of(std::uint32_t length) noexcept {
  return layout::record_bytes(length) - length;
}

CountEvidence count_evidence(const LoadPlan& plan, const LoadEvidence& restart) {
  CountEvidence evidence;
  evidence.seed_messages = restart.intended.size();
  for (std::uint64_t each = 0; each < evidence.seed_messages; ++each) {
    const std::uint32_t length = load_length(plan, each);
    evidence.seed_bytes += length;
    evidence.seed_sum += load_sum(plan, each);
    evidence.framing_bytes += plan.bare ? 0 : framing_of(length);
  }
  const LoadCounts& counts = restart.counts;
  evidence.reader_messages = counts.received;
  evidence.reader_bytes = counts.received_bytes;
  evidence.reader_sum = counts.received_sum;
  evidence.publisher_messages = counts.sent;
  evidence.position_bytes = plan.bare ? counts.sent_bytes : counts.positions;
  return evidence;
}

RateEvidence rate_evidence(const LoadPlan& plan, const LoadEvidence& restart) {
  RateEvidence evidence;
  std::uint64_t messages = 0;
  std::uint64_t bytes = 0;
  for_each_slice(restart, SliceKind::load, [&](const LoadSlice& slice) {
    messages += slice.count;
    for (std::uint64_t each = slice.first; each < slice.first + slice.count; ++each)
      bytes += load_length(plan, each);
  });
  evidence.publisher = {static_cast<double>(restart.counts.load_sent),
                        in_ns(restart.publisher_ns) / 1e9, Instrument::publisher_counter,
                        TimeSource::tsc};
  evidence.mean_bytes =
      messages == 0 ? 0 : static_cast<double>(bytes) / static_cast<double>(messages);
  evidence.reader = {static_cast<double>(restart.counts.load_bytes),
                     in_ns(restart.subscriber_ns) / 1e9, Instrument::reader_counter,
                     TimeSource::monotonic};
  // The two intervals are apart by what the first and the last message took on their way.
  const auto on_the_way = [&](std::uint64_t number) {
    const std::uint64_t from = restart.published[number];
    const std::uint64_t to = restart.processed[number];
    return to > from ? in_ns(to - from) / 1e9 : 0;
  };
  double apart_seconds = 0;
  const LoadSlice* first = nullptr;
  const LoadSlice* last = nullptr;
  for (const LoadSlice& slice : restart.slices) {
    if (slice.kind != SliceKind::load) continue;
    if (first == nullptr) first = &slice;
    last = &slice;
  }
  if (first != nullptr)
    apart_seconds = on_the_way(first->first) + on_the_way(last->first + last->count - 1);
  evidence.unsure_bytes =
      2.0 * plan.length_max + apart_seconds * evidence.publisher.per_second() * evidence.mean_bytes;
  return evidence;
}

CurveRestart curve_restart(const LoadEvidence& restart, const Placements& placements,
                           std::size_t placement) {
  CurveRestart curve;
  for_each_slice(restart, SliceKind::load, [&](const LoadSlice& slice) {
    if (placement_of(placements, slice) != placement) return;
    CurveSlice made;
    for (std::uint64_t each = slice.first; each < slice.first + slice.count; ++each) {
      if (restart.published[each] == 0) continue;
      made.published_ns.push_back(in_ns(restart.published[each]));
      made.processed_ns.push_back(in_ns(restart.processed[each]));
    }
    made.vacations = vacations_in(restart.subscriber_gaps, slice);
    const ReaderAccount account{in_ns(slice.begin_ns), in_ns(slice.end_ns),
                                slice.subscriber.minor_faults, slice.subscriber.voluntary};
    excuse(made.vacations, std::span(&account, 1));
    curve.slices.push_back(std::move(made));
  });
  return curve;
}

JoinEvidence join_evidence(const LoadEvidence& restart) {
  JoinEvidence evidence;
  for_each_slice(restart, SliceKind::load, [&](const LoadSlice& slice) {
    ++evidence.slices;
    for (std::uint64_t each = slice.first; each < slice.first + slice.count; ++each) {
      const bool even = each / kSampleBlock % 2 == 0;
      const double claim = in_ns(restart.began[each]);
      const bool seen = restart.visible[each] != 0;
      if (!even) {
        if (seen) evidence.totals.push_back({each, claim, in_ns(restart.processed[each])});
        continue;
      }
      ++evidence.samples_published;
      evidence.publisher.push_back({each, claim, in_ns(restart.published[each])});
      if (!seen) continue;
      const double visible = in_ns(restart.visible[each]);
      evidence.reader.push_back({each, visible, visible, in_ns(restart.processed[each])});
    }
    for (const auto* gaps : {&restart.publisher_gaps, &restart.subscriber_gaps}) {
      const auto more = vacations_in(*gaps, slice);
      evidence.vacations.insert(evidence.vacations.end(), more.begin(), more.end());
    }
  });
  std::sort(
      evidence.vacations.begin(), evidence.vacations.end(),
      [](const Vacation& one, const Vacation& other) { return one.begin_ns < other.begin_ns; });
  return evidence;
}

std::vector<AlibiBlock> alibi_blocks(std::span<const LoadEvidence> restarts, bool of_still) {
  std::vector<AlibiBlock> blocks;
  for (const LoadEvidence& restart : restarts) {
    const LoadSlice* load = nullptr;
    for (const LoadSlice& slice : restart.slices) {
      if (slice.kind == SliceKind::still && load != nullptr) {
        blocks.push_back(block_of(restart, *load, slice));
      }
      const bool first = of_still ? slice.kind == SliceKind::still : slice.kind == SliceKind::load;
      if (first) load = &slice;
      if (!first && !of_still && slice.kind != SliceKind::still) load = nullptr;
    }
  }
  return blocks;
}

}  // namespace millrace::bench
