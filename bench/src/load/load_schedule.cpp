#include "millrace/bench/load_schedule.hpp"

#include "seeded.hpp"

#include <algorithm>
#include <cinttypes>
#include <cmath>
#include <limits>

namespace millrace::bench {

namespace {

constexpr double kSecondNs = 1e9;

// Adds arrivals until one lies behind the end. A schedule has at least one, at 0 if chance gave
// none.
class Builder {
 public:
  explicit Builder(double duration_ns) : duration_ns_(duration_ns) {}

  [[nodiscard]] bool past(double at_ns) const noexcept { return at_ns >= duration_ns_; }

  bool add(double at_ns) {
    if (past(at_ns) || schedule_.size() > kLoadMessagesMax) return false;
    schedule_.push_back(static_cast<std::uint64_t>(at_ns));
    return true;
  }

  [[nodiscard]] Schedule take() {
    if (schedule_.empty()) schedule_.push_back(0);
    return std::move(schedule_);
  }

 private:
  double duration_ns_;
  Schedule schedule_;
};

void add_constant(Builder& builder, double rate) {
  const double gap_ns = kSecondNs / rate;
  for (std::uint64_t number = 0; builder.add(gap_ns * static_cast<double>(number)); ++number) {
  }
}

void add_batches(Builder& builder, double rate, std::uint32_t size, Seeded& random) {
  const double gap_ns = kSecondNs / rate * size;
  for (double at_ns = random.exponential(gap_ns);; at_ns += random.exponential(gap_ns)) {
    for (std::uint32_t each = 0; each < size; ++each) {
      if (!builder.add(at_ns)) return;
    }
  }
}

// A two-state Markov modulated process: both states last exponentially long.
void add_bursts(Builder& builder, const LoadShape& shape, Seeded& random) {
  const double gap_ns = kSecondNs / shape.rate * shape.on_ns / (shape.on_ns + shape.off_ns);
  double at_ns = random.exponential(shape.off_ns) * random.uniform();
  for (;;) {
    const double end_ns = at_ns + random.exponential(shape.on_ns);
    for (at_ns += random.exponential(gap_ns); at_ns < end_ns; at_ns += random.exponential(gap_ns)) {
      if (!builder.add(at_ns)) return;
    }
    at_ns = end_ns + random.exponential(shape.off_ns);
    if (builder.past(at_ns)) return;
  }
}

void add_recorded(Builder& builder, std::span<const std::uint64_t> recorded, double speed) {
  const double length_ns = static_cast<double>(recorded.back());
  const double between = recorded.size() < 2 ? kSecondNs : static_cast<double>(recorded.size() - 1);
  const double gap_ns = recorded.size() < 2 ? kSecondNs : std::max(1.0, length_ns / between);
  for (double from_ns = 0;; from_ns += length_ns + gap_ns) {
    for (const std::uint64_t at_ns : recorded) {
      if (!builder.add((from_ns + static_cast<double>(at_ns)) / speed)) return;
    }
  }
}

}  // namespace

Result<Schedule> make_schedule(const LoadShape& shape, std::span<const std::uint64_t> recorded,
                               std::uint64_t duration_ns, std::uint64_t seed) {
  if (shape.kind == LoadShape::Kind::replay && recorded.empty()) {
    return fail(Errc::bad_argument, "the recording holds no arrivals");
  }
  Builder builder(static_cast<double>(duration_ns));
  Seeded random(seed);
  switch (shape.kind) {
    case LoadShape::Kind::constant: add_constant(builder, shape.rate); break;
    case LoadShape::Kind::poisson: add_batches(builder, shape.rate, 1, random); break;
    case LoadShape::Kind::batch: add_batches(builder, shape.rate, shape.batch, random); break;
    case LoadShape::Kind::on_off: add_bursts(builder, shape, random); break;
    case LoadShape::Kind::replay: add_recorded(builder, recorded, shape.speed); break;
  }
  Schedule schedule = builder.take();
  if (schedule.size() > kLoadMessagesMax) {
    const double rate = shape.rate > 0 ? shape.rate : mean_rate(schedule);
    return fail(Errc::bad_argument,
                "more than %" PRIu64
                " messages would be due in %.3g s, and the stamps of no more "
                "are kept; measure %.3g s at most, or a lower rate",
                kLoadMessagesMax, static_cast<double>(duration_ns) / kSecondNs,
                static_cast<double>(kLoadMessagesMax) / rate);
  }
  return schedule;
}

double mean_rate(std::span<const std::uint64_t> arrivals_ns) noexcept {
  if (arrivals_ns.size() < 2 || arrivals_ns.back() == arrivals_ns.front()) return 0;
  return static_cast<double>(arrivals_ns.size() - 1) * kSecondNs /
         static_cast<double>(arrivals_ns.back() - arrivals_ns.front());
}

}  // namespace millrace::bench
