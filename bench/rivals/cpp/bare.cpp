// The baseline, and with a second pair of processes the first null rival: two words, plain acquire
// spin; and a futex for those who sleep. No message is copied.
#include "gate.hpp"
#include "parts.hpp"

#include <algorithm>
#include <climits>
#include <ctime>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <vector>

namespace millrace::rivals {

namespace {

void lead_round_trips(RivalPage& page) {
  Parts parts;
  // Relaxed: nobody writes before both have met.
  std::uint64_t count = page.back.load(std::memory_order_relaxed);
  meet_follower(page);
  for (std::size_t part = 0; part <= kParts; ++part) {
    const std::uint64_t began = now_ns();
    for (std::uint64_t i = 0; i < page.part; ++i) {
      page.there.store(++count, std::memory_order_release);         // [sync:rival-there]
      while (page.back.load(std::memory_order_acquire) != count) {  // [sync:rival-back]
      }
    }
    if (part != 0) parts.add(began, page.part);
  }
  parts.write(page);
}

void follow_round_trips(RivalPage& page) {
  std::uint64_t count = page.back.load(std::memory_order_relaxed);
  meet_leader(page);
  for (std::uint64_t left = page.part * (kParts + 1); left != 0; --left) {
    ++count;
    while (page.there.load(std::memory_order_acquire) != count) {  // [sync:rival-there]
    }
    page.back.store(count, std::memory_order_release);  // [sync:rival-back]
  }
}

std::uint32_t* futex_word(RivalPage& page) {
  return reinterpret_cast<std::uint32_t*>(&page.wake);
}

void lead_wake(RivalPage& page) {
  Parts parts;
  std::vector<double> took(page.part);
  page.wake.store(0, std::memory_order_relaxed);
  meet_follower(page);
  std::uint32_t count = 0;
  for (std::size_t part = 0; part <= kParts; ++part) {
    for (double& one : took) {
      // [sync:rival-wake] Acquire: `there`, when it was sent, belongs to this count.
      while (page.wake.load(std::memory_order_acquire) == count) {
        syscall(SYS_futex, futex_word(page), FUTEX_WAIT, count, nullptr, nullptr, 0);
      }
      ++count;
      one = static_cast<double>(now_ns() - page.there.load(std::memory_order_relaxed));
    }
    const auto middle = took.begin() + static_cast<std::ptrdiff_t>(took.size() / 2);
    std::nth_element(took.begin(), middle, took.end());
    if (part != 0) parts.set(*middle);
  }
  page.there.store(0, std::memory_order_relaxed);
  page.back.store(0, std::memory_order_relaxed);
  parts.write(page);
}

void follow_wake(RivalPage& page) {
  meet_leader(page);
  for (std::uint64_t left = page.part * (kParts + 1); left != 0; --left) {
    const timespec pause{0, static_cast<long>(page.pause_ns)};
    nanosleep(&pause, nullptr);
    page.there.store(now_ns(), std::memory_order_relaxed);
    page.wake.fetch_add(1, std::memory_order_release);  // [sync:rival-wake]
    syscall(SYS_futex, futex_word(page), FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
  }
}

void obey(RivalPage& page, bool leads) {
  switch (static_cast<OrderKind>(page.kind)) {
    case OrderKind::round_trip: leads ? lead_round_trips(page) : follow_round_trips(page); break;
    case OrderKind::wake: leads ? lead_wake(page) : follow_wake(page); break;
    default: give_up("bare words know round trips and wakes only");
  }
}

}  // namespace

}  // namespace millrace::rivals

int main(int argc, char** argv) {
  using namespace millrace::rivals;
  const Setup setup = read_setup(argc, argv);
  if (setup.role != Role::leader && setup.role != Role::follower) give_up("bare has two sides");
  const bool leads = setup.role == Role::leader;
  name_thread(leads ? setup.page->leader_tid : setup.page->follower_tid);
  for (answer();; answer()) {
    wait_for_baton();
    obey(*setup.page, leads);
  }
}
