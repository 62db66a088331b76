#include "millrace/bench/throughput_checks.hpp"

#include <algorithm>
#include <cmath>

namespace millrace::bench {

namespace {

constexpr Limits kSizeLimits{0.85, 1.15};

// The first count that differs; empty if all are the same.
std::string difference(const CountEvidence& one) {
  if (one.reader_bytes != one.seed_bytes) return "the reader's bytes differ from the seed's";
  if (one.reader_messages != one.seed_messages)
    return "the reader's messages differ from the seed's";
  if (one.reader_sum != one.seed_sum) return "the reader's checksum differs from the seed's";
  if (one.publisher_messages != one.seed_messages)
    return "the publisher's counter differs from the seed's";
  if (one.position_bytes != one.seed_bytes + one.framing_bytes)
    return "the lane's position moved by other bytes than its records take";
  return "";
}

// The measurement that a difference shows in, in messages or bytes.
void show(CheckResult& result, const CountEvidence& one) {
  if (one.reader_bytes != one.seed_bytes || one.reader_messages == one.seed_messages) return;
  result.prediction = result.accept_low = result.accept_high = double(one.seed_messages);
  result.measurement = result.low = result.high = double(one.reader_messages);
}

// Reader's bytes a second over F x S, and how far that may be from 1.
struct RateResidual {
  double predicted = 0;
  double measured = 0;
  double residual = 0;
  double tolerance = 0;

