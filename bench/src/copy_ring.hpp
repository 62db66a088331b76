// The bare copy that long messages are measured against: the same bytes, the same footprint, one
// flag a message, and the reader copies out. Nothing is checked, found or told.
//
// One sender, one receiver, each in its process.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace millrace::bench {

template <std::size_t kBytes, std::uint64_t kFootprint>
struct CopyRing {
  static constexpr std::uint64_t kSlots = kFootprint / kBytes;

  struct Slot {
    alignas(64) std::atomic<std::uint64_t> flag{0};  // the count of the message that is in it
    alignas(64) std::byte bytes[kBytes];
  };

  alignas(128) std::atomic<std::uint64_t> read{0};
  alignas(128) Slot slots[kSlots];
};

template <std::size_t kBytes, std::uint64_t kFootprint>
class CopySender {
 public:
  explicit CopySender(CopyRing<kBytes, kFootprint>& ring) noexcept : ring_(ring) {}

  void send(const std::byte* message) noexcept {
    // [sync:bench-copy-read] Acquire. Without it a slot could be overwritten while it is read.
    while (written_ - read_seen_ == ring_.kSlots)
      read_seen_ = ring_.read.load(std::memory_order_acquire);
    auto& slot = ring_.slots[written_ % ring_.kSlots];
    std::memcpy(slot.bytes, message, kBytes);
    // [sync:bench-copy-flag] Release. Without it the slot could be read before it is filled.
    slot.flag.store(++written_, std::memory_order_release);
  }

 private:
  CopyRing<kBytes, kFootprint>& ring_;
  std::uint64_t written_ = 0;
  std::uint64_t read_seen_ = 0;
};

template <std::size_t kBytes, std::uint64_t kFootprint>
class CopyReceiver {
 public:
  explicit CopyReceiver(CopyRing<kBytes, kFootprint>& ring) noexcept : ring_(ring) {}

  template <class Sink>
  std::size_t drain(Sink&& sink, std::size_t most) noexcept {
    std::size_t done = 0;
    for (; done != most; ++done) {
      const auto& slot = ring_.slots[read_ % ring_.kSlots];
      // [sync:bench-copy-flag] Acquire, as in CopySender::send.
      if (slot.flag.load(std::memory_order_acquire) != read_ + 1) break;
      sink(slot.bytes, kBytes);
      // [sync:bench-copy-read] Release, as in CopySender::send.
      ring_.read.store(++read_, std::memory_order_release);
    }
    return done;
  }

 private:
  CopyRing<kBytes, kFootprint>& ring_;
  std::uint64_t read_ = 0;
};

}  // namespace millrace::bench
