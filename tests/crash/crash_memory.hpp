// A memory policy whose stores can be cut off: after `stores_left` more stores nothing reaches
// memory any more, which is what a kill looks like to everybody else, because a processor retires
// its stores in program order. The killed code runs on into the void and is then thrown away.
//
// The flaws are the variants that must fail.
#pragma once

#include "millrace/core/lane_view.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <limits>

namespace millrace::crash {

enum class Flaw : std::uint8_t {
  none,
  no_zero,              // the header behind a batch is not zeroed
  no_checkpoint,        // the first checkpoint is never followed by another
  no_room_for_zero,     // space is asked for without the 8 bytes of the next header
  checkpoint_in_place,  // position and sequence are overwritten instead of flipped
};

class CrashWord {
 public:
  static constexpr std::uint64_t kEndless = std::numeric_limits<std::uint64_t>::max();
  static inline std::uint64_t stores_left = kEndless;
  static inline std::uint64_t stores_done = 0;

  [[nodiscard]] std::uint64_t load(std::memory_order) const noexcept { return value_; }

  void store(std::uint64_t value, std::memory_order) noexcept {
    if (ignores_zero && value == 0) return;
    put(value);
  }

  void put(std::uint64_t value) noexcept {
    if (frozen) return;
    ++stores_done;
    if (stores_left == 0) return;
    if (stores_left != kEndless) --stores_left;
    value_ = value;
  }

  bool ignores_zero = false;
  bool frozen = false;

 private:
  std::uint64_t value_ = 0;
};

struct CrashRing {
  static constexpr std::uint64_t kBytesMax = 1024;

  CrashWord limit;
  CrashWord proposed;
  CrashWord version;
  std::array<std::array<CrashWord, 2>, kCheckpointSlots> slots;
  std::array<CrashWord, kBytesMax / 8> words;
  std::uint64_t bytes = kBytesMax;
  Flaw flaw = Flaw::none;
};

class CrashLane {
 public:
  using Word = CrashWord;

  static constexpr std::uint64_t kSlots = kCheckpointSlots;

  CrashLane() = default;

  explicit CrashLane(CrashRing& ring) noexcept : ring_(&ring) {}

  [[nodiscard]] std::uint64_t capacity() const noexcept { return ring_->bytes; }

  [[nodiscard]] std::uint64_t step() const noexcept { return capacity() / kCheckpointsPerLap; }

  [[nodiscard]] Word& limit() const noexcept { return ring_->limit; }

  [[nodiscard]] Word& proposed() const noexcept { return ring_->proposed; }

  [[nodiscard]] Word& version() const noexcept { return ring_->version; }

  [[nodiscard]] Word& checkpoint_position(std::uint64_t number) const noexcept {
    return slot(number)[0];
  }

  [[nodiscard]] Word& checkpoint_sequence(std::uint64_t number) const noexcept {
    return slot(number)[1];
  }

  [[nodiscard]] Word& header(Position position) const noexcept {
    return ring_->words[position % capacity() / 8];
  }

 private:
  [[nodiscard]] std::array<Word, 2>& slot(std::uint64_t number) const noexcept {
    return ring_->slots[ring_->flaw == Flaw::checkpoint_in_place ? 0 : number % kSlots];
  }

  CrashRing* ring_ = nullptr;
};

struct CrashMemory {
  using Word = CrashWord;
  using Lane = CrashLane;

  static void acquire_fence() noexcept {}

  static void release_fence() noexcept {}

  static void full_fence() noexcept {}

  static void light_barrier() noexcept {}
};

}  // namespace millrace::crash
