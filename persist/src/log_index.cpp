#include "log_index.hpp"

#include "item_entries.hpp"
#include "manifest_read.hpp"
#include "recover_chain.hpp"
#include "recover_end.hpp"

#include <algorithm>

namespace millrace {

Result<std::shared_ptr<LogIndex>> LogIndex::open(std::unique_ptr<Disk> disk) {
  std::shared_ptr<LogIndex> index(new LogIndex(std::move(disk)));
  auto read = index->read_all();
  if (!read) return Failure(read.error());
  return index;
}

Result<void> LogIndex::read_all() {
  auto log = recover(*disk_, RecoverAs::reader);
  if (!log) return Failure(log.error());
  log_ = std::move(*log);
  lanes_ = LaneTracker(log_.catalog);
  std::ranges::copy(log_.manifest.uuid, uuid_.begin());
  reader_.emplace(*disk_, log_.manifest);
  return walk_on();
}

Result<void> LogIndex::refresh() {
  const ManifestPair pair = read_manifests(*disk_);
  if (pair.state != ManifestState::good || pair.newest.epoch != log_.manifest.epoch ||
      log_.segments.empty()) {
    return read_all();
  }
  log_.manifest = pair.newest;
  drop_trimmed();
  if (log_.segments.empty()) return read_all();
  auto walked = walk_on();
  // The slot was used again meanwhile, or a head was torn when we looked: the whole view decides.
  return walked ? walked : read_all();
}

Result<void> LogIndex::look_at_first_live() {
  const ManifestPair pair = read_manifests(*disk_);
  if (pair.state != ManifestState::good) return {};
  log_.manifest.first_live = pair.newest.first_live;
  drop_trimmed();
  return {};
}

void LogIndex::drop_trimmed() {
  std::size_t count = 0;
  for (const SegmentInfo& segment : log_.segments) {
    if (segment.segment >= log_.manifest.first_live) break;
    for (const auto& [id, end] : segment.lane_ends) {
      if (JournalLane* const lane = lanes_.catalog().find(id)) {
        lane->first = std::max(lane->first, end);
      }
    }
    ++count;
  }
  log_.segments.erase(log_.segments.begin(),
                      log_.segments.begin() + static_cast<std::ptrdiff_t>(count));
}

// From the last item that is proven, over those that are not yet.
Result<void> LogIndex::walk_on() {
  waiting_.clear();
  sealed_ = false;
  evidence_.emplace(log_.manifest);
  reader_->follow(log_.manifest);
  reader_->window().forget();
  reader_->window().read_ahead(kReadAheadBytes / 4);
  if (log_.segments.empty()) return {};
  SegmentInfo segment = log_.segments.back();
  WalkPlace place{.offset = segment.end,
                  .item = beyond_losses(log_.manifest, segment.last_item + 1),
                  .crc = {},
                  .epoch = 0};
  if (place.item == segment.last_item + 1) place.crc = log_.end_crc;
  for (;;) {
    auto walked = walk_segment(segment, place);
    if (!walked) return walked;
    auto next = successor(segment, place);
    if (!next) return Failure(next.error());
    if (!*next) break;
    segment = segment_of(**next);
    place.offset = 0;
  }
  auto accepted = accept_until(evidence_->proven());
  count_unproven();
  return accepted;
}

Result<void> LogIndex::walk_segment(SegmentInfo& segment, WalkPlace& place) {
  LogWalk walk(
      *reader_,
      {.slot = segment.slot, .segment = segment.segment, .stop = log_.manifest.segment_bytes},
      place);
  ItemView view;
  while (walk.next(view) == WalkEnd::item) {
    if (unknown_entry(view) != nullptr) {
      return fail(Errc::format, "journal item %llu needs a later version to be read",
                  static_cast<unsigned long long>(view.header.item));
    }
    evidence_->take(view.header);
    sealed_ = view.header.kind == static_cast<std::uint8_t>(layout::ItemKind::seal);
    waiting_.push_back({.segment = segment, .facts = facts_of(view), .bytes = view.bytes});
    auto accepted = accept_until(evidence_->proven());
    if (!accepted) return accepted;
  }
  place = walk.place();
  return {};
}

// The segment whose head says that it follows here. Slots are looked at only where a segment may
// have ended: behind a seal, and where a whole item has no room.
Result<std::optional<SeenSlot>> LogIndex::successor(const SegmentInfo& segment,
                                                    const WalkPlace& place) {
  const bool last_is_seal = waiting_.empty() || sealed_;
  const bool full = log_.manifest.segment_bytes - place.offset < log_.manifest.item_bytes;
  if (!last_is_seal && !full) return std::nullopt;
  auto slots = disk_->slots();
  if (!slots) return Failure(slots.error());
  ItemView view;
  for (const Disk::Slot& slot : *slots) {
    if (slot.bytes < log_.manifest.segment_bytes) continue;
    reader_->window().read_ahead(log_.manifest.block_bytes);
    const ItemState state = reader_->read(slot.file, 0, ReadDepth::payload, view);
    reader_->window().read_ahead(kReadAheadBytes / 4);
    if (state != ItemState::whole || view.header.item != place.item) continue;
    const auto head = segment_head_of(view, slot.file, log_.manifest);
    if (!head || head->predecessor_segment != segment.segment) continue;
    if (head->predecessor_end != place.offset || view.header.epoch > log_.manifest.epoch) continue;
    SeenSlot seen;
    seen.slot = slot.file;
    seen.header = view.header;
    seen.head = *head;
    return seen;
  }
  return std::nullopt;
}

Result<void> LogIndex::accept(const Waiting& item) {
  if (log_.segments.empty() || log_.segments.back().segment != item.segment.segment) {
    log_.segments.push_back(item.segment);
    log_.segments.back().lane_ends.clear();
  }
  SegmentInfo& segment = log_.segments.back();
  const layout::ItemHeader& header = item.facts.header;
  if (header.item != log_.end + 1) lanes_.lost_something();
  const std::string wrong = lanes_.follow(item.facts, segment.lane_ends);
  if (!wrong.empty()) {
    return fail(Errc::damaged, "journal item %llu is whole, but %.200s; a defect wrote this log",
                static_cast<unsigned long long>(header.item), wrong.c_str());
  }
  segment.last_item = log_.end = header.item;
  segment.end = item.facts.end;
  segment.wall_ns = header.wall_ns;
  segment.boot_ns = header.boot_ns;
  segment.boot = header.boot;
  log_.end_crc = header.header_crc;
  return {};
}

Result<void> LogIndex::accept_until(ItemNumber item) {
  while (!waiting_.empty() && waiting_.front().facts.header.item <= item) {
    const Waiting next = std::move(waiting_.front());
    waiting_.pop_front();
    auto accepted = accept(next);
    if (!accepted) return accepted;
  }
  return {};
}

Result<void> LogIndex::prove(JournalLaneId lane, Sequence below) {
  const JournalLane* const known = lanes_.catalog().find(lane);
  if (known != nullptr && known->end >= below) return {};
  auto looked = refresh();
  if (!looked) return looked;
  ItemNumber proven = log_.end;
  for (const Waiting& waiting : waiting_) {
    for (const LaneFact& fact : waiting.facts.lanes) {
      const auto* const row = std::get_if<layout::TableEntry>(&fact);
      if (row != nullptr && row->lane == lane && row->first < below) {
        proven = waiting.facts.header.item;
      }
    }
  }
  auto accepted = accept_until(proven);
  count_unproven();
  return accepted;
}

void LogIndex::count_unproven() noexcept {
  unproven_bytes_ = 0;
  for (const Waiting& waiting : waiting_)
    unproven_bytes_ += waiting.bytes;
}

const SegmentInfo* LogIndex::find(std::uint64_t segment) const noexcept {
  const auto found = std::ranges::lower_bound(log_.segments, segment, {}, &SegmentInfo::segment);
  return found != log_.segments.end() && found->segment == segment ? &*found : nullptr;
}

const SegmentInfo* LogIndex::after(std::uint64_t segment) const noexcept {
  const auto found = std::ranges::upper_bound(log_.segments, segment, {}, &SegmentInfo::segment);
  return found != log_.segments.end() ? &*found : nullptr;
}

}  // namespace millrace
