// Formulas of queues with one server, where no recording is at hand: for what-if questions, for the
// band of the latency-load curve before anything was run, and to test the replay and the simulator
// against something that is neither. Each gives a mean, in the unit of its times.
//
// Source: anchors, "measurement", section 2.5 (F2, F6, F7b, F9). Thread rules: none.
#pragma once

#include <cstddef>

namespace millrace::bench {

// First two moments of a time.
struct Moments {
  double mean = 0;
  double square = 0;  // mean of the square

  [[nodiscard]] static constexpr Moments fixed(double value) noexcept {
    return {value, value * value};
  }
};

// F2, Pollaczek and Khinchine: wait before service, Poisson arrivals of `rate`. REQUIRES
// rate * service.mean < 1, else infinite.
[[nodiscard]] double mean_wait(double rate, Moments service) noexcept;

// F7b: what a server adds to the wait that must first be woken, `setup`, whenever it had gone idle.
[[nodiscard]] double mean_wait_of_setup(double rate, Moments setup) noexcept;

// F9: time in the system if the host takes the processor away `gap_rate` times in the unit of time,
// for `gap` each: it is a customer who pre-empts all others, whose work is resumed afterwards.
[[nodiscard]] double mean_time_with_gaps(double rate, Moments service, double gap_rate,
                                         Moments gap) noexcept;

// F6: time in the system behind a server that takes all that wait at once, fixed + each * count.
// Poisson arrivals. REQUIRES rate * each < 1, else infinite.
[[nodiscard]] double mean_time_in_batches(double rate, double fixed, double each);

// Time to catch up after an outage: what came meanwhile is worked off at `service_rate` while more
// comes at `rate`. Infinite unless rate < service_rate.
[[nodiscard]] double catch_up(double outage, double rate, double service_rate) noexcept;

// S is long enough for its wait to be predicted within 15 % at this load, although the hand-over is
// known only roughly: S >= 2.2 hand-overs (1 + 1 / (1 - load)).
[[nodiscard]] bool testable(double service_ns, double hand_over_ns, double load) noexcept;

// The load that the server really has: it fetches the messages too, a third of a hand-over each,
// and runs only while the host lets it. `stolen`: share of the time.
[[nodiscard]] double effective_load(double rate, double service, double hand_over,
                                    double stolen) noexcept;

}  // namespace millrace::bench
