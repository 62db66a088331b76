#include "millrace/bench/what_if.hpp"

#include "millrace/bench/student.hpp"

#include <algorithm>
#include <cmath>
#include <random>

namespace millrace::bench {

namespace {

// Fewer messages bound no such percentile at 95 % (ln 0.05 / ln p).
constexpr std::size_t kForP99 = 299;
constexpr std::size_t kForP999 = 2995;

double mean_of(const std::vector<double>& values) noexcept {
  double sum = 0;
  for (const double value : values)
    sum += value;
  return values.empty() ? 0 : sum / double(values.size());
}

std::vector<double> slowed_services(const WhatIfBase& base, const WhatIfQuestion& question) {
  std::mt19937_64 random(1);  // the same question has the same answer
  const std::vector<double>& from = base.calibration.service_ns;
  std::uniform_int_distribution<std::size_t> draw(0, from.size() - 1);
  std::vector<double> service(question.arrivals_ns.size());
  for (double& one : service)
    one = from[draw(random)] * (1 + question.reader_slower);
  return service;
}

// The recorded vacations, again and again until `until_ns`.
std::vector<Vacation> repeated(const WhatIfBase& base, double until_ns) {
  std::vector<Vacation> all;
  if (base.vacations.empty()) return all;
  const double span = std::max(base.vacations_span_ns, base.vacations.back().end_ns);
  for (double from = 0; from < until_ns; from += span) {
    for (const Vacation& one : base.vacations)
      all.push_back({from + one.begin_ns, from + one.end_ns, one.excused});
  }
  return all;
}

WhatIfLatency latency_of(const std::vector<double>& due, const std::vector<double>& processed) {
  std::vector<double> stays(due.size());
  for (std::size_t at = 0; at < due.size(); ++at)
    stays[at] = processed[at] - due[at];
  WhatIfLatency found;
  found.mean_ns = mean_of(stays);
  std::sort(stays.begin(), stays.end());
  found.p50_ns = quantile_of_sorted(stays, 0.5);
  if (stays.size() >= kForP99) found.p99_ns = quantile_of_sorted(stays, 0.99);
  if (stays.size() >= kForP999) found.p999_ns = quantile_of_sorted(stays, 0.999);
  return found;
}

void count_blocked(WhatIfAnswer& answer, const std::vector<double>& due,
                   const std::vector<double>& entered, const std::vector<double>& processed) {
  std::size_t blocked = 0;
  std::size_t done = 0;
  for (std::size_t at = 0; at < due.size(); ++at) {
    const double waited = entered[at] - due[at];
    blocked += waited > 0 ? 1 : 0;
    answer.blocked_max_ns = std::max(answer.blocked_max_ns, waited);
    while (processed[done] <= entered[at])
      ++done;
    answer.backlog_max = std::max(answer.backlog_max, at + 1 - done);
  }
  answer.blocked_share = double(blocked) / double(due.size());
}

std::string unsupported(const WhatIfBase& base) {
  if (base.curve == Verdict::pass) return "";
  return std::string("the check curve is ") + to_string(base.curve) +
         " in this placement: the model behind this answer is not confirmed here";
}

}  // namespace

WhatIfAnswer what_if(const WhatIfBase& base, const WhatIfQuestion& question) {
  WhatIfAnswer answer;
  answer.why = unsupported(base);
  answer.supported = answer.why.empty();
  const std::vector<double>& due = question.arrivals_ns;
  const double capacity = std::floor(double(base.ring_messages) * question.ring);
  if (due.size() < 2 || due.back() <= due.front() || base.calibration.service_ns.empty() ||
      capacity < 1 || question.reader_slower <= -1) {
    answer.supported = false;
    answer.why =
        "it takes two arrivals at different times, a calibrated service, and room for a "
        "message";
    return answer;
  }
  const auto service = slowed_services(base, question);
  const std::vector<double> hand_over(due.size(), base.calibration.hand_over_ns);
  const auto vacations = repeated(base, due.back());
  ReplayInput input{due, service, hand_over, vacations, base.calibration.handling};
  std::vector<double> entered;
  const auto processed = replay_finite(input, static_cast<std::size_t>(capacity), entered);
  answer.host = latency_of(due, processed);
  count_blocked(answer, due, entered, processed);
  input.vacations = {};
  answer.quiet = latency_of(due, replay_finite(input, static_cast<std::size_t>(capacity), entered));
  const double gap = (due.back() - due.front()) / double(due.size() - 1);
  answer.load = mean_of(service) / gap;
  if (answer.load > 1) answer.time_to_full_ns = capacity / (1 / gap - 1 / mean_of(service));
  return answer;
}

}  // namespace millrace::bench
