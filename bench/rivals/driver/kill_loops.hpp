// What goes on while somebody is killed: publishers that flood, and one consumer that says how long
// it went without a message. Endless: the conductor ends the processes.
#pragma once

#include "loops.hpp"

namespace millrace::rivals {

// With more of us than processors, who finds nothing gives its processor away.
template <class Receiver>
void take_or_yield(Receiver& receiver, Buffer& in) {
  for (unsigned tries = 0; !receiver.take(in.data()); ++tries) {
    if (tries % 64 == 63) sched_yield();
  }
}

template <class Sender>
[[noreturn]] void publish_until_killed(RivalPage& page, Sender& sender, std::size_t bytes) {
  Buffer out(bytes);
  for (std::uint64_t count = 1;; ++count) {
    send_one(sender, out, {count, now_ns()});
    if (page.stop.load(std::memory_order_relaxed) != 0) _exit(0);
  }
}

// A message that was sent after the kill is from a survivor; earlier ones prove nothing.
class Gaps {
 public:
  explicit Gaps(RivalPage& page) noexcept : page_(page) {}

  void received(std::uint64_t sent_at_ns) noexcept {
    const std::uint64_t now = now_ns();
    const std::uint64_t killed = page_.killed_at_ns.load(std::memory_order_relaxed);
    page_.received.fetch_add(1, std::memory_order_relaxed);
    if (killed != 0 && sent_at_ns <= killed) return;
    const std::uint64_t since = std::max(last_ns_, killed);
    raise(killed == 0 ? page_.quiet_gap_ns : page_.gap_ns, since == 0 ? 0 : now - since);
    last_ns_ = now;
    page_.last_ns.store(now, std::memory_order_relaxed);
  }

 private:
  static void raise(std::atomic<std::uint64_t>& longest, std::uint64_t gap) noexcept {
    if (gap > longest.load(std::memory_order_relaxed)) {
      longest.store(gap, std::memory_order_relaxed);
    }
  }

  RivalPage& page_;
  std::uint64_t last_ns_ = 0;
};

template <class Receiver>
[[noreturn]] void consume_and_watch(RivalPage& page, Receiver& receiver, std::size_t bytes) {
  Buffer in(bytes);
  Gaps gaps(page);
  while (page.stop.load(std::memory_order_relaxed) == 0) {
    take_or_yield(receiver, in);
    gaps.received(stamp_of(in.data()).sent_at_ns);
  }
  _exit(0);
}

// The one that dies: it must not touch what the survivor says.
template <class Receiver>
[[noreturn]] void consume_until_killed(RivalPage& page, Receiver& receiver, std::size_t bytes) {
  Buffer in(bytes);
  while (page.stop.load(std::memory_order_relaxed) == 0)
    take_or_yield(receiver, in);
  _exit(0);
}

}  // namespace millrace::rivals
