// The loops around every subject, the same for all: sixteen stamps a slice, an eight-byte count in
// each message that is compared on arrival, and a copy out that the compiler may not leave away.
//
// One thread in each process; the leader's loop and the follower's get the same count.
#pragma once

#include "millrace/core/cpu.hpp"
#include "subject.hpp"

#include <atomic>
#include <chrono>
#include <cstring>

namespace millrace::bench {

using SliceClock = std::chrono::steady_clock;

inline double ns_since(SliceClock::time_point began) noexcept {
  return std::chrono::duration<double, std::nano>(SliceClock::now() - began).count();
}

// Makes the compiler believe that somebody looks at the bytes.
template <class T>
inline void keep(const T& bytes) noexcept {
  asm volatile("" : : "m"(bytes));
}

// Collects the sub-slices; holds everything it needs, so that stamping allocates nothing.
class Stamps {
 public:
  void add(double ns, std::uint64_t messages) noexcept {
    all_ns_ += ns;
    all_ += messages;
    if (filled_ < kSubSlices) per_message_[filled_++] = ns / static_cast<double>(messages);
  }

  [[nodiscard]] Timing timing(std::uint64_t wrong) noexcept;

 private:
  std::array<double, kSubSlices> per_message_{};
  std::size_t filled_ = 0;
  double all_ns_ = 0;
  std::uint64_t all_ = 0;
};

inline void put_count(std::byte* message, std::uint64_t count) noexcept {
  std::memcpy(message, &count, sizeof count);
}

inline std::uint64_t count_of(const std::byte* message) noexcept {
  std::uint64_t count = 0;
  std::memcpy(&count, message, sizeof count);
  return count;
}

// Messages are written some time before they are sent. A copy that loads sixteen bytes right behind
// the store of eight of them waits until that store has left the core, some nanoseconds that would
// be added to every subject alike and draw all ratios towards 1.
//
// Long messages have one place only: the wait is nothing beside their copy, and sixteen places
// would push the ring out of the cache.
template <std::size_t kBytes>
class Messages {
 public:
  explicit Messages(std::uint64_t sent) noexcept {
    for (std::uint64_t count = sent + 1; count <= sent + kAhead; ++count)
      write(count);
  }

  // The message that carries `count`. Counts come one after the other.
  const std::byte* operator[](std::uint64_t count) const noexcept {
    return bytes_[count % kPlaces];
  }

  // Call it after `count` was sent.
  void write_ahead(std::uint64_t count) noexcept { write(count + kAhead); }

 private:
  static constexpr std::uint64_t kAhead = kBytes <= 64 ? 8 : 1;
  static constexpr std::uint64_t kPlaces = kBytes <= 64 ? 2 * kAhead : 1;

  void write(std::uint64_t count) noexcept { put_count(bytes_[count % kPlaces], count); }

  alignas(64) std::byte bytes_[kPlaces][kBytes] = {};
};

// `trips` round trips, in sixteen parts. `count` goes on from slice to slice.
template <std::size_t kBytes, class Sender, class Receiver>
Timing lead_round_trips(Sender& sender, Receiver& receiver, std::uint64_t trips,
                        std::uint64_t& count) noexcept {
  Messages<kBytes> out(count);
  alignas(64) std::byte in[kBytes] = {};
  Stamps stamps;
  std::uint64_t wrong = 0;
  for (std::size_t part = 0; part < kSubSlices; ++part) {
    const std::uint64_t here = trips * (part + 1) / kSubSlices - trips * part / kSubSlices;
    const auto began = SliceClock::now();
    for (std::uint64_t i = 0; i < here; ++i) {
      sender.send(out[++count]);
      out.write_ahead(count);
      while (!receiver.take(in))
        cpu::pause();  // as Wait::spin does
      keep(in);
      wrong += count_of(in) != count ? 1 : 0;
    }
    if (here != 0) stamps.add(ns_since(began), here);
  }
  return stamps.timing(wrong);
}

template <std::size_t kBytes, class Sender, class Receiver>
void follow_round_trips(Sender& sender, Receiver& receiver, std::uint64_t trips) noexcept {
  alignas(64) std::byte buffer[kBytes] = {};
  for (std::uint64_t i = 0; i < trips; ++i) {
    while (!receiver.take(buffer))
      cpu::pause();
    keep(buffer);
    sender.send(buffer);
  }
}

// Receives `messages` of at most kBytes; the first lap is not timed.
template <std::size_t kBytes, class Receiver>
Timing lead_stream(Receiver& receiver, std::uint64_t messages, std::uint64_t lap,
                   std::uint64_t& count) noexcept {
  std::uint64_t wrong = 0;
  std::uint64_t received = 0;
  alignas(64) std::byte copy[kBytes];
  const auto sink = [&](const std::byte* message, std::size_t length) {
    std::memcpy(copy, message, length);
    keep(copy);
    wrong += count_of(copy) != ++count ? 1 : 0;
  };
  const auto receive = [&](std::uint64_t until) {
    while (received < until)
      received += receiver.drain(sink, until - received);
  };
  const std::uint64_t warm = messages < 2 * lap ? messages / 2 : lap;
  receive(warm);
  Stamps stamps;
  for (std::size_t part = 1; part <= kSubSlices; ++part) {
    const std::uint64_t until = warm + (messages - warm) * part / kSubSlices;
    if (received >= until) continue;  // a receiver that takes all there is may overshoot
    const std::uint64_t before = received;
    const auto began = SliceClock::now();
    receive(until);
    stamps.add(ns_since(began), received - before);
  }
  return stamps.timing(wrong);
}

template <std::size_t kBytes, class Sender>
void follow_stream(Sender& sender, std::uint64_t messages, std::uint64_t& count) noexcept {
  Messages<kBytes> out(count);
  for (std::uint64_t i = 0; i < messages; ++i) {
    sender.send(out[++count]);
    out.write_ahead(count);
  }
  if constexpr (requires { sender.flush(); }) sender.flush();
}

// The baseline of round trips: nothing but two words. kPause: with the processor's hint while it
// spins. `there_of` and `back_of` say which words the trip of a count uses.
template <bool kPause, class Words>
Timing lead_bare(Words& words, std::uint64_t trips, std::uint64_t& count) noexcept {
  Stamps stamps;
  for (std::size_t part = 0; part < kSubSlices; ++part) {
    const std::uint64_t here = trips * (part + 1) / kSubSlices - trips * part / kSubSlices;
    const auto began = SliceClock::now();
    for (std::uint64_t i = 0; i < here; ++i) {
      // [sync:bench-bare] The orders a message would need, without the message.
      ++count;
      there_of(words, count).store(count, std::memory_order_release);
      const auto& back = back_of(words, count);
      while (back.load(std::memory_order_acquire) != count) {  // [sync:bench-bare]
        if constexpr (kPause) cpu::pause();
      }
    }
    if (here != 0) stamps.add(ns_since(began), here);
  }
  return stamps.timing(0);
}

template <bool kPause, class Words>
void follow_bare(Words& words, std::uint64_t trips, std::uint64_t& count) noexcept {
  for (std::uint64_t i = 0; i < trips; ++i) {
    ++count;
    const auto& there = there_of(words, count);
    while (there.load(std::memory_order_acquire) != count) {  // [sync:bench-bare]
      if constexpr (kPause) cpu::pause();
    }
    back_of(words, count).store(count, std::memory_order_release);  // [sync:bench-bare]
  }
}

}  // namespace millrace::bench
