// The publisher of a measured run. It leads: bare slices, slices of load, and the end.
#include "../timed_loops.hpp"
#include "load_page.hpp"
#include "millrace/core/clock.hpp"
#include "millrace/core/cpu.hpp"
#include "millrace/transport/domain.hpp"
#include "slice_noise.hpp"

#include <algorithm>
#include <chrono>
#include <limits>
#include <sched.h>
#include <unistd.h>

namespace millrace::bench {

namespace {

constexpr double kBareSliceNs = 1.5e6;
constexpr std::uint64_t kTripsLeast = 4 * kSubSlices;
constexpr std::uint64_t kTripsFirst = 2000;
constexpr std::uint64_t kEnqueueBlock = 250;
constexpr std::uint64_t kPlantEvery = 100;
constexpr std::chrono::milliseconds kPatience{20};

class LoadPublisher {
 public:
  LoadPublisher(const LoadPlan& plan, const LoadPage& page, const Clock& clock, Publisher publisher)
      : plan_(plan),
        page_(page),
        words_(page.words()),
        clock_(clock),
        publisher_(std::move(publisher)),
        gaps_(page.publisher_gaps(), clock.duration_ticks(kGapThresholdNs)),
        intended_(page.stamps(LoadPage::Stamp::intended)),
        began_(page.stamps(LoadPage::Stamp::began)),
        published_(page.stamps(LoadPage::Stamp::published)),
        durable_(page.stamps(LoadPage::Stamp::durable)) {}

  Result<void> run() {
    words_.origin_ticks = clock_.ticks();
    words_.enqueue_ns = std::numeric_limits<double>::infinity();
    double bare_ns = play_bare();
    for (std::uint64_t number = 0; number < page_.slices().size(); ++number) {
      const SlicePlan& slice = page_.slices()[number];
      SliceWords& words = page_.slice_words()[number];
      words.bare_before_ns = bare_ns;
      const CpuTicks stolen = stolen_ticks();
      noise_.begin();
      if (auto done = run_slice(slice, number, words); !done) return done;
      words.publisher = noise_.end();
      const CpuTicks after = stolen_ticks();
      words.stolen = {after.all - stolen.all, after.stolen - stolen.stolen};
      bare_ns = play_bare();
      words.bare_after_ns = bare_ns;
    }
    obey_done(order(LoadWords::What::quit, 0));
    leave_counts();
    return {};
  }

 private:
  // Both processes must spin for this: with one processor there is no bare round trip.
  double play_bare() {
    if (!plan_.cpus.apart()) return 0;
    const std::uint64_t order_number = order(LoadWords::What::bare, trips_);
    const Timing timing = lead_bare<false>(words_.bare, trips_, bare_count_);
    obey_done(order_number);
    trips_ = std::max(kTripsLeast, static_cast<std::uint64_t>(kBareSliceNs / timing.mean_ns));
    return timing.median_ns;
  }

  std::uint64_t order(LoadWords::What what, std::uint64_t argument) noexcept {
    words_.argument.store(argument, std::memory_order_relaxed);
    const std::uint64_t number = ++orders_ << 2 | static_cast<std::uint64_t>(what);
    // [sync:load-order] Release. Without it the subscriber could take the argument of the last one.
    words_.order.store(number, std::memory_order_release);
    return number;
  }

  void obey_done(std::uint64_t number) noexcept {
    // [sync:load-done] Acquire: what it wrote about the slice is in place.
    while (words_.done.load(std::memory_order_acquire) != number)
      relax(plan_.cpus);
  }

  Result<void> run_slice(const SlicePlan& slice, std::uint64_t number, SliceWords& words) {
    std::uint64_t order_number = 0;
    words.begin_ticks = clock_.ticks();
    if (slice.kind == SliceKind::still) {
      order_number = order(LoadWords::What::slice, number);
      stand_still();
    } else if (slice.kind == SliceKind::drain) {
      if (auto filled = fill(slice); !filled) return filled;
      order_number = order(LoadWords::What::slice, number);
    } else {
      order_number = order(LoadWords::What::slice, number);
      if (auto sent = send_on_time(slice, words); !sent) return sent;
    }
    // [sync:load-published] Release: the subscriber that sees it need not wait for more.
    words_.published_slices.store(number + 1, std::memory_order_release);
    await_durable(slice);
    obey_done(order_number);
    words.end_ticks = clock_.ticks();
    return {};
  }

