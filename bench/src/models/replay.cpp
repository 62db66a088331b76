#include "millrace/bench/replay.hpp"

#include <algorithm>

namespace millrace::bench {

namespace {

// Walks through the vacations as time goes on.
class Host {
 public:
  explicit Host(std::span<const Vacation> vacations) noexcept : vacations_(vacations) { skip(); }

  // The first moment from `ns` on at which the reader runs.
  [[nodiscard]] double running_from(double ns) noexcept {
    while (next_ < vacations_.size() && vacations_[next_].end_ns <= ns)
      pass();
    const bool away = next_ < vacations_.size() && vacations_[next_].begin_ns <= ns;
    return away ? vacations_[next_].end_ns : ns;
  }

  // The moment at which `work_ns` of work are done that begin at `ns`, at which the reader runs.
  [[nodiscard]] double done(double ns, double work_ns) noexcept {
    ns = running_from(ns);
    while (next_ < vacations_.size() && vacations_[next_].begin_ns < ns + work_ns) {
      work_ns -= vacations_[next_].begin_ns - ns;
      ns = vacations_[next_].end_ns;
      pass();
    }
    return ns + work_ns;
  }

 private:
  void pass() noexcept {
    ++next_;
    skip();
  }

  void skip() noexcept {
    while (next_ < vacations_.size() && !vacations_[next_].excused)
      ++next_;
  }

  std::span<const Vacation> vacations_;
  std::size_t next_ = 0;
};

// When the message is done that can be begun at `ready_ns`.
double handled(Host& host, Handling handling, double ready_ns, double service_ns) noexcept {
  const double start = host.running_from(ready_ns);
  if (handling == Handling::work) return host.done(start, service_ns);
  return host.running_from(start + service_ns);
}

}  // namespace

std::vector<double> replay(const ReplayInput& input) {
  Host host(input.vacations);
  std::vector<double> processed(input.published_ns.size());
  double free_ns = 0;
  for (std::size_t at = 0; at < processed.size(); ++at) {
    const double visible = input.published_ns[at] + input.hand_over_ns[at];
    const double ready = at == 0 ? visible : std::max(visible, free_ns);
    free_ns = handled(host, input.handling, ready, input.service_ns[at]);
    processed[at] = free_ns;
  }
  return processed;
}

std::vector<double> replay_finite(const ReplayInput& input, std::size_t capacity,
                                  std::vector<double>& entered_ns) {
  Host host(input.vacations);
  std::vector<double> processed(input.published_ns.size());
  entered_ns.resize(processed.size());
  for (std::size_t at = 0; at < processed.size(); ++at) {
    double entered = input.published_ns[at];
    if (at > 0) entered = std::max(entered, entered_ns[at - 1]);
    if (at >= capacity) entered = std::max(entered, processed[at - capacity]);
    entered_ns[at] = entered;
    double ready = entered + input.hand_over_ns[at];
    if (at > 0) ready = std::max(ready, processed[at - 1]);
    processed[at] = handled(host, input.handling, ready, input.service_ns[at]);
  }
  return processed;
}

std::vector<double> replay_writes(std::span<const double> appended_ns,
                                  std::span<const double> bytes, const WriteLaw& law) {
  std::vector<double> durable(appended_ns.size());
  double free_ns = 0;
  for (std::size_t first = 0; first < appended_ns.size();) {
    const double earliest = appended_ns[first] + law.linger_ns;
    const double begin = first == 0 ? earliest : std::max(free_ns, earliest);
    double size = bytes[first];
    std::size_t end = first + 1;
    while (end < appended_ns.size() && appended_ns[end] <= begin &&
           (law.cap_bytes <= 0 || size + bytes[end] <= law.cap_bytes))
      size += bytes[end++];
    free_ns = begin + law.fixed_ns + law.byte_ns * size;
    std::fill(durable.begin() + static_cast<std::ptrdiff_t>(first),
              durable.begin() + static_cast<std::ptrdiff_t>(end), free_ns);
    first = end;
  }
  return durable;
}

}  // namespace millrace::bench
