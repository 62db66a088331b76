#include "slice_leader.hpp"

#include "channel_ends.hpp"
#include "counted_run.hpp"
#include "timed_loops.hpp"

#include <algorithm>
#include <unistd.h>

namespace millrace::bench {

namespace {

constexpr double kSliceNs = 2e6;
constexpr std::uint64_t kStreamMin = (kLapsMin + 1) * kRingSlots;
constexpr std::uint64_t kTripsMin = 32 * kSubSlices;
constexpr std::uint64_t kMessagesMax = std::uint64_t{1} << 22;

std::vector<Subject> subjects(bool streams) {
  std::vector<Subject> found;
  for (const SubjectInfo& one : kSubjectInfo) {
    const bool baseline = one.subject == Subject::bare || one.subject == Subject::fixed;
    if (one.is_stream == streams && !baseline) found.push_back(one.subject);
  }
  return found;
}

}  // namespace

void follow(Grounds& grounds, Plant plant) noexcept {
  Orders& orders = *grounds.orders;
  while (orders.leader_ready.load(std::memory_order_acquire) == 0) {  // [sync:bench-ready]
    usleep(100);
  }
  {
    Contests contests = make_contests(Side::follower, grounds, plant);
    Window window(grounds, Side::follower);
    orders.follower_ready.store(1, std::memory_order_release);  // [sync:bench-ready]
    for (std::uint64_t seen = 0;;) {
      // [sync:bench-order] Acquire: the count belongs to this order.
      const std::uint64_t order = orders.order.load(std::memory_order_acquire);
      if (order == seen) continue;
      seen = order;
      if ((order & 0xff) == Orders::kQuit) break;
      const std::uint64_t messages = orders.messages.load(std::memory_order_relaxed);
      const bool counted = orders.counted.load(std::memory_order_relaxed) != 0;
      if (counted) window.open();
      contests[order & 0xff]->follow(messages);
      if (counted) window.close();
      orders.done.store(order, std::memory_order_release);  // [sync:bench-done] counts are in place
    }
  }
  _exit(0);
}

Leader::Leader(Grounds& grounds, Plant plant)
    : grounds_(grounds),
      contests_(make_contests(Side::leader, grounds, plant)),
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
  const std::uint64_t order = ++number_ << 8 | static_cast<std::uint64_t>(subject);
  // [sync:bench-order] Release. Without it the follower could take the count of the last order.
  orders.order.store(order, std::memory_order_release);
  const Timing timing = contests_[static_cast<std::size_t>(subject)]->lead(messages);
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
  const auto at = static_cast<std::size_t>(subject);
  const bool streams = info(subject).is_stream;
  const std::uint64_t least = streams ? kStreamMin : kTripsMin;
  std::uint64_t messages = least;
  if (last_ns_[at] > 0) messages = static_cast<std::uint64_t>(kSliceNs / last_ns_[at]);
  if (streams) messages += kRingSlots;
  last_messages_[at] = std::clamp(messages, least, kMessagesMax);
  const Timing timing = run(subject, last_messages_[at]);
  last_ns_[at] = timing.mean_ns;
  return timing;
}

void Leader::round_of_round_trips(std::vector<SliceSample>& samples, std::uint32_t restart) {
  auto order = subjects(false);
  std::shuffle(order.begin(), order.end(), random_);
  double before = slice(Subject::bare).median_ns;
  for (const Subject subject : order) {
    const Timing timing = slice(subject);
    const std::uint64_t messages = last_messages_[static_cast<std::size_t>(subject)];
    const double after = slice(Subject::bare).median_ns;
    samples.push_back({subject, restart, messages, timing.median_ns, timing.mean_ns, before, after,
                       before, after});
    before = after;
  }
}

void Leader::round_of_streams(std::vector<SliceSample>& samples, std::uint32_t restart) {
  auto order = subjects(true);
  std::shuffle(order.begin(), order.end(), random_);
  double before = slice(Subject::bare).median_ns;
  for (const Subject subject : order) {
    const Timing base_before = slice(Subject::fixed);
    const Timing timing = slice(subject);
    const std::uint64_t messages = last_messages_[static_cast<std::size_t>(subject)];
    const Timing base_after = slice(Subject::fixed);
    const double after = slice(Subject::bare).median_ns;
    samples.push_back({subject, restart, messages, timing.median_ns, timing.mean_ns, before, after,
                       base_before.median_ns, base_after.median_ns});
    before = after;
  }
}

std::vector<SliceSample> Leader::rounds(double seconds, std::uint32_t restart) {
  for (const SubjectInfo& one : kSubjectInfo)
    (void)slice(one.subject);  // finds counts, warms up
  std::vector<SliceSample> samples;
  samples.reserve(1 << 14);
  const auto began = SliceClock::now();
  do {
    round_of_round_trips(samples, restart);
    round_of_streams(samples, restart);
  } while (ns_since(began) < seconds * 1e9);
  return samples;
}

void Leader::quit() noexcept {
  // [sync:bench-order] As in run().
  grounds_.orders->order.store(++number_ << 8 | Orders::kQuit, std::memory_order_release);
}

}  // namespace millrace::bench
