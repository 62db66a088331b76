#include "millrace/bench/simulator.hpp"

#include <algorithm>
#include <cmath>
#include <deque>
#include <queue>
#include <random>

namespace millrace::bench {

namespace {

constexpr double kSecond = 1e9;
constexpr double kQuietAfterNs =
    50e6;  // the host leaves a run alone so long after its last publish

enum class What : std::uint8_t { leave, come_back, visible, publish, woken, done };

struct Event {
  double ns;
  What what;
  std::size_t number;  // of a message; of a plan to be done: its version

  // The earliest first; at one moment in the order of What, then of the messages.
  [[nodiscard]] bool operator<(const Event& other) const noexcept {
    if (ns != other.ns) return ns > other.ns;
    return what != other.what ? what > other.what : number > other.number;
  }
};

std::vector<Vacation> make_vacations(const SimulatedReader& reader, const SimulatedHost& host,
                                     double until_ns, std::mt19937_64& random) {
  std::vector<Vacation> all;
  if (host.gaps_per_second > 0) {
    std::exponential_distribution<double> between(host.gaps_per_second / kSecond);
    std::lognormal_distribution<double> length(std::log(host.gap_ns), host.gap_sigma);
    for (double at = between(random); at < until_ns; at += between(random))
      all.push_back({at, at + length(random), true});
  }
  if (reader.own_stall_every_ns > 0) {
    for (double at = reader.own_stall_every_ns / 2; at < until_ns; at += reader.own_stall_every_ns)
      all.push_back({at, at + reader.own_stall_ns, false});
  }
  std::sort(all.begin(), all.end(),
            [](const Vacation& one, const Vacation& two) { return one.begin_ns < two.begin_ns; });
  std::vector<Vacation> disjoint;
  for (const Vacation& one : all) {
    if (disjoint.empty() || disjoint.back().end_ns < one.begin_ns) {
      disjoint.push_back(one);
    } else {  // away twice at once is away once, and the reader's own part has no excuse
      disjoint.back().end_ns = std::max(disjoint.back().end_ns, one.end_ns);
      disjoint.back().excused = disjoint.back().excused && one.excused;
    }
  }
  return disjoint;
}

class World {
 public:
  World(std::span<const double> published, const SimulatedReader& reader, const SimulatedHost& host,
        std::uint64_t seed)
      : reader_(reader), random_(seed) {
    run_.messages.resize(published.size());
    const double until = published.empty() ? 0 : published.back() + kQuietAfterNs;
    run_.vacations = make_vacations(reader, host, until, random_);
    for (std::size_t at = 0; at < published.size(); ++at) {
      run_.messages[at].published_ns = published[at];
      events_.push({published[at], What::publish, at});
    }
    for (std::size_t at = 0; at < run_.vacations.size(); ++at) {
      events_.push({run_.vacations[at].begin_ns, What::leave, at});
      events_.push({run_.vacations[at].end_ns, What::come_back, at});
    }
  }

  SimulatedRun go() {
    while (!events_.empty()) {
      const Event event = events_.top();
      events_.pop();
      now_ = event.ns;
      happen(event);
    }
    return std::move(run_);
  }

 private:
  void happen(const Event& event) {
    switch (event.what) {
      case What::publish: publish(event.number); break;
      case What::visible: waiting_.push_back(event.number); break;
      case What::leave: leave(); break;
      case What::come_back: come_back(); break;
      case What::woken: waking_ = asleep_ = false; break;
      case What::done:
        if (event.number == plan_) finish();
        break;
    }
    begin_next();
  }

  void publish(std::size_t number) {
    SimulatedMessage& message = run_.messages[number];
    message.seen = number - released_;
    const bool idle = !busy_ && travelling_ == 0;
    if (idle && reader_.spin_ns > 0 && now_ - idle_since_ > reader_.spin_ns) asleep_ = true;
    message.slept = asleep_ && !waking_;
    if (message.slept) wake();
    ++travelling_;
    const double late = idle ? reader_.lone_delay_ns : 0;
    // Messages of one lane are seen in their order.
    last_visible_ = std::max(last_visible_, now_ + reader_.hand_over_ns + late);
    events_.push({last_visible_, What::visible, number});
  }

