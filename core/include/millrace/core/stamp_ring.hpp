// The records of a flight recorder (stamp_layout.hpp): StampWriter is its owner's side,
// StampReader everybody else's. One writer, any number of readers, no lock; the oldest record is
// overwritten.
//
// A record is a small sequence lock whose version carries the record's number: a reader knows not
// only that a record is whole but also which lap it is of. No fence is needed: every word is stored
// with release and loaded with acquire, which costs nothing on x86.
//
// The writer may be killed between any two stores: at most the one record that it was writing is
// lost, and its odd version says so for ever. A stamp that a record gets later is one store.
//
// Both are templates over the view of the slots, so the same source runs on simulated memory
// (tests/model) and on memory in which every store is a place to die (tests/unit).
//
// Thread rules: one writer, one thread. Readers: any thread; they write nothing.
#pragma once

#include "millrace/core/position.hpp"
#include "millrace/core/stamp_layout.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace millrace {

// One stamped message in one pair of hands.
struct StampRecord {
  std::uint64_t number = 0;  // in its recorder, from 0
  Sequence sequence = 0;
  std::uint32_t lane = 0;
  std::uint32_t length = 0;                                      // bytes of the message
  std::uint64_t epoch = 0;                                       // of the lane
  std::array<std::uint64_t, layout::kStampsPerRecord> stamps{};  // ticks; 0: not reached
};

// The slots in a mapping. Owns nothing.
class StampView {
 public:
  StampView() = default;

  // REQUIRES `slots` a power of two.
  StampView(layout::StampSlot* first, std::uint32_t slots) noexcept
      : first_(first), mask_(slots - 1) {}

  [[nodiscard]] std::uint64_t slots() const noexcept { return mask_ + 1; }

  [[nodiscard]] layout::StampSlot& slot(std::uint64_t number) const noexcept {
    return first_[number & mask_];
  }

 private:
  layout::StampSlot* first_ = nullptr;
  std::uint64_t mask_ = 0;
};

template <class View>
class StampWriter {
 public:
  StampWriter() = default;

  // REQUIRES: all slots are zero, that is, the file is new.
  explicit StampWriter(View view) noexcept : view_(view) {}

  // Records written so far; also the number of the next.
  [[nodiscard]] std::uint64_t written() const noexcept { return written_; }

  // Writes the next record, over the oldest, and returns its number. `record.number` is ignored.
  std::uint64_t write(const StampRecord& record) noexcept {
    const std::uint64_t number = written_++;
    auto& slot = view_.slot(number);
    slot.version.store(2 * number + 1, std::memory_order_relaxed);
    // [sync:stamp] Release, each: a reader that sees one of these words also sees that the record
    // before it is gone. Without it a record could be put together of two.
    slot.sequence.store(record.sequence, std::memory_order_release);
    slot.lane.store(record.lane, std::memory_order_release);      // [sync:stamp]
    slot.length.store(record.length, std::memory_order_release);  // [sync:stamp]
    slot.epoch.store(record.epoch, std::memory_order_release);    // [sync:stamp]
    for (std::size_t i = 0; i < record.stamps.size(); ++i)
      slot.stamps[i].store(record.stamps[i], std::memory_order_release);  // [sync:stamp]
    // [sync:stamp] Release: who sees the record whole sees every word of it.
    slot.version.store(2 * number + 2, std::memory_order_release);
    return number;
  }

  // Does record `number` still lie in its slot?
  [[nodiscard]] bool holds(std::uint64_t number) const noexcept {
    return number < written_ && written_ - number <= view_.slots();
  }

  // Adds stamp `which` to a record that was written before; nothing if it was overwritten since.
  void add(std::uint64_t number, std::size_t which, std::uint64_t ticks) noexcept {
    // [sync:stamp] Release, as in write(): this record may be overwritten next.
    if (holds(number)) view_.slot(number).stamps[which].store(ticks, std::memory_order_release);
  }

 private:
  View view_{};
  std::uint64_t written_ = 0;
};

template <class View>
class StampReader {
 public:
  explicit StampReader(View view) noexcept : view_(view) {}

  // What a slot holds.
  enum class Found : std::uint8_t {
    whole,
    empty,         // never written
    torn,          // being written, overwritten meanwhile, or its writer died in the middle
    false_number,  // a number that does not belong there: not written by a recorder
  };

  // Copies slot `index` to `record`, if it is whole.
  Found read(std::uint64_t index, StampRecord& record) const noexcept {
    const auto& slot = view_.slot(index);
    // [sync:stamp] Acquire: every word of the record is seen with it.
    const std::uint64_t version = slot.version.load(std::memory_order_acquire);
    if (version == 0) return Found::empty;
    if (version % 2 != 0) return Found::torn;
    record.number = version / 2 - 1;
    if (record.number % view_.slots() != index) return Found::false_number;
    // [sync:stamp] Acquire, each: if it is of a later record, the second look at the version sees
    // that that one was begun.
    record.sequence = slot.sequence.load(std::memory_order_acquire);
    record.lane = half(slot.lane.load(std::memory_order_acquire));      // [sync:stamp]
    record.length = half(slot.length.load(std::memory_order_acquire));  // [sync:stamp]
    record.epoch = slot.epoch.load(std::memory_order_acquire);          // [sync:stamp]
    for (std::size_t i = 0; i < record.stamps.size(); ++i)
      record.stamps[i] = slot.stamps[i].load(std::memory_order_acquire);  // [sync:stamp]
    const bool same = slot.version.load(std::memory_order_relaxed) == version;
    return same ? Found::whole : Found::torn;
  }

 private:
  // Simulated memory has words of 64 bits only.
  static std::uint32_t half(std::uint64_t value) noexcept {
    return static_cast<std::uint32_t>(value);
  }

  View view_;
};

}  // namespace millrace