  void stand_still() noexcept {
    const std::uint64_t began = clock_.ticks();
    const std::uint64_t ticks =
        clock_.duration_ticks(static_cast<std::uint64_t>(plan_.still_seconds * 1e9));
    gaps_.restart(began);
    for (std::uint64_t now = began; now - began < ticks;) {
      if (!plan_.cpus.apart()) sched_yield();
      now = clock_.ticks();
      gaps_.see(now);
    }
  }

  // Into an empty ring that nobody reads: what a message costs the publisher.
  Result<void> fill(const SlicePlan& slice) {
    std::uint64_t block = clock_.ticks();
    for (std::uint64_t each = 0; each < slice.count; ++each) {
      if (auto sent = send(slice.first + each); !sent) return sent;
      if ((each + 1) % kEnqueueBlock != 0) continue;
      const std::uint64_t now = clock_.ticks();
      const double ns = static_cast<double>(clock_.duration_ns(now - block)) / kEnqueueBlock;
      words_.enqueue_ns = std::min(words_.enqueue_ns, ns);
      block = now;
    }
    return {};
  }

  Result<void> send_on_time(const SlicePlan& slice, SliceWords& words) {
    const bool judged = slice.kind == SliceKind::load;
    std::uint64_t now = clock_.ticks();
    gaps_.restart(now);
    const std::uint64_t begin = now + clock_.duration_ticks(2000);
    words.begin_ticks = begin;
    for (std::uint64_t each = 0; each < slice.count; ++each) {
      const std::uint64_t number = slice.first + each;
      const std::uint64_t due = begin + clock_.duration_ticks(slice.due_ns[each]);
      while (now < due) {
        watch_durable(now, number);
        if (!plan_.cpus.apart()) sched_yield();
        now = clock_.ticks();
        gaps_.see(now);
      }
      intended_[number] = due;
      began_[number] = now;
      if (auto sent = send(number); !sent) [[unlikely]]
        return sent;
      now = clock_.ticks();
      published_[number] = now;
      gaps_.see(now);
      if (judged && words_.publisher.first_ns == 0) [[unlikely]]
        words_.publisher.first_ns = time_ns();
    }
    if (judged) {
      words_.publisher.last_ns = time_ns();
      words_.counts.load_sent += slice.count;
    }
    return {};
  }

  // CLOCK_MONOTONIC by way of the shared calibration of ticks.
  std::uint64_t time_ns() const noexcept {
    const std::uint64_t now_ns = clock_.now_ns();
    if (plan_.plant != LoadPlant::fast_clock) return now_ns;
    const std::uint64_t origin_ns = clock_.to_ns(words_.origin_ticks);
    return origin_ns + static_cast<std::uint64_t>(static_cast<double>(now_ns - origin_ns) * 1.01);
  }

  Result<void> send(std::uint64_t number) {
    if (plan_.plant == LoadPlant::drop && number % kPlantEvery == 50) [[unlikely]] {
      ++words_.counts.sent;
      words_.counts.sent_bytes += load_length(plan_, number);
      return {};
    }
    const std::uint32_t length = load_length(plan_, number);
    if (plan_.bare) {
      send_bare(number, length);
      return {};
    }
    auto claim = publisher_.try_claim(length);
    if (claim) [[likely]] {
      publish(*claim, number);
      return {};
    }
    if (claim.error().code() != Errc::full) return Failure(claim.error());
    auto later = wait_for_room(length);
    if (!later) return Failure(later.error());
    publish(*later, number);
    return {};
  }

