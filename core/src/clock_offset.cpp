#include "millrace/core/clock_offset.hpp"

#include "millrace/core/cpu.hpp"
#include "millrace/core/limits.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <sched.h>
#include <system_error>
#include <thread>

namespace millrace {

namespace {

constexpr std::chrono::milliseconds kSlice{2};
constexpr std::chrono::milliseconds kPause{3};
constexpr std::size_t kTripsMax = 65'536;  // in a slice

// Two words, each written by one side; what B read rides behind its word.
struct Court {
  alignas(2 * kFalseSharingBytes) std::atomic<std::uint64_t> ball{0};
  alignas(2 * kFalseSharingBytes) std::atomic<std::uint64_t> answer{0};
  std::atomic<std::uint64_t> seen{0};
  std::atomic<std::uint64_t> answered{0};
};

constexpr std::uint64_t kEnd = ~std::uint64_t{0};

int pin(unsigned cpu) noexcept {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  return sched_setaffinity(0, sizeof set, &set) == 0 ? 0 : errno;
}

void return_balls(const Clock& clock, Court& court) noexcept {
  for (std::uint64_t turn = 1;; ++turn) {
    std::uint64_t ball = 0;
    // [sync:offset] Acquire: the reading below comes after it.
    while ((ball = court.ball.load(std::memory_order_acquire)) < turn)
      cpu::pause();
    if (ball == kEnd) return;
    court.seen.store(clock.ticks_ordered(), std::memory_order_relaxed);
    court.answered.store(clock.ticks(), std::memory_order_relaxed);
    // [sync:offset] Release: who sees the turn sees what was read for it.
    court.answer.store(turn, std::memory_order_release);
  }
}

RoundTrip play(const Clock& clock, Court& court, std::uint64_t turn) noexcept {
  RoundTrip trip;
  trip.sent = clock.ticks();
  court.ball.store(turn, std::memory_order_release);  // [sync:offset]
  // [sync:offset] Acquire: what the other side read is seen with its turn.
  while (court.answer.load(std::memory_order_acquire) != turn)
    cpu::pause();
  trip.returned = clock.ticks_ordered();
  trip.seen = court.seen.load(std::memory_order_relaxed);
  trip.answered = court.answered.load(std::memory_order_relaxed);
  return trip;
}

OffsetTrack play_slices(const Clock& clock, Court& court, std::chrono::nanoseconds duration) {
  const ClockReport facts = clock.report();
  std::vector<RoundTrip> trips;
  trips.reserve(kTripsMax);
  OffsetTrack track;
  std::uint64_t turn = 0;
  const auto end = std::chrono::steady_clock::now() + duration;
  do {
    trips.clear();
    const std::uint64_t slice_end =
        clock.ticks() +
        clock.duration_ticks(static_cast<std::uint64_t>(std::chrono::nanoseconds(kSlice).count()));
    while (trips.size() < kTripsMax && clock.ticks() < slice_end)
      trips.push_back(play(clock, court, ++turn));
    track.add(offset_of(trips, facts.ns_per_tick, facts.granularity_ns));
    std::this_thread::sleep_for(kPause);
  } while (std::chrono::steady_clock::now() < end);
  return track;
}

// Runs `body` on `cpu`; 0, or the errno of what refused it.
template <class Body>
int run_on(unsigned cpu, std::thread& thread, std::atomic<int>& refused, Body body) {
  try {
    thread = std::thread([cpu, &refused, body] {
      if (const int error = pin(cpu); error != 0) refused.store(error, std::memory_order_relaxed);
      body();
    });
  } catch (const std::system_error& error) {
    return error.code().value();
  }
  return 0;
}

}  // namespace

OffsetInterval offset_of(std::span<const RoundTrip> trips, double ns_per_tick,
                         double granularity_ns) noexcept {
  std::int64_t forth = INT64_MAX;
  std::int64_t back = INT64_MAX;
  for (const RoundTrip& trip : trips) {
    forth = std::min(forth, static_cast<std::int64_t>(trip.seen - trip.sent));
    back = std::min(back, static_cast<std::int64_t>(trip.returned - trip.answered));
  }
  return {-static_cast<double>(back) * ns_per_tick - granularity_ns,
          static_cast<double>(forth) * ns_per_tick + granularity_ns};
}

bool OffsetTrack::add(const OffsetInterval& slice) noexcept {
  if (slices_++ == 0) {
    interval_ = slice;
    return true;
  }
  const OffsetInterval both{std::max(interval_.low_ns, slice.low_ns),
                            std::min(interval_.high_ns, slice.high_ns)};
  if (both.empty()) ++changes_;
  interval_ = both.empty() ? slice : both;
  return !both.empty();
}

Result<OffsetTrack> measure_offset(const Clock& clock, unsigned cpu_a, unsigned cpu_b,
                                   std::chrono::nanoseconds duration) {
  if (cpu_a == cpu_b || cpu_a >= CPU_SETSIZE || cpu_b >= CPU_SETSIZE) {
    return fail(Errc::bad_argument,
                "an offset is between two processors, not between processor %u and %u", cpu_a,
                cpu_b);
  }
  Court court;
  OffsetTrack track;
  std::atomic<int> refused{0};
  std::thread other;
  std::thread leader;
  int error = run_on(cpu_b, other, refused, [&] { return_balls(clock, court); });
  if (error == 0) {
    error = run_on(cpu_a, leader, refused, [&] { track = play_slices(clock, court, duration); });
  }
  if (leader.joinable()) leader.join();
  court.ball.store(kEnd, std::memory_order_release);  // [sync:offset]
  if (other.joinable()) other.join();
  if (error != 0) return fail_os(error, "no thread could be made to measure the clock's offset");
  error = refused.load(std::memory_order_relaxed);
  if (error == 0) return track;
  return fail(Errc::no_permission,
              "this process may not run on processors %u and %u, so the clock's offset between "
              "them cannot be measured; name two that it may use",
              cpu_a, cpu_b);
}

}  // namespace millrace
