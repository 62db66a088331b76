#include "recover_steps.hpp"

#include "flaw.hpp"
#include "millrace/persist/journal_layout.hpp"
#include "recover_lanes.hpp"
#include "recover_verdict.hpp"

#include <algorithm>
#include <cstring>

namespace millrace {

namespace {

Result<bool> any_segment_without_manifest(Disk& disk) {
  auto slots = disk.slots();
  if (!slots) return Failure(slots.error());
  const std::uint32_t block = disk.facts().block_bytes;
  for (const Disk::Slot& slot : *slots) {
    SlotWindow window(disk, block, slot.bytes / block * block, kReadAheadBytes);
    for (std::uint64_t at = 0; at + block <= slot.bytes; at += block) {
      auto bytes = window.at(slot.file, at, block);
      if (!bytes) return true;  // unreadable: it may have been one
      layout::ItemHeader header{};
      std::memcpy(&header, bytes->data(), sizeof header);
      const bool spare = header.kind == static_cast<std::uint8_t>(layout::ItemKind::spare);
      if (header.magic == layout::kItemMagic && !spare) return true;
    }
  }
  return false;
}

}  // namespace

Result<ManifestPair> find_manifest(Disk& disk) {
  const ManifestPair pair = read_manifests(disk);
  if (pair.state == ManifestState::good) return pair;
  if (pair.state == ManifestState::later_version) return no_manifest(true);
  auto used = any_segment_without_manifest(disk);
  if (!used) return Failure(used.error());
  if (*used) return no_manifest(false);
  return fail(Errc::not_found, "there is no journal: no manifest, and no slot was ever used");
}

RecoverySteps::RecoverySteps(Disk& disk, RecoverAs as, const std::vector<DurableWitness>& witnesses,
                             RecoveredLog& log)
    : disk_(&disk),
      as_(as),
      witnesses_(&witnesses),
      log_(&log),
      reader_(disk, log.manifest),
      evidence_(log.manifest) {}

Result<void> RecoverySteps::run() {
  for (auto step : {&RecoverySteps::survey, &RecoverySteps::link, &RecoverySteps::walk_end,
                    &RecoverySteps::judge}) {
    auto done = (this->*step)();
    if (!done) return done;
  }
  sort_slots();
  report();
  return {};
}

// A writer changes nothing and goes. A reader reads what is whole, and is told at the place.
Result<void> RecoverySteps::refuse(const Failure& damage) {
  if (as_ == RecoverAs::writer) return damage;
  log_->damage = damage.error();
  return {};
}

Result<void> RecoverySteps::survey() {
  auto survey = survey_slots(*disk_, reader_, evidence_);
  if (!survey) return Failure(survey.error());
  survey_ = std::move(*survey);
  if (survey_.later_version != ItemState::whole) {
    return fail(Errc::format,
                "the journal's segments are of a later version than %u; open it with the version "
                "that wrote it",
                layout::kJournalVersion);
  }
  return {};
}

Result<void> RecoverySteps::link() {
  chain_ = link_segments(survey_, log_->manifest);
  for (SeenSlot& seen : survey_.slots) {
    const bool cut = seen.state == SlotState::segment &&
                     seen.header.segment >= log_->manifest.first_live &&
                     std::ranges::count(chain_.segments, &seen) == 0;
    if (cut) look_behind_cut_tail(seen, reader_, evidence_);
  }
  const SeenSlot* before = nullptr;
  for (const SeenSlot* const seen : chain_.segments) {
    log_->segments.push_back(segment_of(*seen));
    // E6: whoever began this epoch had flushed all that came before.
    const bool later_epoch = before != nullptr && seen->header.epoch > before->header.epoch;
    if (later_epoch || MILLRACE_FLAW(predecessor_is_evidence)) {
      evidence_.take_new_epoch(seen->header.item, seen->header.epoch);
    }
    before = seen;
  }
  if (evidence_.highest_epoch() > log_->manifest.epoch) {
    return rolled_back(log_->manifest, evidence_.highest_epoch());
  }
  if (chain_.missing) return refuse(missing_segment(*chain_.missing));
  return {};
}

// The last two, because what was in flight lies in them; and as many short ones before them as cost
// no more than a quarter of a segment: what a crash loop left.
std::size_t RecoverySteps::first_walked() const noexcept {
  constexpr std::size_t kAlways = 2;
  constexpr std::uint64_t kShortShare = 4;
  std::size_t first = chain_.segments.size() - std::min(chain_.segments.size(), kAlways);
  std::uint64_t bytes = 0;
  while (first > 0) {
    bytes += chain_.segments[first]->head.predecessor_end;
    if (bytes > log_->manifest.segment_bytes / kShortShare) break;
    --first;
  }
  // Where a segment is lost, the head behind it says where that one ended, not the one before it.
  for (std::size_t index = 0; index < first; ++index)
    if (!chain_.linked(index)) return index;
  return first;
}

Result<void> RecoverySteps::walk_end() {
  if (chain_.segments.empty()) return {};
  const std::size_t first = first_walked();
  follow_heads(reader_, chain_, first, lanes_, *log_);
  end_walk_.emplace(reader_, chain_, evidence_, lanes_, *log_);
  auto walked = end_walk_->walk(first);
  if (!walked) return walked;
  look_behind_end();
  return end_walk_->accept_proven();
}

// Evidence lies in what follows the first item that is none, too.
void RecoverySteps::look_behind_end() {
  const LogEnd& end = end_walk_->end();
  const SeenSlot& slot = *chain_.segments[end.index];
  Remains remains =
      look_behind(reader_, slot.slot, slot.header.segment, end.place.offset, evidence_);
  next_good_ = std::move(remains.next_good);
  log_->report.cut_items = remains.items;
  if (remains.end != 0) log_->report.cut_bytes = remains.end - end.place.offset;
  if (remains.unreadable) log_->quarantined.push_back(slot.slot);
  found_behind_ = remains.end != 0;
  for (std::size_t later = end.index + 1; later < chain_.segments.size(); ++later) {
    const SeenSlot& next = *chain_.segments[later];
    Remains more = look_behind(reader_, next.slot, next.header.segment, 0, evidence_);
    if (!next_good_) next_good_ = std::move(more.next_good);
    log_->report.cut_items += more.items;
    log_->report.cut_bytes += more.end;
    found_behind_ = true;
  }
}

// Mode C: pages may be called clean that never reached the disk, as long as this boot lasts (D3).
bool RecoverySteps::only_what_is_proven() const noexcept {
  if (as_ == RecoverAs::reader) return true;
  const Disk::Now now = disk_->now();
  return log_->manifest.durability == static_cast<std::uint32_t>(Durability::buffered) &&
         std::memcmp(now.boot_id, log_->manifest.boot_id, sizeof now.boot_id) == 0;
}

// The first witness who knows of more durable messages than the log holds. After a repair nobody
// has written yet, and what was given up is not missed.
const DurableWitness* RecoverySteps::short_of() const {
  const layout::Manifest& manifest = log_->manifest;
  for (std::uint32_t i = 0; i < manifest.tombstones; ++i)
    if (manifest.accepted[i].epoch == manifest.epoch) return nullptr;
  for (const DurableWitness& witness : *witnesses_) {
    const JournalLane* const lane = lane_of(witness);
    // The record of a lane or of its newest life may be in what is lost: then the log knows nothing
    // of it, or only another life. Whichever it is, numbers go on from life to life, so a log that
    // ends below what was durable in any of them lacks something. Which life came first is not
    // asked: epochs come from a clock that may be set back.
    const Sequence end = lane == nullptr ? 0 : lane->end;
    if (end < witness.durable) return &witness;
  }
  return nullptr;
}

const JournalLane* RecoverySteps::lane_of(const DurableWitness& witness) const {
  for (const JournalLane& lane : lanes_.catalog().lanes())
    if (lane.channel == witness.channel && lane.producer == witness.producer) return &lane;
  return nullptr;
}

Result<void> RecoverySteps::check_witnesses() const {
  const DurableWitness* const witness = short_of();
  if (witness == nullptr) return {};
  JournalLane lane;
  lane.channel_name = "(not in the log)";
  if (const JournalLane* const known = lane_of(*witness)) lane = *known;
  const LogEnd& end = end_walk_->end();
  return short_lane(lane, *witness, end, chain_.segments[end.index]->slot);
}

Result<void> RecoverySteps::accept_end() {
  while (end_walk_->waiting() != 0) {
    if (only_what_is_proven() && short_of() == nullptr) break;
    auto accepted = end_walk_->accept_one();
    if (!accepted) return accepted;
  }
  return check_witnesses();
}

// A slot whose head is gone, of a segment that would have come next.
const SeenSlot* RecoverySteps::torn_switch() const noexcept {
  const std::uint64_t newest = chain_.segments.empty() ? 0 : chain_.segments.back()->header.segment;
  for (const SeenSlot& seen : survey_.slots)
    if (seen.state == SlotState::headless && seen.found_segment > newest) return &seen;
  return nullptr;
}

// What follows that head says that it was durable: however well the segments before it end, they
// are not the newest.
bool RecoverySteps::newest_head_is_lost() const noexcept {
  const SeenSlot* const torn = torn_switch();
  if (torn == nullptr) return false;
  const ItemNumber head = torn->found_first - (torn->found_head ? 0 : 1);
  return torn->found_durable >= head && !loss_of(log_->manifest, head);
}

// No whole head at all: a log whose first segment was never finished, or everything is gone.
Result<void> RecoverySteps::judge_nothing() {
  const SeenSlot* const torn = torn_switch();
  const ItemNumber first = beyond_losses(log_->manifest, 1);
  if (evidence_.proven() >= first && torn != nullptr) return lost_head(*torn, evidence_);
  const bool written_to = log_->manifest.first_live > 1 || evidence_.proven() >= first;
  const bool given_up = first > 1;
  if (written_to && !given_up) return no_segment(log_->manifest);
  log_->end = first - 1;
  return {};
}

Result<void> RecoverySteps::judge() {
  if (evidence_.highest_epoch() > log_->manifest.epoch) {
    return rolled_back(log_->manifest, evidence_.highest_epoch());
  }
  if (chain_.segments.empty()) return judge_nothing();
  const ItemNumber broken = end_walk_->end().place.item;
  const bool damaged =
      evidence_.proven() >= beyond_losses(log_->manifest, broken) || newest_head_is_lost();
  auto judged = damaged ? refuse(damage_at_end()) : accept_end();
  if (!judged) return judged;
  cut();
  return {};
}

Failure RecoverySteps::damage_at_end() const {
  const LogEnd& end = end_walk_->end();
  const SeenSlot* const torn = torn_switch();
  const bool at_head = end.end == WalkEnd::stop && end.index + 1 == chain_.segments.size();
  if (torn != nullptr &&
      (newest_head_is_lost() || at_head || torn->found_first == end.place.item + 1)) {
    return lost_head(*torn, evidence_);
  }
  return broken_item(end, *chain_.segments[end.index], evidence_,
                     lost_between(lanes_.catalog(), next_good_ ? &*next_good_ : nullptr));
}

// Forgets what lies behind the accepted end, segments that hold nothing else included.
void RecoverySteps::cut() {
  const LogEnd& end = end_walk_->end();
  log_->report.cut_items += end_walk_->waiting();
  std::uint64_t accepted_end = 0;
  for (const SegmentInfo& segment : log_->segments) {
    if (segment.last_item != 0) accepted_end = segment.end;
  }
  if (end_walk_->waiting() != 0) {
    const bool same = log_->segments[end.index].last_item != 0;
    log_->report.cut_bytes += end.place.offset - (same ? accepted_end : 0);
  }
  std::erase_if(log_->segments, [](const SegmentInfo& segment) { return segment.last_item == 0; });
  if (const SeenSlot* const torn = torn_switch()) {
    log_->report.cut_items += torn->found_items;
    log_->report.cut_bytes += torn->found_bytes;
  }
  if (end_walk_->waiting() == 0) {
    log_->end = beyond_losses(log_->manifest, log_->end + 1) - 1;
  }
}

}  // namespace millrace
