// The producer's side of a lane. One release store of a header publishes a record; the header after
// it is zeroed first, so a reader that walks the ring always ends at a zero.
//
//   I1  position + open claims + 8 <= limit         (8: the next header is zeroed before a publish)
//   I2  limit <= position of every counted reader + capacity
//   I3  limit <= newest checkpoint + capacity        (recovery never walks into overwritten bytes)
//   I4  the header at `position` is zero until the whole batch that begins there is written
//
// One thread at a time. No system call, no allocation, no loop.
//
// A producer killed between any two stores leaves the records before `position` intact and nothing
// after it reachable: the header that would reveal them is the last store (tests/crash).
#pragma once

#include "millrace/core/checkpoints.hpp"
#include "millrace/core/crash_point.hpp"

#include <cstddef>
#include <cstdint>

namespace millrace {

// Streams keep no index beside the ring; queues will store theirs before the commit.
struct NoIndex {
  void before_commit(Sequence, Position, std::uint64_t) noexcept {}
};

template <class Memory, class Index = NoIndex>
class LaneWriter {
 public:
  using Lane = typename Memory::Lane;

  LaneWriter() = default;

  // Continues at `at`, the frontier that recovery found (or {0, 0} in a new lane), and writes to
  // the lane: only its owner may call this.
  // `align`: where publishes may begin, kRecordAlign or kBlockBytes.
  LaneWriter(Lane lane, Checkpoint at, std::uint64_t align = kRecordAlign,
             Index index = {}) noexcept
      : lane_(lane),
        index_(index),
        position_(at.position),
        sequence_(at.sequence),
        ordinal_(at.ordinal),
        behind_(kHeaderBytes + align - kRecordAlign),
        limit_(lane.limit().load(std::memory_order_relaxed)),  // own word
        checkpoint_(at.position) {
    // A life begins with a checkpoint. The last owner's may lie far behind, and I3 counts from it.
    if (Checkpoints<Memory>::newest(lane) != at) checkpoint();
    // A candidate that the last owner never took would only turn joining readers away.
    lane.proposed().store(limit_, std::memory_order_relaxed);
  }

  [[nodiscard]] Position position() const noexcept { return position_; }

  [[nodiscard]] Sequence sequence() const noexcept { return sequence_; }

  [[nodiscard]] Position limit() const noexcept { return limit_; }

  [[nodiscard]] const Lane& lane() const noexcept { return lane_; }

  // Where the payload of the next record of the open batch goes.
  [[nodiscard]] Position claim_position() const noexcept { return position_ + open_bytes_; }

  // The limit that a record of `length` bytes needs, behind the records already in the open batch.
  [[nodiscard]] Position limit_needed(std::uint64_t length) const noexcept {
    return claim_position() + layout::record_bytes(length) + behind_;
  }

  [[nodiscard]] bool has_room(std::uint64_t length) const noexcept {
    return limit_needed(length) <= limit_;
  }

  // Lets the producer write below `limit`. The caller has made sure of I2; limit.hpp is how.
  void grant(Position limit) noexcept {
    // Relaxed: joining readers order themselves (join.hpp). It is never below `limit`.
    lane_.proposed().store(limit, std::memory_order_relaxed);
    lane_.limit().store(limit, std::memory_order_relaxed);
    MILLRACE_CRASH_POINT("limit.stored");
    // [sync:limit] Without this fence a reader could see the new bytes, and the old limit that
    // calls its own bytes intact.
    Memory::release_fence();
    limit_ = limit;
  }

  // Writes a checkpoint if the last one lies a step behind. Called when the limit is reached, which
  // happens at least once a step, so that a publish need not ask. It is right within a batch too:
  // position() is a record boundary until the batch is published. Were it put off, a batch that was
  // abandoned could leave so high a limit that the next one breaks I3.
  void checkpoint_if_due() noexcept {
    if (position_ - checkpoint_ >= lane_.step()) checkpoint();
  }

  void checkpoint() noexcept {
    Checkpoints<Memory>::write(lane_, {position_, sequence_, ordinal_});
    checkpoint_ = position_;
  }

  // Adds the record whose payload has been written at claim_position() to the open batch. Readers
  // see nothing yet. REQUIRES has_room(length).
  void append(layout::RecordHeader header) noexcept {
    header.sequence = static_cast<std::uint8_t>(sequence_ + open_count_);
    if (open_count_ == 0) {
      first_header_ = header.word();
    } else {
      // Relaxed: it lies behind the batch's first header, whose release store reveals it.
      lane_.header(claim_position()).store(header.word(), std::memory_order_relaxed);
    }
    open_bytes_ += layout::record_bytes(header.length);
    MILLRACE_CRASH_POINT("claim.appended");
    ++open_count_;
  }

  [[nodiscard]] std::uint64_t open_count() const noexcept { return open_count_; }

  // Forgets the open batch. Its bytes are unreachable: the header at position() is still zero.
  void abandon() noexcept { open_bytes_ = open_count_ = 0; }

  // Publishes the open batch with one release store and returns the position where it begins.
  Position publish() noexcept {
    const bool batch = open_count_ > 1;
    const Position at = show();
    if (batch) checkpoint_if_due();  // a batch is long: I3 needs it before the next one
    return at;
  }

  // The same in a lane of an ordered channel: the batch is complete in the lane, and is published
  // by OrderWriter. ordered() must follow before anything else.
  Position show_unordered() noexcept {
    pad();
    return show();
  }

  // What show_unordered() showed is published before `ordinal`. No checkpoint may come between the
  // two: it would say so too early, and a reader could miss the record.
  void ordered(std::uint64_t ordinal) noexcept {
    ordinal_ = ordinal;
    checkpoint_if_due();
  }

 private:
  // Fills up to where the next publish may begin.
  void pad() noexcept {
    const std::uint64_t rest = open_bytes_ & (behind_ - kHeaderBytes);
    if (rest == 0) return;
    const std::uint64_t length = behind_ - rest - kHeaderBytes;
    const layout::RecordHeader header{.length = static_cast<std::uint32_t>(length),
                                      .type = RecordType::pad,
                                      .sequence = 0,
                                      .flags = 0,
                                      .key = 0};
    // Relaxed: it lies behind the batch's first header, as in append().
    lane_.header(claim_position()).store(header.word(), std::memory_order_relaxed);
    open_bytes_ += layout::record_bytes(length);
  }

  // Reveals the open batch in the lane.
  Position show() noexcept {
    const Position at = position_;
    lane_.header(at + open_bytes_).store(0, std::memory_order_relaxed);
    MILLRACE_CRASH_POINT("publish.zeroed");
    index_.before_commit(sequence_, at, open_count_);
    // [sync:record] Release. Without it a reader could see the header before the payload, before
    // the batch's other headers, or before the zero that ends the walk.
    lane_.header(at).store(first_header_, std::memory_order_release);
    MILLRACE_CRASH_POINT("publish.shown");
    position_ = at + open_bytes_;
    sequence_ += open_count_;
    open_bytes_ = open_count_ = 0;
    return at;
  }

  Lane lane_{};
  [[no_unique_address]] Index index_{};
  Position position_ = 0;
  Sequence sequence_ = 0;
  std::uint64_t ordinal_ = 0;  // of an ordered channel: all before position_ is published before it
  std::uint64_t behind_ = kHeaderBytes;  // room behind the records: the next header, and padding
  Position limit_ = 0;                   // last value stored; the shared word is never read back
  Position checkpoint_ = 0;
  std::uint64_t open_bytes_ = 0;
  std::uint64_t open_count_ = 0;
  std::uint64_t first_header_ = 0;
};

}  // namespace millrace
