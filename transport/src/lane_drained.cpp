#include "lane_drained.hpp"

#include "millrace/core/lane_recovery.hpp"
#include "millrace/core/liveness.hpp"
#include "reader_files.hpp"

namespace millrace::detail {

namespace {

bool stands_before(const ReaderFiles& reader, const LaneFiles& lane, Position frontier) {
  const layout::ReaderSlot& slot = reader.slot(lane.lane);
  // [sync:place] Acquire, as in ReaderTable.
  const bool placed = slot.lane_epoch.load(std::memory_order_acquire) == lane.epoch;
  if (!placed) return reader.state() == layout::ReaderState::active;
  if (slot.left.load(std::memory_order_relaxed) != 0) return false;
  return slot.position.load(std::memory_order_relaxed) < frontier;
}

}  // namespace

Drained drained(const ChannelState& channel, const LaneFiles& lane) {
  const auto frontier = find_frontier<ProductionMemory>(lane.view);
  if (frontier && frontier->position == 0) return Drained::by_all;
  bool read = false;
  const auto names = reader_names(channel);
  if (!names) return Drained::no;
  for (const ReaderName& name : *names) {
    if (probe(channel.domain->directory.fd(), name.participant).life == Life::dead) continue;
    const auto reader = ReaderFiles::open(channel, name);
    if (!reader && !proves_no_reader(reader.error().code())) return Drained::no;
    if (!reader || reader->state() == layout::ReaderState::left) continue;
    if (reader->state() == layout::ReaderState::joining) return Drained::no;
    if (frontier && stands_before(*reader, lane, frontier->position)) return Drained::no;
    read = true;
  }
  return read ? Drained::by_all : Drained::unread;
}

}  // namespace millrace::detail
