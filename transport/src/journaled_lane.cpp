// Where a journal stands in a lane.
#include "journaled_lane.hpp"

#include "counter.hpp"
#include "low_half.hpp"
#include "millrace/core/crash_point.hpp"
#include "millrace/core/join.hpp"
#include "millrace/core/sleep.hpp"

#include <algorithm>
#include <cinttypes>

namespace millrace::detail {

// The journal's words, as the join protocol uses them.
class JournaledLane::Place {
 public:
  Place(JournaledLane& lane, Sequence first) noexcept : lane_(lane), first_(first) {}

  void stand_at(Checkpoint place) noexcept { lane_.words_.skip(lane_.files_.lane, first_, place); }

  void announce() noexcept {
    // [sync:join] Sequentially consistent: the publisher's half of Dekker's handshake is limit.hpp.
    lane_.channel_.doorbell().reader_generation.fetch_add(1, std::memory_order_seq_cst);
  }

 private:
  JournaledLane& lane_;
  Sequence first_;
};

JournaledLane::JournaledLane(const ChannelState& channel, JournalWords& words,
                             LaneFiles files) noexcept
    : channel_(channel), words_(words), files_(std::move(files)) {
  durable_ = words_.begin_lane(files_.lane, files_.epoch, {0, files_.first});
  at_ = durable_;
  // A gap that its finder did not live to make durable counts as one to be found.
  may_gap_ = channel_.options.when_journal_fails == WhenJournalFails::proceed ||
             words_.was_detached(files_.lane) ||
             value(words_.slot(files_.lane).stands_at) > durable_.position;
}

Failure JournaledLane::broken(const char* what) noexcept {
  ready_ = false;
  const PeerName owner = peer_name(channel_.domain->directory.fd(),
                                   {files_.control().owner_id.load(std::memory_order_relaxed),
                                    value(files_.control().owner_incarnation)});
  return fail(Errc::poisoned,
              "channel \"%s\", lane %u (\"%s\"): %s at message %" PRIu64
              "; its publisher is %s; this lane is not journaled any further",
              channel_.name.c_str(), files_.lane, files_.producer.c_str(), what, at_.sequence,
              describe_peer(owner).data());
}

Position JournaledLane::horizon() const noexcept {
  return std::max(files_.view.proposed().load(std::memory_order_relaxed),
                  files_.view.limit().load(std::memory_order_relaxed));
}

bool JournaledLane::intact(Position from) const noexcept {
  // [sync:limit] Without this fence the limit could be read before the bytes, and bytes of the next
  // lap be taken for ours.
  ProductionMemory::acquire_fence();
  return files_.view.limit().load(std::memory_order_relaxed) <= from + files_.view.capacity();
}

Result<void> JournaledLane::resume(Sequence next) noexcept {
  at_ = durable_;
  // [sync:join] The state that makes us count was stored before; without this fence the candidate
  // of a publisher that has not seen it could be missed.
  ProductionMemory::full_fence();
  const bool overtaken = horizon() > at_.position + files_.view.capacity();
  if (overtaken && !may_gap_) return broken("its ring was overwritten before it was durable");
  if (next < at_.sequence && !(overtaken || may_gap_)) {
    return broken("the ring does not hold what the log lacks");
  }
  std::optional<Checkpoint> found;
  if (!overtaken && next >= at_.sequence) {
    found = walk_to_frontier<ProductionMemory>(files_.view, at_, next);
    if (!found && !may_gap_) return broken("its bytes contradict each other");
  }
  if (found && found->sequence < next) return broken("the log holds more than was published");
  if (found) {
    at_ = *found;
  } else {
    at_.sequence = next;
    if (auto placed = take_new_place(); !placed) return placed;
  }
  MILLRACE_CRASH_POINT("journal.resumed");
  words_.settle_detached(files_.lane);
  may_gap_ = channel_.options.when_journal_fails == WhenJournalFails::proceed;
  ready_ = true;
  return {};
}

// REQUIRES: everything that was copied is durable; at_.sequence is what the log lacks.
Result<void> JournaledLane::take_new_place() noexcept {
  Place own(*this, at_.sequence);
  const auto place = Join<ProductionMemory, Place>::take_place(files_.view, From::oldest(), own);
  if (!place) return broken("no place can be taken");
  if (place->sequence < at_.sequence) {
    // The log holds what the ring still does: on to the first that it lacks.
    const auto found = walk_to_frontier<ProductionMemory>(files_.view, *place, at_.sequence);
    if (!found || found->sequence != at_.sequence) {
      return broken("the log holds more than was published");
    }
    at_ = *found;
    return {};
  }
  lost_ += place->sequence - at_.sequence;
  at_ = *place;
  return {};
}

void JournaledLane::show(Checkpoint point) noexcept {
  if (point.sequence < durable_.sequence || point.position <= durable_.position) return;
  durable_ = point;
  words_.show(files_.lane, point);
}

void JournaledLane::count_gap(std::uint64_t messages) noexcept {
  lost_ -= std::min(lost_, messages);
  add(words_.slot(files_.lane).gaps, messages);
}

bool JournaledLane::something() const noexcept {
  if (!ready_) return false;
  // Relaxed: copy() looks again, and in order. The look at the header is also what raises the flag
  // of a file that was cut short.
  if (files_.view.header(at_.position).load(std::memory_order_relaxed) != 0) return true;
  return !intact(at_.position) || files_.cut_off();
}

FutexWait JournaledLane::next_header() const noexcept {
  return {low_half(files_.view.header(at_.position)), 0};
}

void JournaledLane::announce_sleep() noexcept {
  Sleep<ProductionMemory>::announce(channel_.asleep_at(files_.lane), at_.position,
                                    files_.view.capacity());
}

}  // namespace millrace::detail
