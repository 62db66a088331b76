// A reader that sleeps in the kernel: from the store (or publish) to its first instruction after
// it, both stamped by CLOCK_MONOTONIC. Only wakes of a follower that really slept count: the kernel
// says how often it gave its processor away.
#include "channel_ends.hpp"
#include "contest.hpp"
#include "millrace/core/clock.hpp"
#include "millrace/core/futex.hpp"
#include "timed_loops.hpp"

#include <string>
#include <sys/resource.h>
#include <vector>

namespace millrace::bench {

namespace {

// Going to sleep takes some microseconds; after this it is done.
constexpr std::uint64_t kUntilAsleepNs = 60'000;
constexpr std::uint64_t kBoundNs = 1'000'000'000;

long times_slept() noexcept {
  rusage usage{};
  getrusage(RUSAGE_THREAD, &usage);
  return usage.ru_nvcsw;
}

// What a message or word carries from the waker to the sleeper.
struct Stamped {
  std::uint64_t count = 0;
  std::uint64_t sent_ns = 0;
};

class BareWaker {
 public:
  explicit BareWaker(BareWords& words) noexcept : words_(words) {}

  void wake(const Stamped& stamped) noexcept {
    words_.back.store(stamped.sent_ns, std::memory_order_relaxed);
    // [sync:bench-futex] Release: the stamp comes with the count.
    words_.there.store(stamped.count, std::memory_order_release);
    (void)futex_wake(low_half(), 1);
  }

  Stamped sleep(std::uint64_t seen) noexcept {
    // [sync:bench-futex] Acquire.
    while (words_.there.load(std::memory_order_acquire) == seen)
      (void)futex_wait(low_half(), static_cast<std::uint32_t>(seen), kBoundNs);
    return {words_.there.load(std::memory_order_relaxed),
            words_.back.load(std::memory_order_relaxed)};
  }

 private:
  [[nodiscard]] const std::atomic<std::uint32_t>* low_half() const noexcept {
    static_assert(std::endian::native == std::endian::little);
    return reinterpret_cast<const std::atomic<std::uint32_t>*>(&words_.there);
  }

  BareWords& words_;
};

class ChannelWaker {
 public:
  ChannelWaker(const Arena& arena, Subject subject) {
    const ChannelPlan plan{.name = "wake-" + std::to_string(index(subject)), .wait = Wait::park};
    if (arena.leads()) {
      publisher_.emplace(make_publisher(arena.domain, plan));
    } else {
      subscriber_.emplace(make_subscriber(arena.domain, plan));
    }
  }

  void wake(const Stamped& stamped) noexcept {
    auto claim = publisher_->claim(kStreamBytes);
    if (!claim) [[unlikely]]
      give_up(claim.error());
    std::memcpy(claim->bytes().data(), &stamped, sizeof stamped);
    std::move(*claim).publish();
  }

  Stamped sleep(std::uint64_t) noexcept {
    auto message = subscriber_->poll();
    if (!message) [[unlikely]]
      give_up(message.error());
    Stamped stamped;
    std::memcpy(&stamped, message->bytes().data(), sizeof stamped);
    return stamped;
  }

 private:
  std::optional<Publisher> publisher_;
  std::optional<Subscriber> subscriber_;
};

template <class Waker>
class WakeContest final : public Contest {
 public:
  WakeContest(const Arena& arena, Waker waker)
      : orders_(*arena.grounds.orders), waker_(std::move(waker)) {}

  Timing lead(std::uint64_t wakes) noexcept override {
    std::vector<double> latencies;
    latencies.reserve(wakes);
    const auto began = SliceClock::now();
    for (std::uint64_t done = 0; done < wakes; ++done) {
      const std::uint64_t ready = monotonic_ns();
      while (monotonic_ns() - ready < kUntilAsleepNs) {
      }
      waker_.wake({++count_, monotonic_ns()});
      // [sync:bench-arrived] Acquire: the latency belongs to this wake.
      while (orders_.arrived.load(std::memory_order_acquire) != done + 1) {
      }
      const std::uint64_t latency = orders_.latency.load(std::memory_order_relaxed);
      if (latency != 0) latencies.push_back(static_cast<double>(latency));
    }
    Timing timing;
    timing.mean_ns = ns_since(began) / static_cast<double>(wakes);
    timing.median_ns = median(std::move(latencies));
    return timing;
  }

  void follow(std::uint64_t wakes) noexcept override {
    for (std::uint64_t done = 0; done < wakes; ++done) {
      const long before = times_slept();
      const Stamped stamped = waker_.sleep(count_);
      const std::uint64_t latency = monotonic_ns() - stamped.sent_ns;
      if (stamped.count != ++count_) [[unlikely]]
        give_up(Error(Errc::format, 0, "a sleeper was woken by the wrong message"));
      orders_.latency.store(times_slept() != before ? latency : 0, std::memory_order_relaxed);
      // [sync:bench-arrived] Release.
      orders_.arrived.store(done + 1, std::memory_order_release);
    }
  }

 private:
  Orders& orders_;
  Waker waker_;
  std::uint64_t count_ = 0;
};

}  // namespace

ContestPointer make_wake(const Arena& arena, Subject subject) {
  if (subject == Subject::wake) {
    return std::make_unique<WakeContest<ChannelWaker>>(arena, ChannelWaker(arena, subject));
  }
  BareWords& words = subject == Subject::futex ? *arena.grounds.futex : *arena.grounds.futex_null;
  return std::make_unique<WakeContest<BareWaker>>(arena, BareWaker(words));
}

}  // namespace millrace::bench
