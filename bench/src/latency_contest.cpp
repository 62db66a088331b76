// The guard of the reader that steps back: an open loop at half of the peak rate, Poisson or in
// bursts of 16. Latency counts from the moment a message was meant to be sent, so a generator that
// comes late hides nothing. The ends are those of the core lane; the readers differ in
// one constant.
#include "channel_ends.hpp"
#include "contest.hpp"
#include "core_lane.hpp"
#include "millrace/core/clock.hpp"
#include "timed_loops.hpp"

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

namespace millrace::bench {

namespace {

constexpr std::size_t kGaps = 4096;
constexpr std::uint64_t kHeadStartNs = 5'000;  // between the order and the first message

bool in_bursts(Subject subject) noexcept {
  return info(subject).bracket == Subject::bursts_plain;
}

// Gaps between messages, or between bursts, in units of the mean gap of messages. The same for all
// generators of a kind, so that none finds them colder in its cache than another.
const std::array<double, kGaps>& gaps_of(Subject subject) {
  const auto make = [](double mean) {
    std::array<double, kGaps> gaps{};
    std::mt19937_64 random(1);
    std::exponential_distribution<double> gap(1);
    for (double& one : gaps)
      one = gap(random) * mean;
    return gaps;
  };
  static const auto kLone = make(1);
  static const auto kBursts = make(static_cast<double>(kBatchCount));
  return in_bursts(subject) ? kBursts : kLone;
}

// Of the slice at work: one place for all readers, for the same reason.
std::vector<std::uint64_t>& latencies() {
  static std::vector<std::uint64_t> ticks;
  return ticks;
}

LaneGround& lane_of(const Arena& arena, Subject subject) noexcept {
  return arena.grounds.lanes[3 + index(subject) - index(Subject::poisson_plain)];
}

class Generator final : public Contest {
 public:
  Generator(const Arena& arena, Subject subject)
      : orders_(*arena.grounds.orders),
        lane_(lane_of(arena, subject)),
        sender_(must(LaneMaps::of(lane_, Access::write)), *lane_.places),
        gaps_(gaps_of(subject)),
        burst_(in_bursts(subject) ? kBatchCount : 1) {}

  Timing lead(std::uint64_t) noexcept override { return {}; }

  void follow(std::uint64_t messages) noexcept override {
    const double gap_ticks = static_cast<double>(clock_.duration_ticks(1000)) / 1000 *
                             static_cast<double>(orders_.gap_ns.load(std::memory_order_relaxed));
    alignas(64) std::byte message[kStreamBytes] = {};
    double after = static_cast<double>(clock_.duration_ticks(kHeadStartNs));
    const std::uint64_t began = clock_.ticks();
    for (std::uint64_t i = 0; i < messages; ++i) {
      if (i % burst_ == 0) after += gaps_[at_++ % kGaps] * gap_ticks;
      const std::uint64_t due = began + static_cast<std::uint64_t>(after);
      while (clock_.ticks() < due) {
      }
      put_count(message, ++count_);
      std::memcpy(message + sizeof count_, &due, sizeof due);
      sender_.send(message);
    }
  }

 private:
  Orders& orders_;
  LaneGround& lane_;
  CoreSender sender_;
  const std::array<double, kGaps>& gaps_;
  std::uint64_t burst_;
  Clock clock_ = Clock::local();
  std::size_t at_ = 0;
  std::uint64_t count_ = 0;
};

template <bool kStepsBack>
class LatencyReader final : public Contest {
 public:
  LatencyReader(const Arena& arena, Subject subject)
      : lane_(lane_of(arena, subject)),
        receiver_(must(LaneMaps::of(lane_, Access::read)), *lane_.places) {
    latencies().reserve(kMost);
  }

  Timing lead(std::uint64_t messages) noexcept override {
    std::vector<std::uint64_t>& late = latencies();
    late.clear();
    const std::uint64_t timed = count_ + std::min(messages / 2, kRingSlots);  // after a lap
    Timing timing;
    const auto sink = [&](const std::byte* message, std::size_t length) {
      alignas(64) std::byte copy[kStreamBytes];
      std::memcpy(copy, message, length);
      keep(copy);
      std::uint64_t due = 0;
      std::memcpy(&due, copy + sizeof count_, sizeof due);
      const std::uint64_t now = clock_.ticks();
      timing.wrong += count_of(copy) != ++count_ ? 1 : 0;
      if (count_ > timed && late.size() < kMost) late.push_back(now > due ? now - due : 0);
    };
    const auto began = SliceClock::now();
    for (std::uint64_t received = 0; received < messages;)
      received += receiver_.drain(sink, messages - received);
    timing.mean_ns = ns_since(began) / static_cast<double>(messages);
    timing.median_ns = percentile_ns(0.50);
    timing.tail_ns = percentile_ns(0.99);
    return timing;
  }

  void follow(std::uint64_t) noexcept override {}

 private:
  static constexpr std::size_t kMost = std::size_t{1} << 18;

  double percentile_ns(double share) noexcept {
    std::vector<std::uint64_t>& late = latencies();
    if (late.empty()) return 0;
    const auto at = static_cast<std::ptrdiff_t>(share * static_cast<double>(late.size() - 1));
    std::nth_element(late.begin(), late.begin() + at, late.end());
    // At least one: a logarithm is taken of it.
    return std::max(1.0,
                    static_cast<double>(clock_.duration_ns(late[static_cast<std::size_t>(at)])));
  }

  LaneGround& lane_;
  CoreReceiver<kStepsBack> receiver_;
  Clock clock_ = Clock::local();
  std::uint64_t count_ = 0;
};

}  // namespace

ContestPointer make_latency(const Arena& arena, Subject subject) {
  if (!arena.leads()) return std::make_unique<Generator>(arena, subject);
  if (info(subject).role == Role::row) {
    return std::make_unique<LatencyReader<true>>(arena, subject);
  }
  return std::make_unique<LatencyReader<false>>(arena, subject);
}

}  // namespace millrace::bench