  [[nodiscard]] double excess() const noexcept { return std::abs(residual) / tolerance; }
};

RateResidual residual_of(const RateEvidence& one) {
  RateResidual found;
  found.predicted = one.publisher.per_second() * one.mean_bytes;
  found.measured = one.reader.per_second();
  found.residual = found.predicted > 0 ? found.measured / found.predicted - 1 : -1;
  found.tolerance = one.unsure_bytes / (found.predicted * one.reader.seconds) + kClockTolerance;
  return found;
}

RateResidual worst_residual(const std::vector<RateEvidence>& restarts) {
  RateResidual worst = residual_of(restarts.front());
  for (const RateEvidence& one : restarts) {
    const RateResidual found = residual_of(one);
    if (found.excess() > worst.excess()) worst = found;
  }
  return worst;
}

bool independent(const RateEvidence& one) noexcept {
  return one.publisher.counted_by == Instrument::publisher_counter &&
         one.reader.counted_by == Instrument::reader_counter &&
         one.publisher.clock != one.reader.clock;
}

// Messages a second over what the ends predict, for the size number `at` of each restart.
std::vector<double> size_ratios(const std::vector<SizeEvidence>& restarts, std::size_t at) {
  std::vector<double> ratios;
  for (const SizeEvidence& one : restarts) {
    const SizePoint& point = one.between[at];
    ratios.push_back(SizeLaw(one.ends).message_ns(point.bytes) / point.message_ns);
  }
  return ratios;
}

}  // namespace

CheckResult check_throughput_count(const Circumstances& circumstances,
                                   const std::vector<CountEvidence>& restarts,
                                   const std::vector<CountEvidence>& control) {
  std::uint64_t messages = 0;
  std::uint64_t seed_bytes = 0;
  std::uint64_t reader_bytes = 0;
  for (const CountEvidence& one : restarts) {
    messages += one.seed_messages;
    seed_bytes += one.seed_bytes;
    reader_bytes += one.reader_bytes;
  }
  CheckResult result =
      exact_result("throughput.count", circumstances, double(seed_bytes), double(reader_bytes));
  result.smallest_defect = messages > 0 ? 1 / double(messages) : 1;
  if (result.verdict == Verdict::invalid) return result;
  for (const CountEvidence& one : control) {
    if (!difference(one).empty()) {
      conclude(result, Verdict::invalid, "the control row: " + difference(one));
      return result;
    }
  }
  for (const CountEvidence& one : restarts) {
    if (difference(one).empty()) continue;
    show(result, one);
    conclude(result, Verdict::fail, difference(one));
    return result;
  }
  result.verdict = Verdict::pass;
  if (messages < kCountedMessages) {
    conclude(result, Verdict::inconclusive, "fewer than a million messages were counted");
    result.seconds_needed = circumstances.restart_seconds * double(restarts.size()) *
                            double(kCountedMessages) / double(std::max<std::uint64_t>(messages, 1));
  }
  return result;
}

CheckResult check_throughput_rate(const Circumstances& circumstances,
                                  const std::vector<RateEvidence>& restarts,
                                  const std::vector<RateEvidence>& control) {
  CheckResult result = exact_result("throughput.rate", circumstances, 0, 0);
  if (result.verdict == Verdict::invalid) return result;
  if (restarts.empty()) {
    conclude(result, Verdict::inconclusive, "nothing was measured");
    return result;
  }
  if (!std::all_of(restarts.begin(), restarts.end(), independent)) {
    conclude(result, Verdict::invalid, "both sides of an identity from one counter or one clock");
    return result;
  }
  const RateResidual worst = worst_residual(restarts);
  result.prediction = worst.predicted;
  result.measurement = worst.measured;
  result.residual = worst.residual;
  result.low = worst.measured - worst.tolerance * worst.predicted;
  result.high = worst.measured + worst.tolerance * worst.predicted;
  result.accept_low = worst.predicted * (1 - worst.tolerance);
  result.accept_high = worst.predicted * (1 + worst.tolerance);
  result.smallest_defect = worst.tolerance + std::abs(worst.residual);
  const bool short_run = std::any_of(restarts.begin(), restarts.end(), [](const RateEvidence& one) {
    return std::min(one.publisher.seconds, one.reader.seconds) < kRateSeconds;
  });
  if (!control.empty() && worst_residual(control).excess() > 1) {
    conclude(result, Verdict::invalid, "the control row is off by more than its tolerance");
  } else if (worst.excess() > 1) {
    conclude(result, Verdict::fail, "the rates differ by more than ring and clocks explain");
  } else if (short_run) {
    conclude(result, Verdict::inconclusive, "measured for less than 2 s");
    result.seconds_needed = kRateSeconds * double(restarts.size());
  } else {
    result.verdict = Verdict::pass;
  }
  return result;
}

SizeLaw::SizeLaw(std::vector<SizePoint> points) : points_(std::move(points)) {
  std::sort(points_.begin(), points_.end(),
            [](const SizePoint& one, const SizePoint& two) { return one.bytes < two.bytes; });
}

double SizeLaw::message_ns(double bytes) const noexcept {
  std::size_t upper = 1;
  while (upper + 1 < points_.size() && points_[upper].bytes < bytes)
    ++upper;
  const SizePoint& from = points_[upper - 1];
  const SizePoint& to = points_[upper];
  const double slope = (to.message_ns - from.message_ns) / (to.bytes - from.bytes);
  return from.message_ns + slope * (bytes - from.bytes);
}

CheckResult check_throughput_size(const Circumstances& circumstances,
                                  const std::vector<SizeEvidence>& restarts,
                                  const std::vector<SizeEvidence>& control) {
  std::size_t slices = 0;
  for (const SizeEvidence& one : restarts)
    slices += one.slices;
  std::vector<Part> parts;
  const std::size_t sizes = restarts.empty() ? 0 : restarts.front().between.size();
  for (std::size_t at = 0; at < sizes; ++at) {
    const SizeEvidence& first = restarts.front();
    const double bytes = first.between[at].bytes;
    parts.push_back({.name = std::to_string(static_cast<long long>(bytes)) + " B",
                     .prediction = 1e9 / SizeLaw(first.ends).message_ns(bytes),
                     .limits = kSizeLimits,
                     .replicates = {.ratios = size_ratios(restarts, at),
                                    .control = size_ratios(control, at),
                                    .slices = slices}});
  }
  if (parts.empty()) parts.push_back({.prediction = 1, .limits = kSizeLimits});
  return judge_parts("throughput.size", circumstances, parts);
}

}  // namespace millrace::bench
