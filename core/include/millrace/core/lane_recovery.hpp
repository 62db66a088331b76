// Taking a lane over from a dead or departed producer: find the frontier, the first position that
// holds no committed record. It starts at the newest checkpoint, because record boundaries are
// known nowhere else, and writes nothing, so a recoverer that dies in the middle leaves no trace.
//
// The caller owns the lane: it holds the write lock of lane-N.own and the former owner is proven
// dead, or left.
#pragma once

#include "millrace/core/checkpoints.hpp"

#include <optional>

namespace millrace {

// The frontier, or nothing if the lane's words contradict each other (it is poisoned).
template <class Memory>
std::optional<Checkpoint> find_frontier(const typename Memory::Lane& lane) noexcept {
  const auto start = Checkpoints<Memory>::newest(lane);
  const std::uint64_t capacity = lane.capacity();
  if (!start || start->position % kRecordAlign != 0) return std::nullopt;
  // Relaxed: the former owner is gone, and the proof of its death orders its stores before us.
  const Position limit = lane.limit().load(std::memory_order_relaxed);
  if (limit > start->position + capacity || limit < start->position) return std::nullopt;
  Checkpoint at = *start;
  for (;;) {
    // [sync:record] Acquire; for live readers' sake the same order as poll(), though the dead need
    // none.
    const std::uint64_t word = lane.header(at.position).load(std::memory_order_acquire);
    if (word == 0) return at;
    const auto header = layout::RecordHeader::of(word);
    const bool numbered = layout::has_sequence(header.type);
    if (header.type == RecordType::unwritten) return std::nullopt;
    if (numbered && header.sequence != (at.sequence & 0xff)) return std::nullopt;
    at.position += layout::record_bytes(header.length);
    if (numbered) ++at.sequence;
    if (at.position + kHeaderBytes > limit) return std::nullopt;  // beyond what it was allowed
  }
}

// The same walk for a reader that joins: from a checkpoint to the message `until`, or to the first
// zero. Its place must already be at the checkpoint, else the walk itself could be lapped. None: it
// was lapped all the same, or the bytes make no sense.
template <class Memory>
std::optional<Checkpoint> walk_to_frontier(const typename Memory::Lane& lane, Checkpoint from,
                                           Sequence until) noexcept {
  const Position end = from.position + lane.capacity();
  for (Checkpoint at = from; at.position < end;) {
    // [sync:record] Acquire, as in LaneReader::poll.
    const std::uint64_t word = lane.header(at.position).load(std::memory_order_acquire);
    if (lane.limit().load(std::memory_order_relaxed) > end) return std::nullopt;
    const auto header = layout::RecordHeader::of(word);
    const bool numbered = layout::has_sequence(header.type);
    if (word == 0 || (numbered && at.sequence >= until)) return at;
    if (header.length > message_bytes_max(lane.capacity())) return std::nullopt;
    if (numbered && header.sequence != (at.sequence & 0xff)) return std::nullopt;
    at.position += layout::record_bytes(header.length);
    if (numbered) ++at.sequence;
  }
  return std::nullopt;
}

}  // namespace millrace
