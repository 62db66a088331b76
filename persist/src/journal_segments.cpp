// From one segment to the next, and what an idle log still has to say.
#include "flaw.hpp"
#include "journal_core.hpp"

#include <algorithm>

namespace millrace {
namespace {

// Of the 10 ms within which an idle log proves its last reports.
constexpr std::uint64_t kIdleBeforeWatermark = 5'000'000;

template <class Record>
std::span<const std::byte> bytes_of(const Record& record) noexcept {
  return std::as_bytes(std::span(&record, 1));
}

}  // namespace

// What the seal may take at most, with whatever the builder reserves.
std::uint64_t JournalCore::seal_room() const noexcept {
  const layout::Manifest& manifest = manifests_.now();
  const std::uint64_t front = front_bytes(8, manifest.item_bytes / manifest.block_bytes + 2);
  return rounded_up(front + index_.most() * sizeof(layout::IndexRecord), manifest.block_bytes);
}

// Beside the room for the seal.
bool JournalCore::fits(std::uint64_t bytes) const noexcept {
  return segments_.back().end + bytes + seal_room() <= manifests_.now().segment_bytes;
}

void JournalCore::advance() noexcept {
  const bool early = (MILLRACE_FLAW(short_segments) || MILLRACE_FLAW(two_headers_in_flight)) &&
                     !segments_.empty() && segments_.back().last_item > segments_.back().first_item;
  // A log that has no slot for its seal has still to prove its last reports: data leaves the block
  // that a watermark takes.
  const std::uint64_t wanted = manifests_.now().item_bytes + manifests_.now().block_bytes;
  if (step_ == Step::open && (early || !fits(wanted))) step_ = Step::sealing;
  while (step_ != Step::open && writer_.may_submit()) {
    bool moved = false;
    switch (step_) {
      case Step::open: break;
      case Step::sealing: moved = slot_for_next() && write_seal(); break;
      case Step::heading: moved = write_head(); break;
      case Step::snapshot: moved = write_snapshot(); break;
    }
    if (!moved) return;
  }
}

// Data leaves the last spare alone. A switch that lets older segments go may take it: the new head
// holds the acknowledgements that free them.
bool JournalCore::slot_for_next() {
  if (next_slot_) return true;
  const bool frees =
      !pool_.available(false) && pool_.available(true) && options_.retain.acknowledged &&
      retention_.plan(segments_, catalog_, disk_->now(), manifests_.now().boot).segments > 0;
  if (!pool_.available(frees)) return false;
  next_slot_ = pool_.take();
  return true;
}

bool JournalCore::write_seal() noexcept {
  if (!start(own_item_, layout::ItemKind::seal)) return false;
  for (const layout::IndexRecord& stop : index_.stops()) {
    (void)own_item_.builder.add_record(layout::EntryKind::index, bytes_of(stop));
  }
  write(own_item_, true);
  step_ = Step::heading;
  return true;
}

// Never two of them in flight: a torn one in the middle would cut the chain of links behind it.
bool JournalCore::write_head() noexcept {
  if (!next_slot_) return false;
  const bool in_flight = !segments_.empty() && writer_.durable() < segments_.back().first_item;
  if (in_flight && !MILLRACE_FLAW(two_headers_in_flight)) return false;
  if (!start(own_item_, layout::ItemKind::segment)) return false;
  add_segment_head();
  const ItemNumber item = write(own_item_, begun_);
  next_slot_.reset();
  return finish_snapshot(item);
}

void JournalCore::add_segment_head() {
  layout::SegmentHead head{};
  std::copy(uuid_.begin(), uuid_.end(), head.uuid);
  if (!segments_.empty()) {
    const SegmentInfo& before = segments_.back();
    head.predecessor_segment = before.segment;
    head.predecessor_end = before.end;
    head.predecessor_item = before.last_item;
    head.predecessor_crc = last_crc_;
  }
  head.slot = *next_slot_;
  head.first_live = segments_.empty() ? next_segment_ : segments_.front().segment;
  SegmentInfo& segment = segments_.emplace_back();
  segment.segment = next_segment_++;
  segment.slot = *next_slot_;
  segment.first_item = writer_.submitted() + 1;
  index_.clear();
  snapshot_.begin();
  const Disk::Now now = disk_->now();
  segment.begin_wall_ns = now.wall_ns;
  segment.begin_boot_ns = now.boot_ns;
  const layout::ClockRecord clock = clock_.record(now, manifests_.now().boot);
  ItemBuilder& item = own_item_.builder;
  (void)item.add_record(layout::EntryKind::segment_head, bytes_of(head));
  (void)item.add_record(layout::EntryKind::clock, bytes_of(clock));
  snapshot_.fill(item, catalog_);
}

bool JournalCore::write_snapshot() noexcept {
  if (!start(own_item_, layout::ItemKind::batch)) return false;
  snapshot_.fill(own_item_.builder, catalog_);
  return finish_snapshot(write(own_item_, begun_));
}

bool JournalCore::finish_snapshot(ItemNumber item) {
  step_ = snapshot_.done() ? Step::open : Step::snapshot;
  snapshot_end_ = item;
  if (snapshot_.done()) {
    retention_due_ = true;
    if (acknowledged_since_) promote_acknowledgements();
  }
  return true;
}

// The last reports rest on items that no later one vouches for.
bool JournalCore::unwitnessed() const noexcept {
  return content_ > witnessed_ && writer_.durable() == writer_.submitted() &&
         content_ <= writer_.durable() && (step_ == Step::open || step_ == Step::sealing) &&
         fits(manifests_.now().block_bytes);
}

void JournalCore::write_watermark() noexcept {
  if (!unwitnessed()) return;
  const std::uint64_t now_ns = disk_->now().boot_ns;
  if (idle_since_ns_ == 0) idle_since_ns_ = now_ns;
  if (now_ns - idle_since_ns_ < kIdleBeforeWatermark || !writer_.may_submit()) return;
  if (!start(own_item_, layout::ItemKind::watermark)) return;
  write(own_item_, false);
}

std::uint64_t JournalCore::until_wanted() const noexcept {
  constexpr std::uint64_t kWhenever = 1'000'000'000;
  const std::uint64_t now_ns = disk_->now().boot_ns;
  std::uint64_t until = kWhenever;
  if (unwitnessed()) {
    const std::uint64_t due =
        (idle_since_ns_ == 0 ? now_ns : idle_since_ns_) + kIdleBeforeWatermark;
    until = std::min(until, due - std::min(due, now_ns));
  }
  if (wants_spare()) {
    until = std::min(until, prepare_at_ns_ - std::min(prepare_at_ns_, now_ns));
  }
  return until;
}

void JournalCore::tick() noexcept {
  take_prepared();
  if (writer_.error() != 0) return;
  trim();
  if (writer_.error() != 0) return;
  replenish();
  advance();
  write_watermark();
}

}  // namespace millrace