  void wake() {
    waking_ = true;
    double after = draw(reader_.wake_ns);
    if (std::bernoulli_distribution(reader_.missed_wakes)(random_)) {
      // The park had begun some time ago: the rest of the bound is left.
      after = std::uniform_real_distribution<double>(0, reader_.park_bound_ns)(random_) + after;
      ++run_.bound_ended_parks;
    }
    // A thread that is woken is seen by its handler after the wake, not after wake and hand-over.
    events_.push({now_ + std::max(after, reader_.hand_over_ns), What::woken, 0});
  }

  void begin_next() {
    if (busy_ || away_ || asleep_ || waiting_.empty()) return;
    current_ = waiting_.front();
    waiting_.pop_front();
    --travelling_;
    busy_ = true;
    run_.messages[current_].dequeued_ns = now_;
    const bool waited = now_ == idle_since_ && done_ > 0;
    left_ = draw(reader_.service_ns) + (waited ? reader_.fetch_ns : 0);
    if (std::bernoulli_distribution(reader_.slow_share)(random_)) left_ *= reader_.slow_factor;
    due_ = now_ + left_;
    plan_done();
  }

  void plan_done() {
    running_since_ = now_;
    const double at = reader_.handling == Handling::work ? now_ + left_ : std::max(now_, due_);
    events_.push({at, What::done, ++plan_});
  }

  void leave() {
    away_ = true;
    if (!busy_) return;
    left_ -= now_ - running_since_;
    ++plan_;  // it will not be done when it was planned
  }

  void come_back() {
    away_ = false;
    if (busy_) plan_done();
  }

  void finish() {
    busy_ = false;
    run_.messages[current_].processed_ns = now_;
    idle_since_ = now_;
    ++done_;
    if (done_ - released_ >= reader_.release_every || waiting_.empty()) {
      for (; released_ < done_; ++released_)
        run_.messages[released_].released_ns = now_;
    }
  }

  double draw(const std::vector<double>& values) {
    if (values.size() == 1) return values.front();
    return values[std::uniform_int_distribution<std::size_t>(0, values.size() - 1)(random_)];
  }

  const SimulatedReader& reader_;
  std::mt19937_64 random_;
  SimulatedRun run_;
  std::priority_queue<Event> events_;
  std::deque<std::size_t> waiting_;  // visible, not begun
  double now_ = 0;
  double last_visible_ = 0;
  double idle_since_ = 0;
  double left_ = 0;  // of the work in hand
  double due_ = 0;   // its deadline
  double running_since_ = 0;
  std::size_t current_ = 0;
  std::size_t plan_ = 0;
  std::size_t travelling_ = 0;  // published, not begun
  std::size_t done_ = 0;
  std::size_t released_ = 0;
  bool busy_ = false;
  bool away_ = false;
  bool asleep_ = false;
  bool waking_ = false;
};

}  // namespace

std::vector<double> constant_arrivals(double rate, std::size_t count) {
  std::vector<double> moments(count);
  for (std::size_t at = 0; at < count; ++at)
    moments[at] = kSecond / rate * static_cast<double>(at + 1);
  return moments;
}

std::vector<double> poisson_arrivals(double rate, std::size_t count, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::exponential_distribution<double> gap(rate / kSecond);
  std::vector<double> moments(count);
  double now = 0;
  for (double& moment : moments)
    moment = now += gap(random);
  return moments;
}

std::vector<double> burst_arrivals(double rate, double on_ns, double off_ns, std::size_t count,
                                   std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::exponential_distribution<double> gap(rate / kSecond * (on_ns + off_ns) / on_ns);
  std::exponential_distribution<double> on(1 / on_ns);
  std::exponential_distribution<double> off(1 / off_ns);
  std::vector<double> moments;
  double now = 0;
  double until = on(random);
  while (moments.size() < count) {
    const double next = now + gap(random);
    if (next < until) {
      moments.push_back(now = next);
    } else {  // an exponential gap has no memory: it may begin anew with the next burst
      now = until + off(random);
      until = now + on(random);
    }
  }
  return moments;
}

SimulatedRun simulate(std::span<const double> published_ns, const SimulatedReader& reader,
                      const SimulatedHost& host, std::uint64_t seed) {
  return World(published_ns, reader, host, seed).go();
}

}  // namespace millrace::bench
