#include "millrace/bench/load_analysis.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdio>

namespace millrace::bench {

namespace {

constexpr std::size_t kWindows = 200;  // of the heat map

double difference(std::uint64_t from, std::uint64_t to) noexcept {
  return to > from ? static_cast<double>(to - from) : 0;
}

std::uint64_t whole(double ns) noexcept {
  return ns > 0 ? static_cast<std::uint64_t>(std::llround(ns)) : 0;
}

LoadPicture::Bytes make_histogram() {
  return std::make_unique<layout::HistogramBytes>();
}

void record(const LoadPicture::Bytes& bytes, double ns) {
  Histogram(*bytes).record(whole(ns));
}

double span_of(const LoadSlice& slice) {
  return difference(slice.begin_ns, slice.end_ns);
}

std::string in_us(double ns) {
  char text[32];
  std::snprintf(text, sizeof text, ns < 10'000 ? "%.2f us" : "%.0f us", ns / 1e3);
  return text;
}

// The longest gap that touches the time from `begin` to `end`.
double longest_gap(std::span<const Gap> gaps, double begin, double end) {
  return gaps_within(gaps, whole(begin), whole(end)).max_ns;
}

// The slowest messages say what they waited for: the largest of their parts, and behind it the gap
// that explains it, if one does.
std::string cause_of(const LoadEvidence& evidence, const LoadSlice& slice,
                     const SlowMessage& message) {
  const MessageTimes& times = message.times;
  const double parts[] = {times.slip, times.enqueue, times.wait, times.transfer, times.handling};
  const auto largest = static_cast<std::size_t>(std::max_element(parts, parts + kParts) - parts);
  const double end = message.at_ns + times.total;
  const auto begin = static_cast<double>(slice.begin_ns);
  const double from = std::max(begin, message.at_ns - times.total);
  const bool publisher = largest <= 1;
  const double gap =
      longest_gap(publisher ? evidence.publisher_gaps : evidence.subscriber_gaps, from, end);
  const bool own =
      !publisher && (slice.subscriber.voluntary > 0 || slice.subscriber.minor_faults > 0);
  const bool explained = gap >= 0.5 * parts[largest];
  static constexpr std::array<const char*, kParts> kWhere = {
      "the publisher was late", "the ring was full or the publisher held up",
      "it waited behind others", "the reader did not look", "its handler took long"};
  std::string text = std::string(kWhere[largest]) + " (" + in_us(parts[largest]) + ")";
  if (explained) {
    text += std::string(": ") + (publisher ? "the publisher's" : "the reader's") +
            " processor was away for " + in_us(gap);
    text += own ? ", and it faulted or slept in this slice" : " (the host or the kernel)";
  }
  return text;
}

// Keeps the slowest.
void keep(std::vector<SlowMessage>& slowest, const SlowMessage& message) {
  const auto slower = [](const SlowMessage& one, const SlowMessage& other) {
    return one.times.total > other.times.total;
  };
  if (slowest.size() == kSlowest && message.times.total <= slowest.back().times.total) return;
  slowest.insert(std::upper_bound(slowest.begin(), slowest.end(), message, slower), message);
  if (slowest.size() > kSlowest) slowest.pop_back();
}

// Times from the intended moment on a core that nobody takes away.
void add_quiet(const LoadEvidence& evidence, const LoadSlice& slice, double service_ns,
               double hand_over_ns, Handling handling, LoadPicture& picture) {
  std::vector<double> due;
  for (std::uint64_t each = slice.first; each < slice.first + slice.count; ++each)
    due.push_back(static_cast<double>(evidence.intended[each]));
  std::sort(due.begin(), due.end());
  const std::vector<double> service(due.size(), service_ns);
  const std::vector<double> hand_over(due.size(), hand_over_ns);
  const auto done = replay({.published_ns = due,
                            .service_ns = service,
                            .hand_over_ns = hand_over,
                            .vacations = {},
                            .handling = handling});
  for (std::size_t each = 0; each < due.size(); ++each)
    record(picture.quiet, done[each] - due[each]);
}

class Painter {
 public:
  Painter(LoadPicture& picture, double all_ns) : picture_(picture) {
    picture_.window_ns = std::max(1e6, all_ns / static_cast<double>(kWindows));
    picture_.heat.resize(static_cast<std::size_t>(all_ns / picture_.window_ns) + 1);
  }

  void add(const LoadEvidence& evidence, const LoadSlice& slice) {
    for (std::uint64_t each = slice.first; each < slice.first + slice.count; ++each) {
      if (evidence.visible[each] == 0 || evidence.intended[each] == 0) continue;
      add_message(evidence, slice, each);
    }
    before_ns_ += span_of(slice);
  }

 private:
  void add_message(const LoadEvidence& evidence, const LoadSlice& slice, std::uint64_t number) {
    const MessageTimes times = times_of(evidence, slice, number);
    ++picture_.messages;
    record(picture_.from_intended, times.total);
    record(picture_.from_publish, times.total - times.slip - times.enqueue);
    const double parts[] = {times.slip, times.enqueue, times.wait, times.transfer, times.handling};
    for (std::size_t part = 0; part < kParts; ++part)
      record(picture_.parts[part], parts[part]);
    if (evidence.durable[number] != 0)
      record(picture_.durable, difference(evidence.published[number], evidence.durable[number]));
    const auto at = static_cast<double>(evidence.intended[number]);
    const double since = before_ns_ + at - static_cast<double>(slice.begin_ns);
    const auto window =
        std::min(static_cast<std::size_t>(std::max(0.0, since) / picture_.window_ns),
                 picture_.heat.size() - 1);
    const auto bucket = static_cast<std::size_t>(std::bit_width(whole(times.total) | 1)) - 1;
    ++picture_.heat[window][std::min(bucket, LoadPicture::kBuckets - 1)];
    if (picture_.slowest.size() == kSlowest && times.total <= picture_.slowest.back().times.total) {
      return;
    }
    SlowMessage message{evidence.restart, number, at, times, {}};
    message.cause = cause_of(evidence, slice, message);
    keep(picture_.slowest, message);
  }

  LoadPicture& picture_;
  double before_ns_ = 0;
};

}  // namespace

MessageTimes times_of(const LoadEvidence& evidence, const LoadSlice& slice,
                      std::uint64_t number) noexcept {
  MessageTimes times;
  const std::uint64_t published = evidence.published[number];
  const std::uint64_t visible = evidence.visible[number];
  std::uint64_t free = number > slice.first ? evidence.processed[number - 1] : 0;
  free = std::clamp(free, std::min(published, visible), visible);
  times.slip = difference(evidence.intended[number], evidence.began[number]);
  times.enqueue = difference(evidence.began[number], published);
  times.wait = difference(published, free);
  times.transfer = difference(std::max(published, free), visible);
  times.handling = difference(visible, evidence.processed[number]);
  times.total = times.slip + times.enqueue + times.wait + times.transfer + times.handling;
  return times;
}

LoadPicture picture_of(std::span<const LoadEvidence> restarts, double service_ns,
                       double hand_over_ns, Handling handling) {
  LoadPicture picture;
  for (auto* bytes :
       {&picture.from_intended, &picture.from_publish, &picture.quiet, &picture.durable}) {
    *bytes = make_histogram();
  }
  for (auto& bytes : picture.parts)
    bytes = make_histogram();
  double all_ns = 0;
  for (const LoadEvidence& restart : restarts) {
    for_each_slice(restart, SliceKind::load,
                   [&all_ns](const LoadSlice& slice) { all_ns += span_of(slice); });
  }
  Painter painter(picture, all_ns);
  for (const LoadEvidence& restart : restarts) {
    for_each_slice(restart, SliceKind::load, [&](const LoadSlice& slice) {
      painter.add(restart, slice);
      add_quiet(restart, slice, service_ns, hand_over_ns, handling, picture);
    });
  }
  return picture;
}

std::vector<NoisePoint> noise_of(std::span<const LoadEvidence> restarts) {
  std::vector<NoisePoint> points;
  double before_ns = 0;
  for (const LoadEvidence& restart : restarts) {
    for_each_slice(restart, SliceKind::load, [&](const LoadSlice& slice) {
      const GapSum gaps = gaps_within(restart.subscriber_gaps, slice.begin_ns, slice.end_ns);
      NoisePoint point;
      point.at_ns = before_ns;
      point.length_ns = span_of(slice);
      point.bare_ns = slice.bare_ns();
      point.gap_share = point.length_ns > 0 ? gaps.total_ns / point.length_ns : 0;
      point.gap_max_ns = gaps.max_ns;
      point.stolen_share = slice.all_ticks == 0 ? 0
                                                : static_cast<double>(slice.stolen_ticks) /
                                                      static_cast<double>(slice.all_ticks);
      point.own_doing = slice.subscriber.minor_faults + slice.subscriber.voluntary > 0;
      points.push_back(point);
      before_ns += point.length_ns;
    });
  }
  return points;
}

}  // namespace millrace::bench
