// The reader's half of the join handshake (the producer's is limit.hpp): take a place in a lane so
// that either the producer waits for it, or we notice that we came too late and take a later one.
#pragma once

#include "millrace/core/crash_point.hpp"
#include "millrace/core/lane_recovery.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>

namespace millrace {

// Where a reader begins in a lane.
struct From {
  enum class Kind : std::uint8_t { oldest, now, sequence, time };

  Kind kind = Kind::now;
  Sequence sequence = 0;
  std::uint64_t wall_ns = 0;  // nanoseconds since 1970

  // The oldest message there is: of a durable channel that its journal holds, else of the ring.
  static constexpr From oldest() noexcept { return {Kind::oldest, 0, 0}; }

  static constexpr From now() noexcept { return {Kind::now, 0, 0}; }

  // The first message to be delivered. If the ring no longer goes back so far, a durable channel's
  // journal does; else it is the oldest that the ring has (the gap is counted as lost). If the
  // sequence is not yet written, the reader waits for it.
  static constexpr From at(Sequence sequence) noexcept { return {Kind::sequence, sequence, 0}; }

  // The first message that a durable channel's journal took in at or after this moment; if there is
  // none, what is published from now on.
  static constexpr From since(std::chrono::nanoseconds since_1970) noexcept {
    const auto ns = since_1970.count();
    return {Kind::time, 0, ns > 0 ? static_cast<std::uint64_t>(ns) : 0};
  }

  static From since(std::chrono::system_clock::time_point moment) noexcept {
    return since(std::chrono::duration_cast<std::chrono::nanoseconds>(moment.time_since_epoch()));
  }
};

// Readers is the reader's own words in shared memory:
//   void stand_at(Checkpoint)   publishes the place (position, then the lane's epoch)
//   void announce()             raises the channel's reader generation (a sequentially consistent
//                               read-modify-write)
template <class Memory, class Readers>
class Join {
 public:
  using Lane = typename Memory::Lane;

  // Takes a place. None: the lane is being overwritten faster than we can join (try again later),
  // or its words make no sense. REQUIRES: `from` is not a time; a ring knows none.
  static std::optional<Checkpoint> take_place(const Lane& lane, From from, Readers& own) noexcept {
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
      const auto start = choose(lane, from);
      if (!start) continue;
      own.stand_at(*start);
      MILLRACE_CRASH_POINT("join.placed");
      own.announce();
      MILLRACE_CRASH_POINT("join.announced");
      // [sync:join] Without this fence the producer's candidate could be read before our place is
      // visible: the producer would miss us, and we its candidate.
      Memory::full_fence();
      if (horizon(lane) > start->position + lane.capacity()) continue;
      if (from.kind == From::Kind::oldest) return start;
      const auto place = walk(lane, *start, from);
      if (!place) continue;
      MILLRACE_CRASH_POINT("join.walked");
      own.stand_at(*place);
      return place;
    }
    return std::nullopt;
  }

 private:
  static constexpr int kAttempts = 64;

  // The highest limit that the producer may take without having seen us.
  static Position horizon(const Lane& lane) noexcept {
    return std::max(lane.proposed().load(std::memory_order_relaxed),
                    lane.limit().load(std::memory_order_relaxed));
  }

  static std::optional<Checkpoint> choose(const Lane& lane, From from) noexcept {
    using C = Checkpoints<Memory>;
    if (from.kind == From::Kind::now) return C::newest(lane);
    const auto oldest = C::oldest(lane, lane.proposed());
    if (from.kind == From::Kind::oldest || !oldest || oldest->sequence >= from.sequence) {
      return oldest;
    }
    const auto before = C::at_or_before(lane, from.sequence);
    return before ? before : oldest;
  }

  static std::optional<Checkpoint> walk(const Lane& lane, Checkpoint start, From from) noexcept {
    const Sequence until = from.kind == From::Kind::now ? ~Sequence{0} : from.sequence;
    return walk_to_frontier<Memory>(lane, start, until);
  }
};

}  // namespace millrace
