#include "verify_log.hpp"

#include "damage_cost.hpp"
#include "log_walk.hpp"
#include "recover_verdict.hpp"

#include <algorithm>

namespace millrace {

namespace {

Result<void> add_loss(layout::Manifest& manifest, const layout::Tombstone& loss) {
  if (manifest.tombstones == layout::kTombstonesMax) {
    return fail(Errc::too_many,
                "the journal is damaged in more than %zu places; read what is left with `millrace "
                "journal` commands and begin another one",
                layout::kTombstonesMax);
  }
  manifest.accepted[manifest.tombstones++] = loss;
  return {};
}

}  // namespace

LogCheck::LogCheck(Disk& disk, const layout::Manifest& manifest, const VerifyProgress& progress)
    : disk_(&disk), progress_(&progress), reader_(disk, manifest), evidence_(manifest) {
  verified_.manifest = manifest;
  reader_.window().stream();
}

Result<VerifiedLog> LogCheck::run() {
  auto survey = survey_slots(*disk_, reader_, evidence_);
  if (!survey) return Failure(survey.error());
  survey_ = std::move(*survey);
  if (survey_.later_version != ItemState::whole) {
    return fail(Errc::format, "the journal's segments need a later version to be read");
  }
  layout::Manifest& manifest = verified_.manifest;
  if (evidence_.highest_epoch() > manifest.epoch) {
    Damage damage;
    damage.what = "the manifest knows epoch " + std::to_string(manifest.epoch) +
                  ", but there are items of epoch " + std::to_string(evidence_.highest_epoch());
    verified_.report.damages.push_back(std::move(damage));
    manifest.epoch = evidence_.highest_epoch();
    reader_.follow(manifest);
  }
  auto linked = link();
  if (!linked) return Failure(linked.error());
  auto walked = walk();
  if (!walked) return Failure(walked.error());
  fill_report();
  return std::move(verified_);
}

Result<void> LogCheck::link() {
  chain_ = link_segments(survey_, verified_.manifest);
  while (chain_.missing) {
    auto given_up = give_up_missing();
    if (!given_up) return given_up;
    chain_ = link_segments(survey_, verified_.manifest);
  }
  std::uint64_t epoch = 0;
  for (const SeenSlot* const seen : chain_.segments) {
    log_.segments.push_back(segment_of(*seen));
    if (epoch != 0 && seen->header.epoch > epoch) {
      evidence_.take_new_epoch(seen->header.item, seen->header.epoch);
    }
    epoch = seen->header.epoch;
  }
  return {};
}

// The last whole item of the newest segment below this one; 0: there is none.
ItemNumber LogCheck::last_item_before(std::uint64_t segment) {
  const SeenSlot* below = nullptr;
  for (const SeenSlot& seen : survey_.slots) {
    const bool lower = seen.state == SlotState::segment && seen.header.segment < segment &&
                       seen.header.segment >= verified_.manifest.first_live;
    if (lower && (below == nullptr || seen.header.segment > below->header.segment)) below = &seen;
  }
  if (below == nullptr) return 0;
  LogWalk walk(reader_,
               {.slot = below->slot,
                .segment = below->header.segment,
                .stop = verified_.manifest.segment_bytes},
               {.offset = 0, .item = below->header.item, .crc = {}, .epoch = 0});
  ItemView view;
  while (walk.next(view) == WalkEnd::item) {
  }
  return walk.place().item - 1;
}

Result<void> LogCheck::give_up_missing() {
  const Chain::Missing& missing = *chain_.missing;
  Damage damage;
  damage.segment = missing.segment;
  damage.slot = missing.headless != nullptr ? missing.headless->slot : 0;
  damage.bytes = missing.successor->head.predecessor_end;
  damage.item = last_item_before(missing.segment) + 1;
  damage.what =
      missing.headless != nullptr ? "the segment's head is damaged" : "the segment is in no slot";
  return give_up(std::move(damage), missing.successor->head.predecessor_item);
}

Result<void> LogCheck::give_up(Damage damage, ItemNumber to) {
  layout::Manifest& manifest = verified_.manifest;
  auto added = add_loss(manifest, {.from = damage.item, .to = to, .epoch = manifest.epoch});
  verified_.report.damages.push_back(std::move(damage));
  reader_.follow(manifest);
  return added;
}

Result<void> LogCheck::tell_progress() const {
  if (!*progress_) return {};
  std::uint64_t all = 0;
  for (std::size_t index = 0; index < chain_.segments.size(); ++index)
    all += chain_.stop_of(index, verified_.manifest.segment_bytes);
  if ((*progress_)(walk_->counts().bytes, all)) return {};
  return fail(Errc::timeout, "the check of the journal was stopped");
}

Result<void> LogCheck::walk() {
  if (chain_.segments.empty()) {
    // All slots are gone, cut short or of another log.
    const ItemNumber first = beyond_losses(verified_.manifest, 1);
    const bool written = verified_.manifest.first_live > 1 || evidence_.proven() >= first;
    if (!written || first > 1) return {};
    Damage damage;
    damage.segment = verified_.manifest.first_live;
    damage.what = no_segment(verified_.manifest).error().sentence();
    verified_.report.damages.push_back(std::move(damage));
    return {};
  }
  walk_.emplace(reader_, chain_, evidence_, lanes_, log_);
  walk_->begin(0);
  for (;;) {
    auto more = walk_->advance();
    if (!more && more.error().code() != Errc::damaged) return Failure(more.error());
    if (!more) {
      // Whole items that contradict each other: giving some of them up helps nobody.
      Damage damage;
      damage.item = walk_->end().place.item;
      damage.segment = log_.segments[walk_->end().index].segment;
      damage.slot = log_.segments[walk_->end().index].slot;
      damage.what = more.error().sentence();
      verified_.report.damages.push_back(std::move(damage));
      verified_.repairable = false;
      return {};
    }
    auto told = tell_progress();
    if (!told) return told;
    if (*more) continue;
    auto again = judge();
    if (!again) return Failure(again.error());
    if (!*again) return walk_->accept_proven();
  }
}

void LogCheck::look_behind_end() {
  const LogEnd& end = walk_->end();
  next_good_.reset();
  behind_bytes_ = 0;
  std::uint64_t from = end.place.offset;
  for (std::size_t index = end.index; index < chain_.segments.size(); ++index) {
    const SeenSlot& seen = *chain_.segments[index];
    Remains remains = look_behind(reader_, seen.slot, seen.header.segment, from, evidence_);
    if (remains.end != 0) behind_bytes_ += remains.end - from;
    const bool further = remains.next_good && remains.next_good->header.item > end.place.item;
    if (!next_good_ && further) next_good_ = std::move(remains.next_good);
    if (next_good_ && index > end.index) return;
    from = 0;
  }
}

// Which messages the broken item and those behind it cost. The first item behind them may be a
// watermark, which says nothing of lanes: then those that follow are asked.
std::vector<Damage::Range> LogCheck::cost_of(const LogEnd& end) {
  constexpr int kAskedMost = 64;
  std::vector<Damage::Range> ranges;
  ItemView view;
  if (next_good_) {
    ranges = ranges_before(lanes_.catalog(), *next_good_);
    const layout::ItemHeader& next = next_good_->header;
    for (const SeenSlot* const seen : chain_.segments) {
      if (!ranges.empty() || seen->header.segment != next.segment) continue;
      LogWalk behind(
          reader_,
          {.slot = seen->slot, .segment = next.segment, .stop = verified_.manifest.segment_bytes},
          {.offset = next.offset, .item = next.item, .crc = {}, .epoch = 0});
      for (int asked = 0; asked < kAskedMost && ranges.empty(); ++asked) {
        if (behind.next(view) != WalkEnd::item) break;
        ranges = ranges_before(lanes_.catalog(), facts_of(view));
      }
    }
  }
  const SegmentInfo& segment = log_.segments[end.index];
  const ItemState state = reader_.read(segment.slot, end.place.offset, ReadDepth::header, view);
  if (authentic(state)) add_own_ranges(lanes_.catalog(), view, ranges);
  return ranges;
}

// The walk stands at an item that is none. True: it was given up, and the walk goes on behind it.
Result<bool> LogCheck::judge() {
  look_behind_end();
  auto accepted = walk_->accept_proven();
  if (!accepted) return Failure(accepted.error());
  const ItemNumber broken = walk_->end().place.item;
  if (evidence_.proven() < beyond_losses(verified_.manifest, broken)) return false;
  if (looked_twice_at_ != broken) {
    // Beside a running log it may have been on its way when we looked, and what proves it came
    // later.
    looked_twice_at_ = broken;
    reader_.window().forget();
    return true;
  }
  return give_up_broken();
}

Result<bool> LogCheck::give_up_broken() {
  const LogEnd end = walk_->end();
  const SegmentInfo& segment = log_.segments[end.index];
  Damage damage;
  damage.segment = segment.segment;
  damage.slot = segment.slot;
  damage.offset = end.place.offset;
  damage.item = end.place.item;
  damage.what = to_string(end.end, end.state);
  ItemNumber to = std::max(evidence_.highest_item(), evidence_.proven());
  damage.bytes = verified_.manifest.segment_bytes - end.place.offset;
  damage.sequences = cost_of(end);
  if (next_good_) {
    to = next_good_->header.item - 1;
    const bool same = next_good_->header.segment == segment.segment;
    const std::uint64_t until = same ? next_good_->header.offset
                                     : chain_.stop_of(end.index, verified_.manifest.segment_bytes);
    damage.bytes = until - std::min(until, end.place.offset);
  }
  auto given_up = give_up(std::move(damage), to);
  if (!given_up) return Failure(given_up.error());
  return true;
}

void LogCheck::fill_report() {
  VerifyReport& report = verified_.report;
  if (!log_.segments.empty()) verified_.first_item = log_.segments.front().first_item;
  report.segments = static_cast<std::uint64_t>(std::ranges::count_if(
      log_.segments, [](const SegmentInfo& segment) { return segment.last_item != 0; }));
  if (walk_) {
    report.items = walk_->counts().items;
    report.messages = walk_->counts().messages;
    report.bytes = walk_->counts().bytes;
    report.unproven_bytes = behind_bytes_;
    for (std::size_t waiting = walk_->waiting(); waiting > 0; --waiting)
      report.unproven_bytes += reader_.manifest().block_bytes;
  }
  report.lanes = lanes_.catalog().lanes();
}

Result<VerifiedLog> verify_log(Disk& disk, const layout::Manifest& manifest,
                               const VerifyProgress& progress) {
  return LogCheck(disk, manifest, progress).run();
}

}  // namespace millrace
