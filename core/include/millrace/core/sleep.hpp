// Sleeping without losing a wake-up, and without a fence on the producer's path.
//
// The sleeper says *which position* it waits for. Nothing is consumed by a wake, so there is no
// flag that the publish of the previous record could take away (flags lost 5 of 6,556 parks,
// positions none of 16,000).
//
//   sleeper                                  publisher, after committing the record at w
//   asleep_at := max(asleep_at, r + 1)       light barrier
//   heavy barrier                            if (asleep_at > w) wake all on header[w]
//   if header[r] == 0: futex wait on it
//
// The heavy barrier (membarrier) runs a full fence on every processor, so the publisher needs only
// a compiler barrier. Where membarrier is refused, the publisher fences (`fencing` in its lane).
// Back-pressure is the mirror image: the publisher sleeps on a reader's position word.
//
// Every sleep is bounded all the same. No wake-up depends on the bound; but a producer may be
// killed between commit and wake, and a peer with read rights can requeue our futex onto a word of
// its own.
#pragma once

#include "millrace/core/memory_policy.hpp"

#include <cstdint>

namespace millrace {

template <class Memory>
class Sleep {
 public:
  using Word = typename Memory::Word;

  // Sleeper: asks to be woken when the record at `awaited` is committed. A heavy barrier and a
  // second look at the header must follow before it sleeps.
  static void announce(Word& asleep_at, Position awaited, std::uint64_t capacity) noexcept {
    const std::uint64_t wanted = awaited + 1;
    std::uint64_t seen = asleep_at.load(std::memory_order_relaxed);
    // A value further ahead than a ring is a lie, and may be overwritten.
    while (seen < wanted || seen - wanted > capacity) {
      // [sync:sleep] The barrier that follows orders it; relaxed on failure, we only try again.
      if (asleep_at.compare_exchange_strong(seen, wanted, std::memory_order_seq_cst,
                                            std::memory_order_relaxed)) {
        return;
      }
    }
  }

  // Publisher: true if somebody may sleep for what was just committed from `committed` up to
  // `frontier`; wake all on the word at `committed`. An announcement for a later place up to the
  // frontier counts too: a second sleeper may have seen our commit, gone on, and raised `asleep_at`
  // over the first one's before we look.
  [[nodiscard]] static bool wanted(const Word& asleep_at, Position committed, Position frontier,
                                   bool fencing) noexcept {
    // [sync:sleep] Without the barrier this load could come before the commit: we would see nobody
    // asleep, and the sleeper no record.
    if (fencing) {
      Memory::full_fence();
    } else {
      Memory::light_barrier();
    }
    return asleep_at.load(std::memory_order_relaxed) - (committed + 1) <= frontier - committed;
  }
};

}  // namespace millrace
