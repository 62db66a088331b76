// main() of a driver in C++. A Rival is made from a Setup and has
//   Sender sender(channel)      "there" or "back", unique within the scope; returns once connected
//   Receiver receiver(channel)
// Each in the order leader: sender(there), receiver(back); follower: receiver(there), sender(back).
// With Rival::kInProcess both are made in one process, and the follower is a thread.
#pragma once

#include "kill_loops.hpp"

#include <memory>
#include <optional>
#include <semaphore>
#include <thread>

namespace millrace::rivals {

template <class Rival>
class Driver {
 public:
  using Sender = decltype(std::declval<Rival&>().sender(std::string()));
  using Receiver = decltype(std::declval<Rival&>().receiver(std::string()));

  explicit Driver(const Setup& setup) : setup_(setup), page_(*setup.page), rival_(setup) {}

  [[noreturn]] void run() {
    switch (setup_.role) {
      case Role::leader: run_leader();
      case Role::follower: run_follower();
      case Role::both: run_both();
      case Role::publisher: run_publisher();
      case Role::consumer:
      case Role::victim: run_consumer();
    }
    _exit(2);
  }

 private:
  // A side has both ends in a pair, and what it needs otherwise.
  struct Side {
    std::optional<Sender> sender;
    std::vector<Receiver> receivers;
  };

  Side make_leader() {
    Side side;
    if (setup_.pattern == Pattern::pair) side.sender.emplace(rival_.sender("there"));
    side.receivers.reserve(setup_.receivers);
    for (std::size_t i = 0; i < setup_.receivers; ++i)
      side.receivers.push_back(rival_.receiver("back"));
    return side;
  }

  Side make_follower() {
    Side side;
    if (setup_.pattern == Pattern::pair) side.receivers.push_back(rival_.receiver("there"));
    side.sender.emplace(rival_.sender("back"));
    return side;
  }

  void lead(Side& side) {
    Receiver& receiver = side.receivers.front();
    switch (static_cast<OrderKind>(page_.kind)) {
      case OrderKind::round_trip:
        return lead_round_trips(page_, *side.sender, receiver, setup_.bytes);
      case OrderKind::stream: return lead_stream(page_, receiver, setup_.bytes);
      case OrderKind::fan_out: return lead_fan_out(page_, side.receivers, setup_.bytes);
      case OrderKind::wake:
        if constexpr (requires(std::byte * out) { receiver.take_asleep(out); }) {
          return lead_wake(page_, receiver, setup_.bytes);
        }
        break;
      default: break;
    }
    give_up("this rival's leader does not know the order");
  }

  void follow(Side& side) {
    switch (static_cast<OrderKind>(page_.kind)) {
      case OrderKind::round_trip:
        return follow_round_trips(page_, *side.sender, side.receivers.front(), setup_.bytes);
      case OrderKind::stream: return follow_stream(page_, *side.sender, setup_.bytes);
      case OrderKind::fan_out: return follow_fan_out(page_, *side.sender, setup_.bytes);
      case OrderKind::wake: return follow_wake(page_, *side.sender, setup_.bytes);
      default: break;
    }
    give_up("this rival's follower does not know the order");
  }

  [[noreturn]] void run_leader() {
    name_thread(page_.leader_tid);
    Side side = make_leader();
    for (answer();; answer()) {
      wait_for_baton();
      lead(side);
    }
  }

  [[noreturn]] void run_follower() {
    name_thread(page_.follower_tid);
    Side side = make_follower();
    for (answer();; answer()) {
      wait_for_baton();
      follow(side);
    }
  }

  [[noreturn]] void run_both() {
    std::binary_semaphore begin(0);
    std::binary_semaphore done(0);
    name_thread(page_.leader_tid);
    Side leading = make_leader();
    std::thread second([&] {
      name_thread(page_.follower_tid);
      Side following = make_follower();
      for (done.release();; done.release()) {
        begin.acquire();
        follow(following);
      }
    });
    done.acquire();
    for (answer();; answer()) {
      wait_for_baton();
      begin.release();
      lead(leading);
      done.acquire();
    }
  }

  [[noreturn]] void run_publisher() {
    Sender sender = rival_.sender("back");
    answer();
    wait_for_baton();
    publish_until_killed(page_, sender, setup_.bytes);
  }

  [[noreturn]] void run_consumer() {
    Receiver receiver = rival_.receiver("back");
    answer();
    wait_for_baton();
    if (setup_.role == Role::victim) consume_until_killed(page_, receiver, setup_.bytes);
    consume_and_watch(page_, receiver, setup_.bytes);
  }

  Setup setup_;
  RivalPage& page_;
  Rival rival_;
};

template <class Rival>
[[noreturn]] void drive(int argc, char** argv) {
  const Setup setup = read_setup(argc, argv);
  Driver<Rival> driver(setup);
  driver.run();
}

}  // namespace millrace::rivals
