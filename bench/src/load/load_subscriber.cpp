// The subscriber of a measured run: it stamps, handles and checks every message.
#include "../timed_loops.hpp"
#include "load_page.hpp"
#include "millrace/core/clock.hpp"
#include "millrace/core/cpu.hpp"
#include "millrace/transport/domain.hpp"
#include "slice_noise.hpp"

#include <algorithm>
#include <cstring>
#include <ctime>
#include <vector>

namespace millrace::bench {

namespace {

constexpr std::uint64_t kPlantEvery = 100;
// Everything was published, and so often in a row nothing was there: it will not come. (Time would
// not tell: it passes while we are not running. A lane that was idle is looked at less often.)
constexpr unsigned kQuietTurns = 4096;
constexpr std::uint64_t kSleepEveryNs = 100'000'000;
constexpr timespec kSleep{0, 2'000'000};

class LoadSubscriber {
 public:
  LoadSubscriber(const LoadPlan& plan, const LoadPage& page, const Clock& clock,
                 Subscriber subscriber)
      : plan_(plan),
        page_(page),
        words_(page.words()),
        clock_(clock),
        subscriber_(std::move(subscriber)),
        handler_(plan.handler, clock),
        gaps_(page.subscriber_gaps(), clock.duration_ticks(kGapThresholdNs)),
        visible_(page.stamps(LoadPage::Stamp::visible)),
        processed_(page.stamps(LoadPage::Stamp::processed)),
        sleep_ticks_(clock.duration_ticks(kSleepEveryNs)),
        delay_ticks_(clock.duration_ticks(1000)) {}

  Result<void> run() {
    for (std::uint64_t seen = 0;;) {
      // [sync:load-order] Acquire: the argument belongs to this order.
      const std::uint64_t order = words_.order.load(std::memory_order_acquire);
      if (order == seen) {
        relax(plan_.cpus);
        continue;
      }
      seen = order;
      const std::uint64_t argument = words_.argument.load(std::memory_order_relaxed);
      const auto what = static_cast<LoadWords::What>(order & 3);
      if (what == LoadWords::What::bare) {
        follow_bare<false>(words_.bare, argument, bare_count_);
      } else if (what == LoadWords::What::slice) {
        if (auto done = read_slice(argument); !done) return done;
      } else {
        leave_counts();
      }
      // [sync:load-done] Release: the publisher reads what we wrote of the slice.
      words_.done.store(order, std::memory_order_release);
      if (what == LoadWords::What::quit) return {};
    }
  }

 private:
  Result<void> read_slice(std::uint64_t number) {
    const SlicePlan& slice = page_.slices()[number];
    const std::uint64_t end = slice.first + slice.count;
    noise_.begin();
    std::uint64_t now = clock_.ticks();
    unsigned quiet = 0;
    gaps_.restart(now);
    bool lone = true;
    while (next_ < end || slice.kind == SliceKind::still) {
      auto bytes = look();
      if (!bytes) [[unlikely]] {
        if (auto on = go_on(bytes.error()); !on) return on;
      } else if (bytes->data() != nullptr) {
        if (plan_.plant == LoadPlant::lone_delay && lone) now = wait_a_moment();
        now = take(*bytes, slice);
        if (plan_.bare) give_back();
        quiet = 0;
        lone = false;
        continue;
      }
      lone = true;
      if (plan_.plant == LoadPlant::sleep) sleep_now_and_then(now);
      if (!plan_.cpus.apart()) relax(plan_.cpus);
      now = clock_.ticks();
      gaps_.see(now);
      // [sync:load-published] Acquire: all of the slice is in the ring.
      if (words_.published_slices.load(std::memory_order_acquire) > number) ++quiet;
      if (quiet == kQuietTurns) break;  // the rest is lost
    }
    const std::uint64_t last_ns = monotonic_ns();
    next_ = std::max(next_, end);
    static_cast<void>(subscriber_.release());
    if (slice.kind == SliceKind::load) words_.subscriber.last_ns = last_ns;
    page_.slice_words()[number].subscriber = noise_.end();
    return {};
  }

  // The bytes of the next message, without a place if none is there.
  Result<std::span<const std::byte>> look() noexcept {
    if (plan_.bare) {
      const BareLane::Slot& slot = words_.bare_lane.slots[bare_taken_ % BareLane::kSlots];
      // [sync:load-bare] Acquire: the bytes belong to this number.
      if (slot.number.load(std::memory_order_acquire) != bare_taken_ + 1)
        return std::span<const std::byte>();
      return std::span<const std::byte>(slot.bytes).first(slot.length);
    }
    auto message = subscriber_.try_poll();
    if (!message) [[unlikely]]
      return Failure(message.error());
    return *message ? (*message)->bytes() : std::span<const std::byte>();
  }

  void give_back() noexcept {
    // [sync:load-bare-taken] Release: we are done with the bytes.
    words_.bare_taken.store(++bare_taken_, std::memory_order_release);
  }

