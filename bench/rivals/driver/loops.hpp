// The loops around every rival in C++; those in Rust and Java do the same. A slice has 17 parts of
// equal count: the first is not timed, sixteen are. Every message carries its number within the
// slice, and it is compared on arrival; payloads are copied in and out.
//
// A Sender has send(bytes), which waits in the rival's own way when there is no room. A Receiver
// has take(out): one look, true if a message came (a rival that is meant to block may block), and,
// if the rival can sleep, take_asleep(out).
#pragma once

#include "gate.hpp"
#include "message.hpp"
#include "parts.hpp"

#include <algorithm>
#include <ctime>
#include <sched.h>
#include <vector>

namespace millrace::rivals {

using Buffer = std::vector<std::byte>;

template <class Receiver>
void take_one(Receiver& receiver, Buffer& in) {
  while (!receiver.take(in.data())) {
  }
  keep(in.data());
}

template <class Sender>
void send_one(Sender& sender, Buffer& out, const Stamp& stamp) {
  put(out.data(), stamp);
  sender.send(out.data());
}

template <class Sender, class Receiver>
void lead_round_trips(RivalPage& page, Sender& sender, Receiver& receiver, std::size_t bytes) {
  Buffer out(bytes);
  Buffer in(bytes);
  Parts parts;
  std::uint64_t count = 0;
  meet_follower(page);
  for (std::size_t part = 0; part <= kParts; ++part) {
    const std::uint64_t began = now_ns();
    for (std::uint64_t i = 0; i < page.part; ++i) {
      send_one(sender, out, {++count});
      take_one(receiver, in);
      parts.expect(stamp_of(in.data()).count, count);
    }
    if (part != 0) parts.add(began, page.part);
  }
  parts.write(page);
}

template <class Sender, class Receiver>
void follow_round_trips(RivalPage& page, Sender& sender, Receiver& receiver, std::size_t bytes) {
  Buffer buffer(bytes);
  meet_leader(page);
  for (std::uint64_t left = page.part * (kParts + 1); left != 0; --left) {
    take_one(receiver, buffer);
    sender.send(buffer.data());
  }
}

// Only where the messages arrive can their rate be seen.
template <class Receiver>
void lead_stream(RivalPage& page, Receiver& receiver, std::size_t bytes) {
  Buffer in(bytes);
  Parts parts;
  std::uint64_t count = 0;
  meet_follower(page);
  for (std::size_t part = 0; part <= kParts; ++part) {
    const std::uint64_t began = now_ns();
    for (std::uint64_t i = 0; i < page.part; ++i) {
      take_one(receiver, in);
      parts.expect(stamp_of(in.data()).count, ++count);
    }
    if (part != 0) parts.add(began, page.part);
  }
  parts.write(page);
}

template <class Sender>
void follow_stream(RivalPage& page, Sender& sender, std::size_t bytes) {
  Buffer out(bytes);
  meet_leader(page);
  const std::uint64_t all = page.part * (kParts + 1);
  for (std::uint64_t count = 1; count <= all; ++count)
    send_one(sender, out, {count});
  if constexpr (requires { sender.flush(); }) sender.flush();
}

// Bursts smaller than any queue, each begun when all receivers have drained the one before: so the
// publisher never waits, and the time of a burst is what publishing to so many costs.
template <class Receiver>
void lead_fan_out(RivalPage& page, std::vector<Receiver>& receivers, std::size_t bytes) {
  Buffer in(bytes);
  Parts parts;
  std::uint64_t count = 0;
  page.drained.store(0, std::memory_order_relaxed);  // the gate orders it
  meet_follower(page);
  for (std::size_t part = 0; part <= kParts; ++part) {
    const std::uint64_t began = now_ns();
    for (std::uint64_t burst = 0; burst < page.part; ++burst, count += kBurst) {
      for (Receiver& receiver : receivers) {
        for (std::size_t i = 1; i <= kBurst; ++i) {
          take_one(receiver, in);
          parts.expect(stamp_of(in.data()).count, count + i);
        }
      }
      // [sync:rival-drained] Release: the receivers have given their room back.
      page.drained.store(count + kBurst, std::memory_order_release);
    }
    if (part != 0) parts.add(began, page.part * kBurst);
  }
  parts.write(page);
}

template <class Sender>
void follow_fan_out(RivalPage& page, Sender& sender, std::size_t bytes) {
  Buffer out(bytes);
  std::vector<double> took;
  took.reserve(page.part * (kParts + 1));
  meet_leader(page);
  std::uint64_t count = 0;
  while (took.size() < page.part * (kParts + 1)) {
    const std::uint64_t began = now_ns();
    for (std::size_t i = 0; i < kBurst; ++i)
      send_one(sender, out, {++count});
    took.push_back(static_cast<double>(now_ns() - began) / static_cast<double>(kBurst));
    while (page.drained.load(std::memory_order_acquire) != count) {  // [sync:rival-drained]
      sched_yield();  // a rival with threads of its own needs the processor more
    }
  }
  const auto middle = took.begin() + static_cast<std::ptrdiff_t>(took.size() / 2);
  std::nth_element(took.begin(), middle, took.end());
  page.publish_ns = *middle;
}

// One way: from just before send() to the return of take_asleep().
template <class Receiver>
void lead_wake(RivalPage& page, Receiver& receiver, std::size_t bytes) {
  Buffer in(bytes);
  Parts parts;
  std::vector<double> took(page.part);
  std::uint64_t count = 0;
  meet_follower(page);
  for (std::size_t part = 0; part <= kParts; ++part) {
    for (double& one : took) {
      receiver.take_asleep(in.data());
      const Stamp stamp = stamp_of(in.data());
      one = static_cast<double>(now_ns() - stamp.sent_at_ns);
      parts.expect(stamp.count, ++count);
    }
    const auto middle = took.begin() + static_cast<std::ptrdiff_t>(took.size() / 2);
    std::nth_element(took.begin(), middle, took.end());
    if (part != 0) parts.set(*middle);
  }
  parts.write(page);
}

template <class Sender>
void follow_wake(RivalPage& page, Sender& sender, std::size_t bytes) {
  Buffer out(bytes);
  meet_leader(page);
  const std::uint64_t all = page.part * (kParts + 1);
  for (std::uint64_t count = 1; count <= all; ++count) {
    const timespec pause{0, static_cast<long>(page.pause_ns)};
    nanosleep(&pause, nullptr);
    send_one(sender, out, {count, now_ns()});
    if constexpr (requires { sender.flush(); }) sender.flush();
  }
}

}  // namespace millrace::rivals
