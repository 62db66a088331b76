// The producer's slow path: how far may it write before it must look at readers again?
//
// `limit` is one word with three uses: overwrite horizon, eviction, and defence against a corrupted
// reader position. It grows in sixteenths of the ring, so a late reader finds
// most of a lap of history, and the producer looks at every reader only when the slowest known one
// would be overtaken: publishing is O(1) in the number of readers.
//
// Join is Dekker's handshake, on a word of its own. The reader stores its place, raises the
// generation, fences, and then reads `proposed`; the producer stores the candidate in `proposed`,
// fences, and then reads the generation. Either the reader sees the candidate (and takes a later
// place) or the producer sees the reader (and takes a lower limit). Were the candidate stored in
// `limit` itself, a reader that had just joined could validate against a candidate that is about to
// be lowered, and lose messages that nobody overwrote (tests/model/join_model.cpp); and a producer
// that died in between would leave a limit that its successor must not use.
#pragma once

#include "millrace/core/crash_point.hpp"
#include "millrace/core/lane_writer.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>

namespace millrace {

inline constexpr Position kNoReader = std::numeric_limits<Position>::max();

// Readers is the producer's private picture of the readers that its lane waits for:
//   std::uint64_t generation()         the channel's generation, an acquire load
//   void refresh()                     looks for readers that came or left (slow; may open files)
//   Position slowest(Position floor)   the lowest position at or above `floor` among them, or
//                                      kNoReader. Below the floor nobody can stand: such a reader
//                                      lies, or has not noticed yet that it was lapped.
template <class Memory, class Readers>
class LimitKeeper {
 public:
  // Raises the writer's limit to at least `needed` if every counted reader allows it.
  // False: the slowest reader stands in the way; nothing has changed for readers.
  bool raise(LaneWriter<Memory>& writer, Position needed, Readers& readers) noexcept {
    writer.checkpoint_if_due();
    if (needed <= writer.limit()) return true;
    if (needed > granted_) granted_ = ask(writer, readers);
    if (needed > granted_) return false;
    const Position before = writer.limit();
    Position candidate = std::min(needed + writer.lane().step(), granted_);
    writer.lane().proposed().store(candidate, std::memory_order_relaxed);
    MILLRACE_CRASH_POINT("limit.proposed");
    // [sync:join] Without this fence the generation could be read before the candidate is visible:
    // a joiner would miss the candidate, and this producer the joiner.
    Memory::full_fence();
    if (readers.generation() != generation_) {
      granted_ = ask(writer, readers);
      candidate = std::max(before, std::min(candidate, granted_));
    }
    writer.grant(candidate);
    return needed <= candidate;
  }

  // Call when a reader was dropped from the picture, so that the next raise() looks again.
  void forget() noexcept { granted_ = 0; }

 private:
  // The highest limit that the counted readers allow.
  Position ask(const LaneWriter<Memory>& writer, Readers& readers) noexcept {
    const Position limit = writer.limit();
    const std::uint64_t generation = readers.generation();
    if (generation != generation_) {
      generation_ = generation;
      readers.refresh();
    }
    const std::uint64_t capacity = writer.lane().capacity();
    const Position slowest = readers.slowest(limit > capacity ? limit - capacity : 0);
    return slowest == kNoReader ? kNoReader : slowest + capacity;
  }

  Position granted_ = 0;
  std::optional<std::uint64_t> generation_;  // none: nobody has been looked for yet
};

}  // namespace millrace
