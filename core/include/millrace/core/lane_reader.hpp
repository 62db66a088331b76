// A consumer's side of a lane: poll → use → release. Reading needs no write access to the lane; a
// stopped or dead reader holds nothing but, where the channel is lossless, its place.
//
// Nothing read is trusted before validate(): while the lane's `limit` is at most `start +
// capacity`, no byte from `start` on has been overwritten. Every mode validates before it releases.
// One comparison checks type, flags and the low byte of the sequence, which catches stale headers,
// misparses and liars.
//
// One thread at a time. No system call, no allocation.
#pragma once

#include "millrace/core/checkpoints.hpp"

#include <cstdint>

namespace millrace {

// What poll() found at the reader's position.
enum class Poll : std::uint8_t {
  message,
  empty,
  overrun,  // lapped: resynchronise() before anything else
  broken,   // bytes that no producer writes: the lane is poisoned, or of a later format
};

struct Record {
  Position position = 0;
  Sequence sequence = 0;
  std::uint32_t length = 0;
  std::uint16_t key = 0;
};

template <class Memory>
class LaneReader {
 public:
  using Lane = typename Memory::Lane;

  LaneReader() = default;

  LaneReader(Lane lane, Checkpoint at) noexcept
      : lane_(lane), position_(at.position), start_(at.position), sequence_(at.sequence) {}

  [[nodiscard]] Position position() const noexcept { return position_; }

  [[nodiscard]] Sequence sequence() const noexcept { return sequence_; }

  // Everything before it was released.
  [[nodiscard]] Position start() const noexcept { return start_; }

  [[nodiscard]] const Lane& lane() const noexcept { return lane_; }

  // Records of a type this version does not know but may skip.
  [[nodiscard]] std::uint64_t unknown() const noexcept { return unknown_; }

  // Looks at the record at position(). After `message`, read the payload, then advance().
  Poll poll(Record& record) noexcept {
    const Position lap_end = position_ + lane_.capacity();
    do {
      // [sync:record] Acquire. Without it the payload could be read before the header that says it
      // is there.
      const std::uint64_t word = lane_.header(position_).load(std::memory_order_acquire);
      if ((word & kCheckedBits) == expected()) [[likely]] {
        record = {position_, sequence_, static_cast<std::uint32_t>(word & 0x0fff'ffff),
                  static_cast<std::uint16_t>(word >> 48)};
        if (record.length <= longest()) [[likely]]
          return Poll::message;
      }
      // A lapped reader may see anything, a zero too. A limit that lets it stand came before.
      if (!intact(position_)) return Poll::overrun;
      if (word == 0) return Poll::empty;
      if (!below_limit() || !pass_over(layout::RecordHeader::of(word))) return Poll::broken;
    } while (position_ < lap_end);
    return Poll::empty;  // a whole lap without a message: not a reason to keep the caller
  }

  // Steps behind the record that poll() returned.
  void advance(const Record& record) noexcept {
    position_ += layout::record_bytes(record.length);
    ++sequence_;
  }

  // True if nothing from start() on was overwritten while it was read. False: what was read since
  // the last release() may be torn.
  [[nodiscard]] bool validate() const noexcept {
    // [sync:limit] Without this fence the limit could be read before the payload, and bytes of the
    // next lap be taken for ours.
    Memory::acquire_fence();
    return intact(start_);
  }

  // The same for the record at `position` only, after its bytes have been copied out.
  [[nodiscard]] bool validate(Position position) const noexcept {
    Memory::acquire_fence();  // [sync:limit] as above
    return intact(position);
  }

  // Passes over what fills up a publish of an ordered channel. `settled`: nothing read is in use.
  void pass_to(Position position, bool settled) noexcept {
    position_ = position;
    if (settled) start_ = position;
  }

  // Declares everything before position() used. The caller publishes position() to the producer.
  void release() noexcept { start_ = position_; }

  // After an overrun: continues at the oldest checkpoint that is intact and returns how many
  // messages were lost, exactly. Call it again if the next poll() says overrun.
  std::uint64_t resynchronise() noexcept {
    const auto found = Checkpoints<Memory>::oldest(lane_);
    if (!found || found->sequence < sequence_ || found->position < position_) return 0;
    const std::uint64_t lost = found->sequence - sequence_;
    jump(*found);
    return lost;
  }

  // Continues at another record boundary.
  void jump(Checkpoint at) noexcept {
    position_ = start_ = at.position;
    sequence_ = at.sequence;
  }

 private:
  // Type, sequence and flags; length and key are free.
  static constexpr std::uint64_t kCheckedBits = 0x0000'ffff'f000'0000;

  [[nodiscard]] std::uint64_t expected() const noexcept {
    return std::uint64_t{1} << 28 | (sequence_ & 0xff) << 32;
  }

  [[nodiscard]] std::uint64_t longest() const noexcept {
    return message_bytes_max(lane_.capacity());
  }

  [[nodiscard]] bool intact(Position position) const noexcept {
    // Relaxed: the caller's fence, or its acquire load of the header, orders it.
    return lane_.limit().load(std::memory_order_relaxed) <= position + lane_.capacity();
  }

  // A producer writes below its limit only. Without this a ring full of pads would have no end.
  [[nodiscard]] bool below_limit() const noexcept {
    return position_ < lane_.limit().load(std::memory_order_relaxed);  // ordered as in intact()
  }

  // Passes over records that are not messages. False: nobody should have written this.
  bool pass_over(layout::RecordHeader header) noexcept {
    const bool numbered = layout::has_sequence(header.type);
    if (header.length > longest() || (numbered && header.sequence != (sequence_ & 0xff))) {
      return false;
    }
    const bool skippable = layout::may_skip(header.type);
    const bool known = header.type == RecordType::pad || header.type == RecordType::aborted;
    if (!skippable && (!known || header.flags != 0)) return false;
    if (skippable) ++unknown_;
    position_ += layout::record_bytes(header.length);
    if (numbered) ++sequence_;
    return true;
  }

  Lane lane_{};
  Position position_ = 0;
  Position start_ = 0;
  Sequence sequence_ = 0;
  std::uint64_t unknown_ = 0;
};

}  // namespace millrace
