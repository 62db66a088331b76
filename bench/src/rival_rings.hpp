// The rings of others, between two processes: the same payload, ring bytes and copies as ours. They
// survive no crash, check nothing and carry one size only; that is what a lane is measured against.
//
// Each ring lies in shared memory made before the processes part. One sender, one receiver.
#pragma once

#include "subject.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include <boost/lockfree/spsc_queue.hpp>

namespace millrace::bench {

struct Payload {
  std::byte bytes[kStreamBytes];
};

// Slots of one size and two indices. Each side keeps the other's index as it last saw it and looks
// again only when the ring seems full or empty (E. Rigtorp, SPSCQueue).
struct FixedRing {
  alignas(128) std::atomic<std::uint64_t> written{0};
  alignas(128) std::atomic<std::uint64_t> read{0};
  alignas(128) Payload slots[kRingSlots];
};

class FixedSender {
 public:
  explicit FixedSender(FixedRing& ring) noexcept : ring_(ring) {}

  void send(const std::byte* message) noexcept {
    // [sync:bench-read] Acquire. Without it the copy could overwrite a slot that is being read.
    while (written_ - read_seen_ == kRingSlots) {
      read_seen_ = ring_.read.load(std::memory_order_acquire);
    }
    std::memcpy(ring_.slots[written_ % kRingSlots].bytes, message, kStreamBytes);
    // [sync:bench-written] Release. Without it the slot could be read before it is filled.
    ring_.written.store(++written_, std::memory_order_release);
  }

 private:
  FixedRing& ring_;
  std::uint64_t written_ = 0;
  std::uint64_t read_seen_ = 0;
};

// kByTheRun: reads up to what it saw and gives all of it back at once (the Disruptor's batch
// processor); otherwise every slot is given back alone.
template <bool kByTheRun>
class FixedReceiver {
 public:
  explicit FixedReceiver(FixedRing& ring) noexcept : ring_(ring) {}

  template <class Sink>
  std::size_t drain(Sink&& sink, std::size_t most) noexcept {
    // [sync:bench-written] Acquire, as in FixedSender::send.
    if (read_ == written_seen_) written_seen_ = ring_.written.load(std::memory_order_acquire);
    std::size_t done = 0;
    for (; done != most && read_ != written_seen_; ++done) {
      sink(ring_.slots[read_ % kRingSlots].bytes, kStreamBytes);
      ++read_;
      if constexpr (!kByTheRun) give_back();
    }
    if constexpr (kByTheRun) {
      if (done != 0) give_back();
    }
    return done;
  }

 private:
  void give_back() noexcept {
    // [sync:bench-read] Release. Without it the slot could be overwritten while it is copied.
    ring_.read.store(read_, std::memory_order_release);
  }

  FixedRing& ring_;
  std::uint64_t read_ = 0;
  std::uint64_t written_seen_ = 0;
};

using BoostRing = boost::lockfree::spsc_queue<Payload, boost::lockfree::capacity<kRingSlots>>;

class BoostSender {
 public:
  explicit BoostSender(BoostRing& ring) noexcept : ring_(ring) {}

  void send(const std::byte* message) noexcept {
    Payload payload;
    std::memcpy(payload.bytes, message, kStreamBytes);
    while (!ring_.push(payload)) {
    }
  }

 private:
  BoostRing& ring_;
};

// kByTheRun: consume_all, which looks at the indices once for everything that is there.
template <bool kByTheRun>
class BoostReceiver {
 public:
  explicit BoostReceiver(BoostRing& ring) noexcept : ring_(ring) {}

  bool take(std::byte* out) noexcept {
    Payload payload;
    if (!ring_.pop(payload)) return false;
    std::memcpy(out, payload.bytes, kStreamBytes);
    return true;
  }

  template <class Sink>
  std::size_t drain(Sink&& sink, std::size_t most) noexcept {
    if constexpr (kByTheRun) {
      return ring_.consume_all([&](const Payload& payload) { sink(payload.bytes, kStreamBytes); });
    }
    Payload payload;
    std::size_t done = 0;
    for (; done != most && ring_.pop(payload); ++done)
      sink(payload.bytes, kStreamBytes);
    return done;
  }

 private:
  BoostRing& ring_;
};

}  // namespace millrace::bench
