#include "channel_stats.hpp"

#include "counter.hpp"
#include "millrace/core/checkpoints.hpp"
#include "millrace/core/clock.hpp"
#include "millrace/core/lane_recovery.hpp"
#include "millrace/core/liveness.hpp"
#include "millrace/core/meta_layout.hpp"
#include "reader_files.hpp"
#include "stamp_recorder.hpp"

#include <algorithm>

namespace millrace::detail {

namespace {

LaneLife life_of(const layout::LaneControl& control, bool owner_alive) {
  // [sync:lane-state] Acquire: counters stored before the end are seen.
  switch (static_cast<layout::LaneState>(control.state.load(std::memory_order_acquire))) {
    case layout::LaneState::live: return owner_alive ? LaneLife::live : LaneLife::died;
    case layout::LaneState::left: return LaneLife::left;
    case layout::LaneState::retired: break;
  }
  return LaneLife::retired;
}

// End of what is published: the walk from the newest checkpoint, which a flood may lap.
void find_end(const LaneFiles& lane, LaneStats& stats) {
  constexpr int kAttempts = 8;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const auto start = Checkpoints<ProductionMemory>::newest(lane.view);
    if (!start) continue;
    stats.position = start->position;
    stats.sequence = start->sequence;
    const auto end = walk_to_frontier<ProductionMemory>(lane.view, *start, ~Sequence{0});
    if (!end) continue;
    stats.position = end->position;
    stats.sequence = end->sequence;
    return;
  }
  stats.poisoned = true;
}

// In an ordered channel the last record of a dead publisher may be one that no word reveals.
void leave_out_unordered(const ChannelState& channel, const LaneFiles& lane, LaneStats& stats) {
  using Ring = OrderRing<ProductionMemory>;
  const OrderView order = channel.order();
  const std::uint64_t blocks = channel.options.ring_bytes / layout::kBlockBytes;
  const auto start = Checkpoints<ProductionMemory>::newest(lane.view);
  if (!start || start->sequence > stats.sequence) return;
  Sequence revealed = start->sequence;
  for (Ordinal at = start->ordinal;; ++at) {
    const std::uint64_t word = Ring::look(order, at);
    if (!order.shape().reached(word, at)) break;
    if (!order.shape().is(word, at)) return;  // a flood, in which nobody is dead
    if (order.shape().block(word) / blocks == lane.lane) revealed += order.shape().count(word);
  }
  stats.sequence = std::min(stats.sequence, revealed);
}

std::uint64_t behind(std::uint64_t end, std::uint64_t at) {
  return end > at ? end - at : 0;
}

// Given up on, and not back yet: it is listed, and stands where the publisher may overwrite.
bool is_evicted(const ReaderFiles& reader, const LaneFiles& lane, Position position) {
  const layout::LaneControl& control = lane.control();
  if (position + lane.view.capacity() >= value(control.limit)) return false;
  const ReaderName& name = reader.name();
  return std::any_of(std::begin(control.evicted), std::end(control.evicted),
                     [&](const layout::EvictedSlot& slot) { return name.is_in(slot); });
}

LaneJournalStats journal_of(const ChannelState& channel, const LaneFiles& lane,
                            const LaneStats& stats) {
  LaneJournalStats seen;
  if (!channel.options.durable) return seen;
  const auto point = channel.journal.durable(lane.lane, lane.epoch);
  seen.found = point.has_value();
  seen.durable = point.value_or(Checkpoint{0, lane.first});
  seen.refused = channel.journal.refused(lane.lane, lane.epoch);
  seen.lag_messages = behind(stats.sequence, seen.durable.sequence);
  seen.lag_bytes = behind(stats.position, seen.durable.position);
  seen.gaps = channel.journal.gaps(lane.lane, lane.epoch).messages;
  seen.unjournaled = value(lane.control().unjournaled);
  return seen;
}

ChannelJournalStats read_journal(const ChannelState& channel) {
  const JournalCondition now = channel.journal.condition(channel.domain->directory.fd());
  const layout::ChannelJournalFile& file = channel.journal.file();
  ChannelJournalStats stats;
  stats.health = now.health;
  stats.persister = now.persister;
  stats.epoch = value(file.epoch);
  stats.attaches = file.attaches.load(std::memory_order_relaxed);
  stats.detaches = file.detaches.load(std::memory_order_relaxed);
  stats.beat_age_ns = now.beat_age_ns;
  stats.bytes = value(file.bytes);
  stats.error = now.error;
  return stats;
}

ReaderPlace place_of(const ReaderFiles& reader, const PeerName& peer, const LaneFiles& lane,
                     const LaneStats& stats) {
  const layout::ReaderSlot& slot = reader.slot(lane.lane);
  ReaderPlace place;
  place.reader = peer;
  place.lossy = reader.lossy();
  // [sync:place] Acquire, as in ReaderTable.
  place.placed = slot.lane_epoch.load(std::memory_order_acquire) == lane.epoch;
  place.left = value(slot.left) != 0 || reader.state() == layout::ReaderState::left;
  if (!place.placed) {
    place.lag_messages = behind(stats.sequence, stats.first);
    place.lag_bytes = stats.position;
    return place;
  }
  place.position = value(slot.position);
  place.sequence = value(slot.sequence);
  place.evicted = is_evicted(reader, lane, place.position);
  place.lag_messages = behind(stats.sequence, place.sequence);
  place.lag_bytes = behind(stats.position, place.position);
  place.received = value(slot.received);
  place.lost = value(slot.lost);
  place.skipped = value(slot.skipped);
  place.unknown = value(slot.unknown);
  return place;
}

void read_counters(const layout::LaneControl& control, LaneStats& stats) {
  stats.lives = value(control.life);
  stats.limit = value(control.limit);
  stats.fencing = control.fencing.load(std::memory_order_relaxed) != 0;
  stats.refused = value(control.refused);
  stats.aborted = value(control.aborted);
  stats.unheard = value(control.unheard);
  stats.evictions = value(control.evictions);
  stats.blocks = value(control.blocks);
  stats.blocked_ns = value(control.blocked_ns);
  stats.wakes = value(control.wakes);
  stats.probe_errors = value(control.probe_errors);
  stats.placement_honoured = control.honoured;
}

struct KnownReader {
  ReaderFiles files;
  PeerName peer;
};

std::vector<KnownReader> read_readers(const ChannelState& channel) {
  std::vector<KnownReader> readers;
  for (const ReaderName& name : reader_names(channel).value_or(std::vector<ReaderName>{})) {
    auto files = ReaderFiles::open(channel, name);
    if (!files) continue;  // it has just left
    readers.push_back({std::move(*files),
                       peer_name(channel.domain->directory.fd(), name.participant, name.number)});
  }
  std::sort(readers.begin(), readers.end(), [](const KnownReader& a, const KnownReader& b) {
    return std::pair(a.peer.id, a.peer.number) < std::pair(b.peer.id, b.peer.number);
  });
  return readers;
}

LaneStats read_lane(const ChannelState& channel, const LaneFiles& lane,
                    const std::vector<KnownReader>& readers) {
  const int domain = channel.domain->directory.fd();
  const layout::LaneControl& control = lane.control();
  LaneStats stats;
  stats.lane = lane.lane;
  stats.epoch = lane.epoch;
  stats.producer = lane.producer;
  stats.publisher = peer_name(
      domain, {control.owner_id.load(std::memory_order_relaxed), value(control.owner_incarnation)});
  stats.life = life_of(control, stats.publisher.alive);
  read_counters(control, stats);
  stats.first = lane.first;
  find_end(lane, stats);
  if (channel.ordered() && stats.life == LaneLife::died) leave_out_unordered(channel, lane, stats);
  stats.journal = journal_of(channel, lane, stats);
  if (const auto oldest = Checkpoints<ProductionMemory>::oldest(lane.view)) stats.oldest = *oldest;
  const std::uint64_t blocked = value(control.waits_for);
  if (blocked != 0) {
    const std::uint64_t who = value(control.waits_for_id);
    stats.blocked_on = peer_name(domain, {static_cast<std::uint32_t>(who), blocked},
                                 static_cast<std::uint32_t>(who >> 32));
    stats.blocked_for_ns = behind(monotonic_ns(), value(control.waits_since));
  }
  stats.placement_asked = channel.options.placement;
  stats.placement_node = control.asked_node;
  stats.pages = channel.options.pages;
  stats.file_bytes = lane.file_bytes;
  for (const KnownReader& reader : readers) {
    stats.readers.push_back(place_of(reader.files, reader.peer, lane, stats));
  }
  return stats;
}

ReaderFileStats read_reader(const KnownReader& reader, std::uint32_t lanes, bool ordered) {
  ReaderFileStats stats;
  stats.reader = reader.peer;
  stats.lossy = reader.files.lossy();
  stats.joining = reader.files.state() == layout::ReaderState::joining;
  for (std::uint32_t lane = 0; lane < lanes; ++lane) {
    const layout::ReaderSlot& slot = reader.files.slot(lane);
    stats.counts.received += value(slot.received);
    stats.counts.lost += value(slot.lost);
    stats.counts.skipped += value(slot.skipped);
    stats.counts.unknown += value(slot.unknown);
  }
  if (ordered) {
    const layout::ReaderSlot& slot = reader.files.slot(lanes - 1);
    stats.order = {value(slot.position), value(slot.sequence)};
  }
  const layout::ReaderFile& file = reader.files.file();
  stats.counts.overruns = value(file.overruns);
  stats.counts.evictions = value(file.evictions);
  stats.counts.parks = value(file.parks);
  stats.counts.caught_up = value(file.caught_up);
  stats.counts.rewinds = value(file.rewinds);
  return stats;
}

}  // namespace

