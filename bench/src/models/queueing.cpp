#include "millrace/bench/queueing.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace millrace::bench {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Of the embedded chain of batch sizes.
constexpr int kChainSteps = 2000;
constexpr double kChainSettled = 1e-13;
constexpr double kFetchShare = 1.0 / 3;  // of a hand-over: "profiler", finding 3

}  // namespace

double mean_wait(double rate, Moments service) noexcept {
  const double load = rate * service.mean;
  return load < 1 ? rate * service.square / (2 * (1 - load)) : kInfinity;
}

double mean_wait_of_setup(double rate, Moments setup) noexcept {
  return (2 * setup.mean + rate * setup.square) / (2 * (1 + rate * setup.mean));
}

double mean_time_with_gaps(double rate, Moments service, double gap_rate, Moments gap) noexcept {
  const double stolen = gap_rate * gap.mean;
  const double load = rate * service.mean;
  if (stolen + load >= 1) return kInfinity;
  return service.mean / (1 - stolen) +
         (gap_rate * gap.square + rate * service.square) / (2 * (1 - stolen) * (1 - stolen - load));
}

double mean_time_in_batches(double rate, double fixed, double each) {
  if (rate * each >= 1) return kInfinity;
  const auto service = [&](double count) { return fixed + each * count; };
  // What comes during a batch of k is the next batch: Poisson of rate * S(k), but at least one.
  const double stable = rate * fixed / (1 - rate * each);
  const auto sizes = static_cast<std::size_t>(20 + 3 * stable + 10 * std::sqrt(1 + stable));
  std::vector<std::vector<double>> step(sizes + 1, std::vector<double>(sizes + 1, 0));
  for (std::size_t from = 1; from <= sizes; ++from) {
    const double mean = rate * service(static_cast<double>(from));
    for (std::size_t to = 0; to <= sizes; ++to) {
      const auto count = static_cast<double>(to);
      step[from][std::max<std::size_t>(to, 1)] +=
          std::exp(count * std::log(mean) - mean - std::lgamma(count + 1));
    }
  }
  std::vector<double> share(sizes + 1, 0);
  share[1] = 1;
  double change = 1;
  for (int turn = 0; turn < kChainSteps && change > kChainSettled; ++turn) {
    std::vector<double> next(sizes + 1, 0);
    for (std::size_t from = 1; from <= sizes; ++from) {
      for (std::size_t to = 1; to <= sizes; ++to)
        next[to] += share[from] * step[from][to];
    }
    change = 0;
    for (std::size_t size = 1; size <= sizes; ++size)
      change += std::abs(next[size] - share[size]);
    share = std::move(next);
  }
  double time = 0;
  double count = 0;
  for (std::size_t size = 1; size <= sizes; ++size) {
    const double length = service(static_cast<double>(size));
    const double mean = rate * length;
    time += share[size] * (mean * length / 2 + fixed * mean + each * (mean + mean * mean) +
                           std::exp(-mean) * service(1));
    count += share[size] * (mean + std::exp(-mean));
  }
  return time / count;
}

double catch_up(double outage, double rate, double service_rate) noexcept {
  return rate < service_rate ? rate * outage / (service_rate - rate) : kInfinity;
}

bool testable(double service_ns, double hand_over_ns, double load) noexcept {
  return load < 1 && service_ns >= 2.2 * hand_over_ns * (1 + 1 / (1 - load));
}

double effective_load(double rate, double service, double hand_over, double stolen) noexcept {
  return stolen < 1 ? rate * (service + kFetchShare * hand_over) / (1 - stolen) : kInfinity;
}

}  // namespace millrace::bench
