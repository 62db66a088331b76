// The yardstick of ordered logs: one ring for all producers, claimed by fetch-and-add. Nobody who
// stops or dies between claim and commit is noticed: everybody waits for ever. So it is no choice,
// it says what safety costs.
//
//   control:  claimed (blocks since the beginning) | read, by the one reader, if there is one
//   block:    the first 8 bytes of a publish, once it is whole: lap + 1 (40 bits) | messages (12) |
//             blocks (12)
#pragma once

#include "log_records.hpp"
#include "millrace/core/cpu.hpp"
#include "shared_ring.hpp"

#include <atomic>

namespace millrace::alternatives {

class PlainLog {
 public:
  static constexpr std::uint64_t kControlBytes = kPageBytes;

  explicit PlainLog(const RingMaps& maps) noexcept
      : control_(reinterpret_cast<Control*>(maps.control.data())),
        ring_(maps.ring.data()),
        blocks_(maps.ring.ring_bytes() / kLogBlock) {}

  // Call before the first publish if nobody reads: the ring then runs free.
  void run_free() noexcept { control_->read.store(~std::uint64_t{0} / 2); }

  void publish(std::span<const Message> messages) noexcept {
    const std::uint64_t blocks = blocks_of(messages);
    // Relaxed: what is claimed becomes visible with its first word.
    const std::uint64_t at = control_->claimed.fetch_add(blocks, std::memory_order_relaxed);
    while (at + blocks > read_ + blocks_) {
      // [sync:plain-place] Acquire: what is overwritten has been read.
      read_ = control_->read.load(std::memory_order_acquire);
      if (at + blocks > read_ + blocks_) cpu::pause();
    }
    write_messages(place(at) + kLogHeader, messages);
    // [sync:plain-commit] Release: whoever sees it sees the messages.
    word(at).store(word_of(at, messages.size(), blocks), std::memory_order_release);
  }

  // The next publish's messages, to the one reader. False: there is none yet.
  template <class Handler>
  bool read(Handler&& handler) {
    // [sync:plain-commit] Acquire: see publish.
    const std::uint64_t found = word(next_).load(std::memory_order_acquire);
    if (found >> 24 != next_ / blocks_ + 1) return false;
    read_messages(place(next_) + kLogHeader, found >> 12 & 0xfff, handler);
    next_ += found & 0xfff;
    // [sync:plain-place] Release: what was read may be overwritten.
    control_->read.store(next_, std::memory_order_release);
    return true;
  }

 private:
  using Word = std::atomic<std::uint64_t>;

  struct Control {
    alignas(128) Word claimed;
    alignas(128) Word read;
  };

  static_assert(sizeof(Control) <= kControlBytes);

  [[nodiscard]] std::uint64_t word_of(std::uint64_t at, std::uint64_t messages,
                                      std::uint64_t blocks) const noexcept {
    return (at / blocks_ + 1) << 24 | messages << 12 | blocks;
  }

  [[nodiscard]] std::byte* place(std::uint64_t at) const noexcept {
    return ring_ + (at & (blocks_ - 1)) * kLogBlock;
  }

  [[nodiscard]] Word& word(std::uint64_t at) const noexcept {
    return *reinterpret_cast<Word*>(place(at));
  }

  Control* control_;
  std::byte* ring_;
  std::uint64_t blocks_;    // of the ring, a power of two
  std::uint64_t read_ = 0;  // as last seen
  std::uint64_t next_ = 0;  // of the reader
};

}  // namespace millrace::alternatives
