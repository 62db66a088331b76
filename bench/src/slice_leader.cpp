#include "slice_leader.hpp"

#include "channel_ends.hpp"
#include "counted_run.hpp"
#include "timed_loops.hpp"

#include <algorithm>
#include <cmath>
#include <unistd.h>

namespace millrace::bench {

namespace {

constexpr double kSliceNs = 2e6;
constexpr std::uint64_t kTripsMin = 32 * kSubSlices;
constexpr std::uint64_t kLatenciesMin = 1024;
constexpr std::uint64_t kWakesMin = kSubSlices;
constexpr std::uint64_t kPeakMessages = std::uint64_t{1} << 16;
constexpr std::uint64_t kMessagesMax = std::uint64_t{1} << 22;

std::uint64_t least_of(const SubjectInfo& subject) noexcept {
  switch (subject.kind) {
    case Kind::stream: return (kLapsMin + 1) * lap_of(subject);
    case Kind::publish: return 2 * kLapsMin * lap_of(subject);
    case Kind::wake: return kWakesMin;
    case Kind::latency: return kLatenciesMin;
    case Kind::round_trip: break;
  }
  return kTripsMin;
}

Domain open_domain(const Grounds& grounds, Side side) {
  DomainOptions options;
  options.path = grounds.domain;
  options.participant = side == Side::leader ? "bench-leader" : "bench-follower";
  return must(Domain::open(options));
}

void obey(Grounds& grounds, Contests& contests) noexcept {
  Orders& orders = *grounds.orders;
  Window window(grounds, Side::follower);
  orders.follower_ready.store(1, std::memory_order_release);  // [sync:bench-ready]
  for (std::uint64_t seen = 0;;) {
    // [sync:bench-order] Acquire: the count belongs to this order.
    const std::uint64_t order = orders.order.load(std::memory_order_acquire);
    if (order == seen) continue;
    seen = order;
    if ((order & 0xff) == Orders::kQuit) return;
    const std::uint64_t messages = orders.messages.load(std::memory_order_relaxed);
    const bool counted = orders.counted.load(std::memory_order_relaxed) != 0;
    if (counted) window.open();
    contests[order & 0xff]->follow(messages);
    if (counted) window.close();
    orders.done.store(order, std::memory_order_release);  // [sync:bench-done] counts are in place
  }
}

}  // namespace

SubjectSet subjects_with_company(const SubjectSet& wanted) noexcept {
  SubjectSet set = wanted;
  set.set(index(Subject::bare));
  // A row may be bracketed by another row, which has company of its own.
  for (SubjectSet before; before != set;) {
    before = set;
    for (const SubjectInfo& one : kSubjectInfo) {
      const bool helps = one.role == Role::null || one.role == Role::variant;
      if (helps && set[index(one.bracket)]) set.set(index(one.subject));
      if (!set[index(one.subject)]) continue;
      set.set(index(one.bracket));
      if (one.against != Subject::count_) set.set(index(one.against));
    }
  }
  return set;
}

void follow(Grounds& grounds, const SubjectSet& subjects) noexcept {
  while (grounds.orders->leader_ready.load(std::memory_order_acquire) == 0) {  // [sync:bench-ready]
    usleep(100);
  }
  {
    Domain domain = open_domain(grounds, Side::follower);
    Contests contests = make_contests({Side::follower, grounds, domain}, subjects);
    obey(grounds, contests);
  }
  _exit(0);
}

Leader::Leader(Grounds& grounds, const SubjectSet& subjects)
    : grounds_(grounds),
      subjects_(subjects),
      domain_(open_domain(grounds, Side::leader)),
      contests_(make_contests({Side::leader, grounds, domain_}, subjects)),
      random_(std::random_device{}()) {
  Orders& orders = *grounds_.orders;
  // [sync:bench-ready] Release: the channels are there.
  orders.leader_ready.store(1, std::memory_order_release);
  while (orders.follower_ready.load(std::memory_order_acquire) == 0) {  // [sync:bench-ready]
    usleep(100);
  }
}

Timing Leader::run(Subject subject, std::uint64_t messages, bool counted) noexcept {
  Orders& orders = *grounds_.orders;
  orders.messages.store(messages, std::memory_order_relaxed);
  orders.counted.store(counted ? 1 : 0, std::memory_order_relaxed);
  orders.arrived.store(0, std::memory_order_relaxed);
  const std::uint64_t order = ++number_ << 8 | static_cast<std::uint64_t>(subject);
  // [sync:bench-order] Release. Without it the follower could take the count of the last order.
  orders.order.store(order, std::memory_order_release);
  const Timing timing = contests_[index(subject)]->lead(messages);
  while (orders.done.load(std::memory_order_acquire) != order) {  // [sync:bench-done]
  }
  if (timing.wrong != 0) {
    char text[160];
    (void)std::snprintf(text, sizeof text, "%s: %llu of %llu messages came wrong or out of order",
                        info(subject).name, static_cast<unsigned long long>(timing.wrong),
                        static_cast<unsigned long long>(messages));
    give_up(Error(Errc::format, 0, text));
  }
  return timing;
}

Timing Leader::slice(Subject subject) noexcept {
  const std::size_t at = index(subject);
  const std::uint64_t least = least_of(info(subject));
  std::uint64_t messages = least;
  if (last_ns_[at] > 0) messages = static_cast<std::uint64_t>(kSliceNs / last_ns_[at]);
  const Kind kind = info(subject).kind;
  if (kind == Kind::stream || kind == Kind::latency) messages += lap_of(info(subject));
  last_messages_[at] = std::clamp(messages, least, kMessagesMax);
  const Timing timing = run(subject, last_messages_[at]);
  last_ns_[at] = timing.mean_ns;
  return timing;
}

void Leader::set_half_rate(Subject bracket) noexcept {
  auto& gap_ns = grounds_.orders->gap_ns;
  gap_ns.store(0, std::memory_order_relaxed);  // as fast as it goes, stamps and all
  const double peak_ns = run(bracket, kPeakMessages).mean_ns;
  gap_ns.store(static_cast<std::uint64_t>(std::ceil(2 * peak_ns)), std::memory_order_relaxed);
}

void Leader::round_of(Subject bracket, std::vector<Subject>& order,
                      std::vector<SliceSample>& samples, std::uint32_t restart) {
  std::shuffle(order.begin(), order.end(), random_);
  if (info(bracket).kind == Kind::latency) set_half_rate(bracket);
  const bool by_bare = bracket == Subject::bare;
  Timing bare_before = slice(Subject::bare);
  for (const Subject subject : order) {
    SliceSample sample;
    sample.subject = subject;
    sample.restart = restart;
    // What ran before is still in the caches and in the pace of the processors: a slice behind a
    // bare one is not like a slice behind a stream. So all three come behind their own kind.
    if (!by_bare) (void)slice(bracket);
    sample.base_before = by_bare ? bare_before : slice(bracket);
    sample.timing = slice(subject);
    sample.messages = last_messages_[index(subject)];
    if (!by_bare) sample.base_after = slice(bracket);
    const Timing bare_after = slice(Subject::bare);
    if (by_bare) sample.base_after = bare_after;
    sample.bare_before_ns = bare_before.median_ns;
    sample.bare_after_ns = bare_after.median_ns;
    bare_before = bare_after;
    samples.push_back(sample);
  }
}

std::vector<SliceSample> Leader::rounds(double seconds, std::uint32_t restart) {
  std::map<Subject, std::vector<Subject>> groups;
  std::vector<Subject> brackets;
  for (const SubjectInfo& one : kSubjectInfo) {
    if (!subjects_[index(one.subject)]) continue;
    if (one.kind != Kind::latency) (void)slice(one.subject);  // finds counts, warms up
    if (one.subject == one.bracket) continue;
    auto& group = groups[one.bracket];
    if (group.empty()) brackets.push_back(one.bracket);
    group.push_back(one.subject);
  }
  std::vector<SliceSample> samples;
  samples.reserve(1 << 14);
  const auto began = SliceClock::now();
  do {
    std::shuffle(brackets.begin(), brackets.end(), random_);
    for (const Subject bracket : brackets)
      round_of(bracket, groups[bracket], samples, restart);
  } while (ns_since(began) < seconds * 1e9);
  return samples;
}

void Leader::quit() noexcept {
  // [sync:bench-order] As in run().
  grounds_.orders->order.store(++number_ << 8 | Orders::kQuit, std::memory_order_release);
}

}  // namespace millrace::bench
