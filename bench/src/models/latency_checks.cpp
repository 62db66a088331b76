#include "millrace/bench/latency_checks.hpp"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

namespace millrace::bench {

namespace {

constexpr Limits kSumLimits{0.85, 1.15};
constexpr double kOneWayHandlerNs = 1000;
constexpr double kOffsetsResolved = 4;  // half-widths of the offset

// Vacations are few, and ascending.
bool touched(const std::vector<Vacation>& vacations, double from_ns, double to_ns) noexcept {
  const auto later = std::partition_point(
      vacations.begin(), vacations.end(),
      [from_ns](const Vacation& vacation) { return vacation.end_ns < from_ns; });
  return later != vacations.end() && later->begin_ns <= to_ns;
}

struct Joined {
  double sum_ns = 0;    // of the means of the stages, set A
  double total_ns = 0;  // mean of set B
  std::size_t joined = 0;
  std::size_t backwards = 0;  // of them, seen before they were published
  bool disjoint = true;

  [[nodiscard]] double share(const JoinEvidence& one) const noexcept {
    return one.samples_published > 0 ? double(joined) / double(one.samples_published) : 0;
  }
};

// Means of the four stages over the joined samples.
double stage_sum(const JoinEvidence& one, double error_ns, Joined& result) {
  std::unordered_map<std::uint64_t, const PublisherRecord*> published;
  for (const PublisherRecord& record : one.publisher)
    published[record.sequence] = &record;
  double enqueue = 0;
  double transfer = 0;
  double dequeue = 0;
  double processing = 0;
  std::size_t clean = 0;
  for (const ReaderRecord& record : one.reader) {
    const auto found = published.find(record.sequence);
    if (found == published.end()) continue;
    ++result.joined;
    const PublisherRecord& before = *found->second;
    if (record.visible_ns < before.published_ns - error_ns) ++result.backwards;
    if (touched(one.vacations, before.claim_ns, record.processed_ns)) continue;
    ++clean;
    enqueue += before.published_ns - before.claim_ns;
    transfer += record.visible_ns - before.published_ns;
    dequeue += record.dequeued_ns - record.visible_ns;
    processing += record.processed_ns - record.dequeued_ns;
  }
  return clean > 0 ? (enqueue + transfer + dequeue + processing) / double(clean) : 0;
}

Joined join(const JoinEvidence& one, double error_ns) {
  Joined result;
  result.sum_ns = stage_sum(one, error_ns, result);
  std::unordered_set<std::uint64_t> staged;
  for (const PublisherRecord& record : one.publisher)
    staged.insert(record.sequence);
  std::size_t clean = 0;
  for (const TotalRecord& record : one.totals) {
    result.disjoint = result.disjoint && !staged.contains(record.sequence);
    if (touched(one.vacations, record.claim_ns, record.processed_ns)) continue;
    ++clean;
    result.total_ns += record.processed_ns - record.claim_ns;
  }
  if (clean > 0) result.total_ns /= double(clean);
  return result;
}

std::vector<double> join_ratios(const std::vector<JoinEvidence>& restarts, double error_ns) {
  std::vector<double> ratios;
  for (const JoinEvidence& one : restarts) {
    const Joined joined = join(one, error_ns);
    ratios.push_back(joined.sum_ns > 0 ? joined.total_ns / joined.sum_ns : 0);
  }
  return ratios;
}

// What keeps the sums from being compared at all.
bool refuse_join(CheckResult& result, const std::vector<JoinEvidence>& restarts, double error_ns) {
  for (const JoinEvidence& one : restarts) {
    const Joined joined = join(one, error_ns);
    if (!joined.disjoint) {
      conclude(result, Verdict::invalid, "a message is in both sets: their sums are one");
      return true;
    }
    if (one.samples_published == 0) {
      conclude(result, Verdict::inconclusive, "a restart has no samples");
      return true;
    }
    const double backwards = double(joined.backwards) / double(one.samples_published);
    const double whole = std::min(joined.share(one), 1 - backwards);
    if (whole < kJoinedShare) {
      result.prediction = result.accept_high = 1;
      result.accept_low = kJoinedShare;
      result.measurement = result.low = result.high = whole;
      result.residual = whole - 1;
      result.smallest_defect = 1 - kJoinedShare;
      conclude(result, Verdict::fail,
               backwards > 0 ? "samples were seen before they were published"
                             : "fewer than 99.9 % of the samples are in both recorders");
      return true;
    }
  }
  return false;
}

double predicted_sum(const SumEvidence& one) noexcept {
  return 2 * (one.enqueue_ns + one.dequeue_ns + one.handler_ns) + one.bare_ns;
}

std::vector<double> sum_ratios(const std::vector<SumEvidence>& restarts) {
  std::vector<double> ratios;
  for (const SumEvidence& one : restarts)
    ratios.push_back(one.round_trip_ns / predicted_sum(one));
  return ratios;
}

double p99(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto at = values.begin() + static_cast<std::ptrdiff_t>((values.size() - 1) * 99 / 100);
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

double mean(const std::vector<double>& values) noexcept {
  double sum = 0;
  for (const double value : values)
    sum += value;
  return values.empty() ? 0 : sum / double(values.size());
}

// Of one restart: measurement / prediction, as the persister and as the publisher saw it.
struct DurableRatios {
  double predicted_ns = 0;
  double persister = 0;
  double publisher = 0;
  double p99 = 0;
};

DurableRatios durable_ratios(const DurableEvidence& one, const WriteLaw& law) {
  const auto expected = replay_writes(one.appended_ns, one.bytes, law);
  std::vector<double> predicted;
  std::vector<double> recorded;
  std::vector<double> predicted_of_waits;
  std::vector<double> waited;
  for (std::size_t at = 0; at < expected.size(); ++at) {
    predicted.push_back(expected[at] - one.appended_ns[at]);
    recorded.push_back(one.durable_ns[at] - one.appended_ns[at]);
    if (one.acknowledged_ns[at] <= 0) continue;
    predicted_of_waits.push_back(predicted.back());
    waited.push_back(one.acknowledged_ns[at] - one.appended_ns[at]);
  }
  return {.predicted_ns = mean(predicted),
          .persister = mean(recorded) / mean(predicted),
          .publisher = waited.empty() ? 0 : mean(waited) / mean(predicted_of_waits),
          .p99 = waited.empty() ? 0 : p99(waited) / p99(predicted_of_waits)};
}

std::vector<Part> durable_parts(const WriteLaw& law, const std::vector<DurableEvidence>& restarts,
                                const std::vector<DurableEvidence>& control) {
  std::vector<Part> parts = {
      {.name = "mean by the persister's records", .limits = {0.8, 1.25}},
      {.name = "mean by the publisher's waits", .limits = {0.8, 1.25}},
      {.name = "p99 by the publisher's waits", .limits = {.low = 0, .high = 2}}};
  for (const DurableEvidence& one : restarts) {
    const DurableRatios found = durable_ratios(one, law);
    parts[0].replicates.ratios.push_back(found.persister);
    parts[1].replicates.ratios.push_back(found.publisher);
    parts[2].replicates.ratios.push_back(found.p99);
    for (Part& part : parts) {
      part.prediction += found.predicted_ns / double(restarts.size());
      part.replicates.slices += one.batches;
    }
  }
  for (const DurableEvidence& one : control) {
    const DurableRatios found = durable_ratios(one, law);
    parts[0].replicates.control.push_back(found.persister);
    parts[1].replicates.control.push_back(found.publisher);
    parts[2].replicates.control.push_back(found.p99);
  }
  return parts;
}

}  // namespace

CheckResult check_latency_join(const Circumstances& circumstances, double error_ns,
                               const std::vector<JoinEvidence>& restarts,
                               const std::vector<JoinEvidence>& control) {
  double sum = 0;
  std::uint64_t samples = 0;
  std::size_t slices = 0;
  for (const JoinEvidence& one : restarts) {
    samples += one.samples_published;
    sum += join(one, error_ns).sum_ns / double(restarts.size());
    slices += one.slices;
  }
  CheckResult refused = exact_result("latency.join", circumstances, sum, sum);
  if (refused.verdict == Verdict::invalid || refuse_join(refused, restarts, error_ns))
    return refused;
  const double tolerance = kJoinTolerance + (sum > 0 ? error_ns / sum : 0);
  CheckResult result =
      judge_ratio("latency.join", circumstances, sum, {1 - tolerance, 1 + tolerance},
                  {.ratios = join_ratios(restarts, error_ns),
                   .control = join_ratios(control, error_ns),
                   .slices = slices});
  if (result.verdict == Verdict::pass && samples < kJoinSamples) {
    conclude(result, Verdict::inconclusive, "fewer than 100,000 samples were joined");
    result.seconds_needed = circumstances.restart_seconds * double(restarts.size()) *
                            double(kJoinSamples) / double(samples);
  }
  return result;
}

CheckResult check_latency_sum(const Circumstances& circumstances,
                              const std::vector<SumEvidence>& restarts,
                              const std::vector<SumEvidence>& control) {
  double predicted = 0;
  std::size_t slices = 0;
  for (const SumEvidence& one : restarts) {
    predicted += predicted_sum(one) / double(restarts.size());
    slices += one.slices;
  }
  return judge_ratio(
      "latency.sum", circumstances, predicted, kSumLimits,
      {.ratios = sum_ratios(restarts), .control = sum_ratios(control), .slices = slices});
}

bool one_way_resolved(double handler_ns, double one_way_ns, double offset_half_width_ns) noexcept {
  return handler_ns >= kOneWayHandlerNs && one_way_ns >= kOffsetsResolved * offset_half_width_ns;
}

WriteLaw SoloWrites::law(double linger_ns, double cap_bytes) const noexcept {
  const double byte_ns = (large_ns - small_ns) / (large_bytes - small_bytes);
  return {.fixed_ns = small_ns - byte_ns * small_bytes,
          .byte_ns = byte_ns,
          .linger_ns = linger_ns,
          .cap_bytes = cap_bytes};
}

CheckResult check_latency_durable(const Circumstances& circumstances, const WriteLaw& law,
                                  const std::vector<DurableEvidence>& restarts,
                                  const std::vector<DurableEvidence>& control) {
  CheckResult result =
      judge_parts("latency.durable", circumstances, durable_parts(law, restarts, control));
  const bool few = std::any_of(restarts.begin(), restarts.end(), [](const DurableEvidence& one) {
    return one.batches < kDurableBatches;
  });
  if (few && result.verdict == Verdict::pass) {
    conclude(result, Verdict::inconclusive, "a restart wrote fewer than 2,000 batches");
    result.seconds_needed = circumstances.restart_seconds * double(restarts.size());
  }
  return result;
}

}  // namespace millrace::bench
