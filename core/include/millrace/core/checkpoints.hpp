// Checkpoints say where records begin. A record boundary is known nowhere else, so everything that
// does not already stand on one starts here: `oldest`, a sequence still in the ring,
// resynchronising after an overrun, and a producer that takes a lane over from a dead one.
//
// Number k lies in slot k mod 32 and is revealed by one store of `version`; the producer writes one
// at least every sixteenth of a lap. A crash between the two stores of a slot leaves an unrevealed
// slot, which nobody reads (written in place, 2.3 % of crashes gave a wrong sequence).
//
// Writer: the lane's producer only. Readers: anyone, at any time, read-only.
#pragma once

#include "millrace/core/crash_point.hpp"
#include "millrace/core/memory_policy.hpp"

#include <optional>

namespace millrace {

template <class Memory>
class Checkpoints {
 public:
  using Lane = typename Memory::Lane;
  using Word = typename Memory::Word;

  // Reveals that `at` is a record boundary. The producer calls it between publishes.
  static void write(const Lane& lane, Checkpoint at) noexcept {
    const std::uint64_t number = lane.version().load(std::memory_order_relaxed) + 1;
    // [sync:checkpoint-slot] Without this fence a reader could see the new slot beneath the old
    // version and take half of number k for half of number k - 32.
    Memory::release_fence();
    lane.checkpoint_position(number).store(at.position, std::memory_order_relaxed);
    if constexpr (kHasOrdinals) {
      lane.checkpoint_ordinal(number).store(at.ordinal, std::memory_order_relaxed);
    }
    MILLRACE_CRASH_POINT("checkpoint.position");
    lane.checkpoint_sequence(number).store(at.sequence, std::memory_order_relaxed);
    MILLRACE_CRASH_POINT("checkpoint.written");
    // [sync:checkpoint] Release. Without it a reader could see the version before the slot.
    lane.version().store(number, std::memory_order_release);
    MILLRACE_CRASH_POINT("checkpoint.shown");
  }

  // The newest checkpoint; none if the lane has not got one yet, or its words keep changing.
  static std::optional<Checkpoint> newest(const Lane& lane) noexcept {
    return find(lane, [](Checkpoint) { return true; });
  }

  // The oldest checkpoint whose records are all still in the ring, or the newest if none is.
  static std::optional<Checkpoint> oldest(const Lane& lane) noexcept {
    return oldest(lane, lane.limit());
  }

  // The same against another horizon than `limit`; a reader that joins gives `proposed`.
  static std::optional<Checkpoint> oldest(const Lane& lane, const Word& horizon) noexcept {
    std::optional<Checkpoint> best;
    find(lane, [&](Checkpoint seen) {
      // [sync:limit] Acquire: a limit read before the slot could call an overwritten place intact.
      const Position limit = horizon.load(std::memory_order_acquire);
      if (best && limit > seen.position + lane.capacity()) return true;
      best = seen;
      return false;
    });
    return best;
  }

  // The newest checkpoint before which this lane has nothing that is published at `ordinal` or
  // later. Of a lane in a channel with one order.
  static std::optional<Checkpoint> ordered_before(const Lane& lane,
                                                  std::uint64_t ordinal) noexcept {
    return find(lane, [=](Checkpoint seen) { return seen.ordinal <= ordinal; });
  }

  // The newest checkpoint at or before `sequence`; none if the ring no longer goes back so far.
  static std::optional<Checkpoint> at_or_before(const Lane& lane, Sequence sequence) noexcept {
    return find(lane, [=](Checkpoint seen) { return seen.sequence <= sequence; });
  }

 private:
  // The models do without, where no order is in question.
  static constexpr bool kHasOrdinals = requires(const Lane& lane) {
    lane.checkpoint_ordinal(std::uint64_t{});
  };

  static Checkpoint slot(const Lane& lane, std::uint64_t number) noexcept {
    Checkpoint seen{lane.checkpoint_position(number).load(std::memory_order_relaxed),
                    lane.checkpoint_sequence(number).load(std::memory_order_relaxed)};
    if constexpr (kHasOrdinals) {
      seen.ordinal = lane.checkpoint_ordinal(number).load(std::memory_order_relaxed);
    }
    return seen;
  }

  // Walks from the newest to the oldest, until `wanted` says yes.
  template <class Wanted>
  static std::optional<Checkpoint> find(const Lane& lane, Wanted wanted) noexcept {
    // [sync:checkpoint] Acquire pairs with the release in write().
    const std::uint64_t newest = lane.version().load(std::memory_order_acquire);
    for (std::uint64_t back = 0; back + 2 < Lane::kSlots && back < newest; ++back) {
      const std::uint64_t number = newest - back;
      const Checkpoint seen = slot(lane, number);
      // [sync:checkpoint-slot] Without this fence the version could be re-read before the slot.
      Memory::acquire_fence();
      const std::uint64_t now = lane.version().load(std::memory_order_relaxed);
      if (now - number + 1 >= Lane::kSlots) return std::nullopt;   // reused while we read it
      if (seen.position % kRecordAlign != 0) return std::nullopt;  // no producer writes this
      if (wanted(seen)) return seen;
    }
    return std::nullopt;
  }
};

}  // namespace millrace
