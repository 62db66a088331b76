#include "trace_spans.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace millrace::tools {

namespace {

constexpr std::array<SpanKind, kSpans> kKinds{{
    {"slip", Stage::intended, Stage::claim, false},
    {"claim", Stage::claim, Stage::claimed, false},
    {"fill", Stage::claimed, Stage::published, false},
    {"transfer", Stage::published, Stage::visible, true},
    {"dequeue", Stage::visible, Stage::dequeued, false},
    {"handler", Stage::dequeued, Stage::processed, false},
    {"release", Stage::processed, Stage::released, false},
    {"to journal", Stage::published, Stage::appended, true},
    {"gather", Stage::appended, Stage::submitted, false},
    {"write", Stage::submitted, Stage::written, false},
    {"flush", Stage::written, Stage::durable, false},
}};

StampRole role_of(Stage stage) noexcept {
  return static_cast<StampRole>(static_cast<std::size_t>(stage) / layout::kStampsPerRecord + 1);
}

// Nearest rank. REQUIRES sorted and not empty.
double percentile(const std::vector<double>& sorted, double share) {
  const auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(sorted.size())));
  return sorted[std::max<std::size_t>(rank, 1) - 1];
}

SpanSummary summary_of(const SpanKind& kind, std::vector<double>& lengths, std::uint64_t backwards,
                       const ClockLine& line) {
  SpanSummary sum{.kind = kind, .count = lengths.size(), .backwards = backwards};
  std::ranges::sort(lengths);
  for (const double length : lengths)
    sum.mean_ns += length / static_cast<double>(lengths.size());
  sum.p50_ns = percentile(lengths, 0.5);
  sum.p99_ns = percentile(lengths, 0.99);
  sum.max_ns = lengths.back();
  sum.resolved =
      kind.one_way ? resolve_one_way(sum.mean_ns, line) : resolve_stage(sum.mean_ns, line);
  return sum;
}

}  // namespace

std::span<const SpanKind, kSpans> span_kinds() noexcept {
  return kKinds;
}

std::optional<std::uint64_t> MessageTimes::at(Stage stage, const Passage& passage) const {
  const StampRole role = tools::role_of(stage);
  if (role_of(passage) != role) {
    return role == StampRole::publisher ? first(stage) : std::nullopt;
  }
  const std::uint64_t ticks =
      passage.stamps[static_cast<std::size_t>(stage) % layout::kStampsPerRecord];
  return ticks == 0 ? std::nullopt : std::optional(clock_.to_ns(ticks));
}

std::optional<std::uint64_t> MessageTimes::first(Stage stage) const {
  std::optional<std::uint64_t> found;
  for (const Passage& passage : message_.passages) {
    if (role_of(passage) != tools::role_of(stage)) continue;
    const auto time = at(stage, passage);
    if (time && (!found || *time < *found)) found = time;
  }
  return found;
}

std::optional<std::uint64_t> MessageTimes::last(Stage stage) const {
  std::optional<std::uint64_t> found;
  for (const Passage& passage : message_.passages) {
    if (role_of(passage) != tools::role_of(stage)) continue;
    const auto time = at(stage, passage);
    if (time && (!found || *time > *found)) found = time;
  }
  return found;
}

std::uint64_t MessageTimes::latency_ns() const {
  std::optional<std::uint64_t> begin;
  for (const Stage stage : {Stage::intended, Stage::claim, Stage::published}) {
    if (!begin) begin = first(stage);
  }
  std::optional<std::uint64_t> end;
  for (const Stage stage : {Stage::processed, Stage::dequeued, Stage::visible, Stage::durable}) {
    if (!end) end = last(stage);
  }
  return begin && end && *end > *begin ? *end - *begin : 0;
}

std::vector<SpanSummary> summarise(const ChannelTrace& trace,
                                   const std::vector<MessageTrace>& messages, const Clock& clock,
                                   const ClockLine& line) {
  std::vector<SpanSummary> sums;
  for (const SpanKind& kind : kKinds) {
    std::vector<double> lengths;
    std::uint64_t backwards = 0;
    for (const MessageTrace& message : messages) {
      const MessageTimes times(trace, message, clock);
      for (const Passage& passage : message.passages) {
        if (trace.recorders[passage.recorder].role != role_of(kind.to)) continue;
        const auto from = times.at(kind.from, passage);
        const auto to = times.at(kind.to, passage);
        if (!from || !to) continue;
        const auto length = static_cast<std::int64_t>(*to - *from);
        backwards += length < 0 ? 1 : 0;
        lengths.push_back(static_cast<double>(length));
      }
    }
    if (!lengths.empty()) sums.push_back(summary_of(kind, lengths, backwards, line));
  }
  return sums;
}

}  // namespace millrace::tools
