// What the ring algorithms see of a lane: its control words, and the header word at a position.
// The ring is mapped twice back to back, so every record is contiguous and nothing wraps.
//
// The view owns nothing. A subscriber's view lies in a read-only mapping: storing through it
// faults.
#pragma once

#include "millrace/core/lane_layout.hpp"
#include "millrace/core/position.hpp"

#include <cstddef>
#include <cstdint>

namespace millrace {

class LaneView {
 public:
  using Word = layout::Word;

  static constexpr std::uint64_t kSlots = kCheckpointSlots;

  LaneView() = default;

  // `ring` is the first byte of the double mapping of `ring_bytes` (a power of two).
  LaneView(layout::LaneControl* control, std::byte* ring, std::uint64_t ring_bytes) noexcept
      : control_(control), ring_(ring), mask_(ring_bytes - 1) {}

  [[nodiscard]] layout::LaneControl& control() const noexcept { return *control_; }

  [[nodiscard]] std::uint64_t capacity() const noexcept { return mask_ + 1; }

  // How far apart checkpoints lie and in what steps the limit grows.
  [[nodiscard]] std::uint64_t step() const noexcept { return capacity() / kCheckpointsPerLap; }

  [[nodiscard]] Word& limit() const noexcept { return control_->limit; }

  // The limit that the producer is about to take. Never below `limit`.
  [[nodiscard]] Word& proposed() const noexcept { return control_->proposed; }

  [[nodiscard]] Word& version() const noexcept { return control_->version; }

  [[nodiscard]] Word& checkpoint_position(std::uint64_t number) const noexcept {
    return control_->checkpoints[number % kSlots].position;
  }

  [[nodiscard]] Word& checkpoint_sequence(std::uint64_t number) const noexcept {
    return control_->checkpoints[number % kSlots].sequence;
  }

  [[nodiscard]] Word& checkpoint_ordinal(std::uint64_t number) const noexcept {
    return control_->ordinals[number % kSlots];
  }

  // The word that is, or will be, the header of the record at `position` (a multiple of 8).
  [[nodiscard]] Word& header(Position position) const noexcept {
    return *reinterpret_cast<Word*>(at(position));
  }

  // The payload of the record at `position`; contiguous for as long as the ring is.
  [[nodiscard]] std::byte* payload(Position position) const noexcept {
    return at(position) + kHeaderBytes;
  }

 private:
  [[nodiscard]] std::byte* at(Position position) const noexcept {
    return ring_ + (position & mask_);
  }

  layout::LaneControl* control_ = nullptr;
  std::byte* ring_ = nullptr;
  std::uint64_t mask_ = 0;
};

}  // namespace millrace
