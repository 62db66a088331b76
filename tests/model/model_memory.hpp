// The memory policy of the models: every word of a lane is a simulated atomic, so that Relacy can
// try every value a load may return under the C++ memory model, and every interleaving.
//
// Payload words are relaxed atomics, as they are in production where they may race. light_barrier
// is a full fence here: what is proven is the form that fences at every publish (sleep_model.cpp
// has the asymmetric form as well, on Relacy's system-wide fence).
//
// A twin is weakened in one place: ModelMemory<Missing::x> leaves out one fence, and a ModelWord
// can be told to take its stores or its loads as relaxed. Both are needed because the orders stand
// in the templates themselves.
#pragma once

#include "millrace/core/join.hpp"
#include "millrace/core/lane_reader.hpp"
#include "millrace/core/lane_recovery.hpp"
#include "millrace/core/lane_writer.hpp"
#include "millrace/core/limit.hpp"
#include "millrace/core/sleep.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <map>
#include <memory>
#include <ostream>
#include <relacy/relacy.hpp>
#include <sstream>
#include <string>
#include <vector>

// Relacy takes these names for itself.
#undef memory_order_relaxed
#undef memory_order_consume
#undef memory_order_acquire
#undef memory_order_release
#undef memory_order_acq_rel
#undef memory_order_seq_cst
#undef new
#undef delete
#undef malloc
#undef assert

namespace millrace::model {

class ModelWord {
 public:
  void weaken_stores() { weak_stores_ = true; }

  void weaken_loads() { weak_loads_ = true; }

  void weaken_swaps() { weak_swaps_ = true; }

  void ignore_zeros() { ignores_zeros_ = true; }

  [[nodiscard]] std::uint64_t load(std::memory_order order) const {
    return word_.load(weak_loads_ ? rl::mo_relaxed : order_of(order), RL_INFO);
  }

  void store(std::uint64_t value, std::memory_order order) {
    if (ignores_zeros_ && value == 0) return;
    word_.store(value, weak_stores_ ? rl::mo_relaxed : order_of(order), RL_INFO);
  }

  bool compare_exchange_strong(std::uint64_t& seen, std::uint64_t wanted, std::memory_order order,
                               std::memory_order failure) {
    const rl::memory_order done = weak_swaps_ ? rl::mo_relaxed : order_of(order);
    return word_.compare_exchange_strong(seen, wanted, done, RL_INFO, order_of(failure), RL_INFO);
  }

  std::uint64_t fetch_add(std::uint64_t value, std::memory_order order) {
    return word_.fetch_add(value, order_of(order), RL_INFO);
  }

 private:
  static rl::memory_order order_of(std::memory_order order) {
    if (order == std::memory_order_relaxed) return rl::mo_relaxed;
    if (order == std::memory_order_acquire) return rl::mo_acquire;  // [sync:record]
    if (order == std::memory_order_release) return rl::mo_release;  // [sync:record]
    if (order == std::memory_order_acq_rel) return rl::mo_acq_rel;  // [sync:join]
    return rl::mo_seq_cst;
  }

  rl::atomic<std::uint64_t> word_{std::uint64_t{0}};
  bool weak_stores_ = false;
  bool weak_loads_ = false;
  bool weak_swaps_ = false;
  bool ignores_zeros_ = false;
};

// The bytes of a lane. A checkpoint is due at every record.
struct ModelRing {
  static constexpr std::uint64_t kBytes = 128;
  static constexpr std::uint64_t kSlots = 8;

  ModelWord limit;
  ModelWord proposed;
  bool proposes_in_limit = false;  // the twin with one word for both
  ModelWord version;
  std::array<std::array<ModelWord, 2>, kSlots> slots;
  std::array<ModelWord, kBytes / 8> words;
};

class ModelLane {
 public:
  using Word = ModelWord;

  static constexpr std::uint64_t kSlots = ModelRing::kSlots;

  ModelLane() = default;

  explicit ModelLane(ModelRing& ring) noexcept : ring_(&ring) {}

  [[nodiscard]] std::uint64_t capacity() const noexcept { return ModelRing::kBytes; }

  [[nodiscard]] std::uint64_t step() const noexcept { return 16; }

  [[nodiscard]] Word& limit() const noexcept { return ring_->limit; }

  [[nodiscard]] Word& proposed() const noexcept {
    return ring_->proposes_in_limit ? ring_->limit : ring_->proposed;
  }

  [[nodiscard]] Word& version() const noexcept { return ring_->version; }

  [[nodiscard]] Word& checkpoint_position(std::uint64_t number) const noexcept {
    return ring_->slots[number % kSlots][0];
  }

  [[nodiscard]] Word& checkpoint_sequence(std::uint64_t number) const noexcept {
    return ring_->slots[number % kSlots][1];
  }

  [[nodiscard]] Word& header(Position position) const noexcept {
    return ring_->words[position / 8 % ring_->words.size()];
  }

  [[nodiscard]] Word& payload(Position position, std::uint64_t word = 0) const noexcept {
    return header(position + 8 + 8 * word);
  }

 private:
  ModelRing* ring_ = nullptr;
};

enum class Missing : std::uint8_t { nothing, acquire_fence, release_fence, full_fence };

template <Missing kMissing = Missing::nothing>
struct ModelMemory {
  using Word = ModelWord;
  using Lane = ModelLane;

  static void acquire_fence() noexcept {
    if (kMissing != Missing::acquire_fence) rl::atomic_thread_fence(rl::mo_acquire, RL_INFO);
  }

  static void release_fence() noexcept {
    if (kMissing != Missing::release_fence) rl::atomic_thread_fence(rl::mo_release, RL_INFO);
  }

  static void full_fence() noexcept {
    if (kMissing != Missing::full_fence) rl::atomic_thread_fence(rl::mo_seq_cst, RL_INFO);
  }

  static void light_barrier() noexcept { full_fence(); }
};

// Every eighth message is a word longer, so records of a later lap lie across those of an earlier.
inline std::uint64_t words_of(Sequence sequence) noexcept {
  return sequence % 8 == 7 ? 2 : 1;
}

// What each payload word of message `sequence` must be; equal to no other payload, and no header.
inline std::uint64_t payload_of(Sequence sequence, std::uint64_t word) noexcept {
  return 100 + 2 * sequence + word;
}

inline layout::RecordHeader header_of(Sequence sequence) noexcept {
  return {.length = static_cast<std::uint32_t>(8 * words_of(sequence)),
          .type = RecordType::message,
          .sequence = static_cast<std::uint8_t>(sequence),
          .flags = 0,
          .key = 0};
}

inline void write_payload(const ModelLane& lane, Position at, Sequence sequence) noexcept {
  for (std::uint64_t word = 0; word < words_of(sequence); ++word) {
    lane.payload(at, word).store(payload_of(sequence, word), std::memory_order_relaxed);
  }
}

// True if the payload that was read at `record` is the one that was sent. A torn record may be
// asked for too; its length is whatever was read.
inline bool is_whole(const ModelLane& lane, const Record& record) noexcept {
  bool whole = record.length == 8 * words_of(record.sequence);
  for (std::uint64_t word = 0; word < words_of(record.sequence); ++word) {
    const std::uint64_t seen = lane.payload(record.position, word).load(std::memory_order_relaxed);
    whole = whole && seen == payload_of(record.sequence, word);
  }
  return whole;
}

}  // namespace millrace::model
