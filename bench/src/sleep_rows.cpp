#include "sleep_rows.hpp"

#include "child.hpp"
#include "millrace/core/clock.hpp"
#include "millrace/core/heavy_barrier.hpp"
#include "shared_piece.hpp"

#include <array>
#include <atomic>

namespace millrace::bench {

namespace {

constexpr std::size_t kBarriers = 512;
constexpr std::uint64_t kPauseNs = 100'000;  // between two barriers

struct Page {
  std::array<std::uint64_t, kBarriers> barrier_ns{};
  std::array<std::uint64_t, kBarriers> hole_ns{};
  alignas(128) std::atomic<std::uint64_t> ready{0};
  alignas(128) std::atomic<std::uint64_t> barrier{0};  // of which number; kOver at the end
  alignas(128) std::atomic<std::uint64_t> seen{0};     // the publisher runs, and has seen that one
  alignas(128) std::atomic<bool> refused{false};
};

constexpr std::uint64_t kOver = ~std::uint64_t{0};

// The publisher: reads the clock without pause; its longest gap while a barrier ran is the hole.
void spin(Page& page) noexcept {
  (void)register_membarrier();
  const Clock clock = Clock::local();
  page.ready.store(1, std::memory_order_release);  // [sync:bench-sleep]
  std::uint64_t number = 0;
  std::uint64_t longest = 0;
  for (std::uint64_t last = clock.ticks();;) {
    const std::uint64_t now = clock.ticks();
    longest = std::max(longest, now - last);
    last = now;
    // [sync:bench-sleep] Acquire: the barrier before this number is over.
    const std::uint64_t seen = page.barrier.load(std::memory_order_acquire);
    if (seen == number) continue;
    if (number != 0) page.hole_ns[number - 1] = clock.duration_ns(longest);
    if (seen == kOver) return;
    number = seen;
    page.seen.store(number, std::memory_order_release);  // [sync:bench-sleep]
    longest = 0;
    last = clock.ticks();
  }
}

// The sleeper. Barrier number n runs while `barrier` is n.
void sleep_often(Page& page) noexcept {
  if (!register_membarrier()) page.refused.store(true, std::memory_order_relaxed);
  while (page.ready.load(std::memory_order_acquire) == 0) {  // [sync:bench-sleep]
  }
  for (std::uint64_t number = 1; number <= kBarriers; ++number) {
    page.barrier.store(number, std::memory_order_release);         // [sync:bench-sleep]
    while (page.seen.load(std::memory_order_acquire) != number) {  // [sync:bench-sleep]
    }
    for (const std::uint64_t from = monotonic_ns(); monotonic_ns() - from < kPauseNs / 2;) {
    }
    const std::uint64_t began = monotonic_ns();
    if (!heavy_barrier()) page.refused.store(true, std::memory_order_relaxed);
    page.barrier_ns[number - 1] = monotonic_ns() - began;
    for (const std::uint64_t from = monotonic_ns(); monotonic_ns() - from < kPauseNs / 2;) {
    }
  }
  page.barrier.store(kOver, std::memory_order_release);  // [sync:bench-sleep]
}

struct Sleeping {
  double barrier_ns = 0;
  double hole_ns = 0;
  std::string refused;
};

// One measurement for both rows.
const Sleeping& measured(const SoloPlan& plan) {
  static const Sleeping once = [&plan] {
    Sleeping result;
    auto page = SharedPiece<Page>::make();
    if (!page) {
      result.refused = std::string(page.error().sentence());
      return result;
    }
    Child publisher = Child::run(plan.pinned ? plan.cpus[1] : -1, [&] { spin(**page); });
    Child sleeper = Child::run(plan.pinned ? plan.cpus[0] : -1, [&] { sleep_often(**page); });
    if (!sleeper.ended_well() || !publisher.ended_well()) {
      result.refused = "a process of this row failed";
    } else if ((*page)->refused.load(std::memory_order_relaxed)) {
      result.refused = "the kernel refuses membarrier: sleepers do without, publishers fence";
    }
    const auto middle = [](const auto& values) {
      return median(std::vector<double>(values.begin(), values.end()));
    };
    result.barrier_ns = middle((*page)->barrier_ns);
    result.hole_ns = middle((*page)->hole_ns);
    return result;
  }();
  return once;
}

}  // namespace

void cost_to_sleep(const SoloPlan& plan, Row& row) {
  row.invalid = measured(plan).refused;
  row.value = measured(plan).barrier_ns;
}

void hole_in_publisher(const SoloPlan& plan, Row& row) {
  row.invalid = measured(plan).refused;
  row.value = measured(plan).hole_ns;
}

}  // namespace millrace::bench