LaneStats lane_stats(const ChannelState& channel, const LaneFiles& lane) {
  return read_lane(channel, lane, read_readers(channel));
}

Result<ChannelStats> channel_stats(const ChannelState& channel) {
  ChannelStats stats;
  stats.name = channel.name;
  stats.options = channel.options;
  stats.schema = channel.schema_name;
  stats.shared_bytes =
      sizeof(layout::MetaFile) + channel.doorbell_segment->size() + channel.journal.bytes();
  if (channel.options.durable) stats.journal = read_journal(channel);
  if (channel.ordered()) {
    using Ring = OrderRing<ProductionMemory>;
    stats.shared_bytes += channel.order_segment->size();
    stats.order.publishes = Ring::frontier(channel.order());
    stats.order.messages = Ring::before(channel.order(), stats.order.publishes).value_or(0);
  }
  const auto readers = read_readers(channel);
  for (const KnownReader& reader : readers) {
    stats.shared_bytes += reader.files.bytes();
    stats.readers.push_back(read_reader(reader, places(channel.options), channel.ordered()));
  }
  if (const auto recorders = recorder_names(channel)) stats.recorders = recorders->size();
  stats.shared_bytes += stats.recorders * layout::stamp_file_bytes(channel.options.stamp_records);
  for (const std::uint32_t number : lane_numbers(channel)) {
    const auto lane = open_lane(channel, number, Access::read);
    if (!lane && lane.error().code() == Errc::not_found) continue;
    if (!lane) {
      stats.lanes.push_back({});
      stats.lanes.back().lane = number;
      stats.lanes.back().poisoned = true;
      continue;
    }
    stats.shared_bytes += lane->file_bytes;
    stats.lanes.push_back(read_lane(channel, *lane, readers));
  }
  return stats;
}

}  // namespace millrace::detail