  void send_bare(std::uint64_t number, std::uint32_t length) noexcept {
    // [sync:load-bare-taken] Acquire: the reader is done with the bytes of a lap ago.
    while (words_.counts.sent - words_.bare_taken.load(std::memory_order_acquire) ==
           BareLane::kSlots) {
      relax(plan_.cpus);
    }
    BareLane::Slot& slot = words_.bare_lane.slots[words_.counts.sent % BareLane::kSlots];
    slot.length = length;
    write_load(plan_, number, std::span(slot.bytes).first(length));
    words_.counts.sent_bytes += length;
    ++words_.counts.sent;
    // [sync:load-bare] Release: whoever sees the number sees the bytes.
    slot.number.store(words_.counts.sent, std::memory_order_release);
  }

  void publish(Claim& claim, std::uint64_t number) noexcept {
    write_load(plan_, number, claim.bytes());
    words_.counts.sent_bytes += claim.bytes().size();
    ++words_.counts.sent;
    std::move(claim).publish();
  }

  // A stopped reader is waited for; the parent ends what goes on for ever.
  Result<Claim> wait_for_room(std::uint32_t length) {
    const std::uint64_t began = clock_.ticks();
    ++words_.counts.blocked;
    for (;;) {
      auto claim = publisher_.claim_for(kPatience, length);
      if (!claim && claim.error().code() == Errc::timeout) continue;
      const std::uint64_t now = clock_.ticks();
      words_.counts.blocked_ns += clock_.duration_ns(now - began);
      gaps_.restart(now);
      return claim;
    }
  }

  // Marks messages up to the durable point, as far as they are published.
  void watch_durable(std::uint64_t now, std::uint64_t published) noexcept {
    if (plan_.journal.empty()) return;
    const std::uint64_t durable = std::min<std::uint64_t>(publisher_.durable(), published);
    for (; durable_seen_ < durable; ++durable_seen_)
      durable_[durable_seen_] = now;
  }

  // Messages of the slice become durable while we look; nobody else would stamp them.
  void await_durable(const SlicePlan& slice) noexcept {
    if (plan_.journal.empty() || plan_.plant == LoadPlant::drop) return;
    const std::uint64_t end = slice.first + slice.count;
    while (durable_seen_ < end) {
      watch_durable(clock_.ticks(), end);
      cpu::pause();
    }
  }

  CpuTicks stolen_ticks() const {
    if (!plan_.cpus.apart()) return {};
    return cpu_ticks({plan_.cpus.publisher, plan_.cpus.subscriber});
  }

  void leave_counts() {
    words_.publisher.gaps = gaps_.count();
    words_.publisher.gaps_lost = gaps_.lost();
    words_.counts.positions = publisher_.stats().position;
    words_.counts.evicted = publisher_.stats().evictions;
    if (plan_.plant == LoadPlant::counter) ++words_.counts.sent;
  }

  const LoadPlan& plan_;
  const LoadPage& page_;
  LoadWords& words_;
  const Clock clock_;
  Publisher publisher_;
  NoiseReader noise_;
  GapMeter gaps_;
  std::span<std::uint64_t> intended_;
  std::span<std::uint64_t> began_;
  std::span<std::uint64_t> published_;
  std::span<std::uint64_t> durable_;
  std::uint64_t durable_seen_ = 0;
  std::uint64_t orders_ = 0;
  std::uint64_t trips_ = kTripsFirst;
  std::uint64_t bare_count_ = 0;
};

Result<void> lead(const LoadPlan& plan, const LoadPage& page, const std::string& name) {
  const auto clock = settle_load_process(plan, plan.cpus.publisher);
  if (!clock) return Failure(clock.error());
  auto domain = Domain::open({.path = plan.domain, .participant = "profile-publisher"});
  if (!domain) return Failure(domain.error());
  auto channel = domain->find(name);
  if (!channel) return Failure(channel.error());
  await_ready(page.words().subscriber);
  auto publisher = channel->publisher({.name = plan.journal.empty() ? "" : "load"});
  if (!publisher) return Failure(publisher.error());
  LoadPublisher leader(plan, page, *clock, std::move(*publisher));
  auto done = leader.run();
  page.words().stop_recorder.store(1, std::memory_order_relaxed);
  return done;
}

}  // namespace

int live_as_load_publisher(const LoadPlan& plan, const LoadPage& page, const std::string& channel) {
  const auto done = lead(plan, page, channel);
  return done ? 0 : give_up_as(page.words().publisher, done.error());
}

}  // namespace millrace::bench