  // One message; returns ticks at its end.
  std::uint64_t take(std::span<const std::byte> bytes, const SlicePlan& slice) noexcept {
    const std::uint64_t seen = clock_.ticks_ordered();
    gaps_.see(seen);
    std::uint64_t number = 0;
    if (bytes.size() < sizeof number) [[unlikely]] {
      ++words_.counts.wrong;
      return seen;
    }
    std::memcpy(&number, bytes.data(), sizeof number);
    if (number >= page_.messages()) [[unlikely]] {
      ++words_.counts.wrong;
      return seen;
    }
    count(bytes, number);
    if (slice.kind == SliceKind::load) words_.counts.load_bytes += bytes.size();
    if (plan_.plant == LoadPlant::duplicate && number % kPlantEvery == 50) [[unlikely]]
      count(bytes, number);
    std::uint64_t now = handler_.handle(bytes, seen, gaps_);
    if (plan_.plant == LoadPlant::slow && number % kPlantEvery == 50 &&
        slice.kind == SliceKind::load) [[unlikely]] {
      for (int more = 1; more < 10; ++more)
        now = handler_.handle(bytes, now, gaps_);
    }
    visible_[number] = seen;
    processed_[number] = now;
    if (slice.kind == SliceKind::load && words_.subscriber.first_ns == 0) [[unlikely]]
      words_.subscriber.first_ns = monotonic_ns();
    return now;
  }

  // Numbers come in order; each that is passed over is lost, until it turns up late.
  void count(std::span<const std::byte> bytes, std::uint64_t number) noexcept {
    LoadCounts& counts = words_.counts;
    if (number >= next_) {
      next_ = number + 1;
    } else if (visible_[number] != 0 || number + 1 == next_) {
      ++counts.duplicated;
    } else {
      ++counts.reordered;
    }
    ++counts.received;
    counts.received_bytes += bytes.size();
    std::uint64_t sum = load_sum(bytes);
    if (plan_.plant == LoadPlant::wrong_byte && number % kPlantEvery == 50) [[unlikely]]
      sum ^= 1;
    counts.received_sum += sum;
  }

  // Overtaken or given up: counted, and on with it.
  Result<void> go_on(const Error& error) noexcept {
    if (error.code() != Errc::overrun && error.code() != Errc::evicted) return Failure(error);
    return {};
  }

  std::uint64_t wait_a_moment() noexcept {
    const std::uint64_t began = clock_.ticks();
    std::uint64_t now = began;
    while (now - began < delay_ticks_) {
      now = clock_.ticks();
      gaps_.see(now);
    }
    return now;
  }

  void sleep_now_and_then(std::uint64_t now) noexcept {
    if (now - slept_ < sleep_ticks_) return;
    nanosleep(&kSleep, nullptr);
    slept_ = clock_.ticks();
  }

  void leave_counts() noexcept {
    words_.subscriber.gaps = gaps_.count();
    words_.subscriber.gaps_lost = gaps_.lost();
    words_.counts.transport_lost = subscriber_.stats().lost;
  }

  const LoadPlan& plan_;
  const LoadPage& page_;
  LoadWords& words_;
  const Clock clock_;
  Subscriber subscriber_;
  RunningHandler handler_;
  NoiseReader noise_;
  GapMeter gaps_;
  std::span<std::uint64_t> visible_;
  std::span<std::uint64_t> processed_;
  std::uint64_t sleep_ticks_;
  std::uint64_t delay_ticks_;
  std::uint64_t slept_ = 0;
  std::uint64_t next_ = 0;  // number after the newest one seen
  std::uint64_t bare_count_ = 0;
  std::uint64_t bare_taken_ = 0;
};

Result<void> follow(const LoadPlan& plan, const LoadPage& page, const std::string& name) {
  const auto clock = settle_load_process(plan, plan.cpus.subscriber);
  if (!clock) return Failure(clock.error());
  auto domain = Domain::open({.path = plan.domain, .participant = "profile-subscriber"});
  if (!domain) return Failure(domain.error());
  auto channel = domain->find(name);
  if (!channel) return Failure(channel.error());
  // On a durable channel too the ring is measured; what the disk adds is stamped apart.
  auto subscriber = channel->subscriber(
      {.from = From::oldest(), .wait = Wait::spin, .delivery = Delivery::visible});
  if (!subscriber) return Failure(subscriber.error());
  LoadSubscriber follower(plan, page, *clock, std::move(*subscriber));
  // [sync:load-ready] Release: we are in place, and miss nothing.
  page.words().subscriber.ready.store(1, std::memory_order_release);
  return follower.run();
}

}  // namespace

int live_as_load_subscriber(const LoadPlan& plan, const LoadPage& page,
                            const std::string& channel) {
  const auto done = follow(plan, page, channel);
  return done ? 0 : give_up_as(page.words().subscriber, done.error());
}

}  // namespace millrace::bench
